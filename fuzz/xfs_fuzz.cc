#include <cstddef>
#include <cstdint>

#include "fs/xfs.h"
#include "fuzz/sparse_disk.h"
#include "fuzz/visit_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hallmark::SparseDisk disk(std::as_bytes(std::span(data, size)));
  hallmark::only_errors([&] { hallmark::visit(*hallmark::fs::open_xfs(disk)); });
  return 0;
}
