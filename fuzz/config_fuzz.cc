#include <cstddef>
#include <cstdint>

#include "app/config.h"
#include "fuzz/only_errors.h"

namespace app = hallmark::app;
using hallmark::Path;

/// The input is a config.yaml.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hallmark::TempDir kDirectory(hallmark::quick_directory());
  const Path& state = kDirectory.path();
  const std::string text(reinterpret_cast<const char*>(data), size);
  hallmark::write_file(state / "config.yaml", text);
  hallmark::only_errors([&] { app::load_config(state); });
  hallmark::only_errors([&] {
    if (app::has_cloud_section(state)) return;
    app::add_cloud_section(state, "cloud:\n  kind: libvirt\n");
  });
  return 0;
}
