#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "disk/lvm.h"
#include "disk/lvm_text.h"
#include "fuzz/only_errors.h"
#include "fuzz/sparse_disk.h"

using namespace hallmark;

/// Text as metadata, else a physical volume.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Chosen input = chosen(data, size);
  only_errors([&] { disk::parse_lvm_text(input.text); });
  SparseDisk disk(std::as_bytes(std::span(data, size)));
  only_errors([&] {
    if (!disk::is_physical_volume(disk)) return;
    for (auto& volume : disk::read_volume_groups({&disk}).volumes) {
      if (!volume.content) continue;
      std::uint64_t length = volume.content->size_bytes();
      std::vector<std::byte> part(std::min<std::uint64_t>(length, 1 << 16));
      only_errors([&] { volume.content->read(0, part); });
      only_errors([&] { volume.content->read(length - part.size(), part); });
    }
  });
  return 0;
}
