#include "disk/digest.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "base/error.h"

namespace hallmark::disk {

std::string disk_sha256(BlockReader& disk, std::stop_token stop) {
  // Large enough for readers to ask whether there is a hole, small enough to find most of them.
  constexpr std::size_t kStep = 1 << 20;
  std::vector<std::byte> buffer(kStep);
  Sha256 digest;
  const std::uint64_t size = disk.size_bytes();
  for (std::uint64_t at = 0; at < size; at += kStep) {
    if (stop.stop_requested()) {
      throw Error(ErrorKind::cancelled, "stopped while counting a digest over a disk");
    }
    const std::span<std::byte> part(buffer.data(), std::min<std::uint64_t>(kStep, size - at));
    disk.read(at, part);
    digest.add(part);
  }
  return digest.hex();
}

}  // namespace hallmark::disk
