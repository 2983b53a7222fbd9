#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "disk/readers.h"
#include "fs/open.h"

using hallmark::Error;
using hallmark::ErrorKind;
namespace fs = hallmark::fs;

namespace {

/// One failing call must not hide the others.
template <typename Function>
void attempt(Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) __builtin_trap();
  }
}

void visit(fs::FileSystem& files, const std::string& directory, int depth, int& left) {
  std::vector<std::string> names;
  attempt([&] { names = files.list(directory); });
  for (const std::string& name : names) {
    if (--left < 0) return;
    std::string path = directory + "/" + name;
    attempt([&] {
      auto info = files.stat(path, false);
      if (!info) return;
      if (info->type == fs::FileType::directory && depth > 0) visit(files, path, depth - 1, left);
      if (info->type == fs::FileType::regular) files.read_file(path, 1 << 20);
    });
    attempt([&] { files.stat(path + "/below", true); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = std::as_bytes(std::span(data, size));
  auto disk = hallmark::disk::memory_disk(std::vector<std::byte>(bytes.begin(), bytes.end()));
  attempt([&] {
    auto files = fs::open_file_system(*disk);
    if (!files) return;
    files->warnings();
    files->label();
    int left = 100;
    visit(*files, "", 3, left);
    attempt([&] { files->read_file("/var/link", 1 << 20); });
  });
  return 0;
}
