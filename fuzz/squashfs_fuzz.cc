#include <cstddef>
#include <cstdint>
#include <vector>

#include "disk/readers.h"
#include "fs/squashfs.h"
#include "fuzz/visit_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = std::as_bytes(std::span(data, size));
  auto disk = hallmark::disk::memory_disk(std::vector<std::byte>(bytes.begin(), bytes.end()));
  hallmark::only_errors([&] { hallmark::visit(*hallmark::fs::open_squashfs(*disk)); });
  return 0;
}
