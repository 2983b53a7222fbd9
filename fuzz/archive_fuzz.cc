#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fs/archive.h"
#include "fuzz/visit_files.h"

using namespace hallmark;

/// A tar, compressed or not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TempDir directory(quick_directory());
  static const bool told = ::setenv("TMPDIR", directory.path().c_str(), 1) == 0;
  Path file = directory.path() / "input";
  if (FILE* out = told ? std::fopen(file.c_str(), "wb") : nullptr) {
    std::fwrite(data, 1, size, out);
    std::fclose(out);
  }
  only_errors([&] {
    fs::looks_like_archive(file);
    visit(*fs::open_archive(file));
  });
  return 0;
}
