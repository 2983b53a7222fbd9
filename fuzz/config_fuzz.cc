#include <stdlib.h>

#include <cstddef>
#include <cstdint>

#include "app/config.h"
#include "fuzz/only_errors.h"

namespace app = hallmark::app;
using hallmark::Path;

namespace {

/// A state directory for the whole run; gone with the process.
struct State {
  State() {
    const char* memory = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    std::string name = std::string(memory) + "/hallmark-config-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) __builtin_trap();
    directory = name;
  }
  ~State() { std::filesystem::remove_all(directory); }
  Path directory;
};

}  // namespace

/// The input is a config.yaml.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const State kState;
  const std::string text(reinterpret_cast<const char*>(data), size);
  hallmark::write_file(kState.directory / "config.yaml", text);
  hallmark::only_errors([&] { app::load_config(kState.directory); });
  hallmark::only_errors([&] {
    if (app::has_cloud_section(kState.directory)) return;
    app::add_cloud_section(kState.directory, "cloud:\n  kind: libvirt\n");
  });
  return 0;
}
