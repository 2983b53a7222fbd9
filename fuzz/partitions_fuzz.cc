#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "disk/partitions.h"
#include "disk/readers.h"

namespace disk = hallmark::disk;

namespace {

void put32(std::vector<std::byte>& bytes, std::size_t offset, unsigned long value) {
  for (int i = 0; i < 4; ++i) bytes[offset + i] = std::byte(value >> (8 * i) & 0xff);
}

unsigned long checksum(const std::vector<std::byte>& bytes, std::size_t offset,
                       std::size_t length) {
  return ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + offset),
                 static_cast<unsigned>(length));
}

/// Puts the checksums of the primary GPT right: blind mutation would never get past them.
void mend(std::vector<std::byte>& bytes) {
  constexpr std::size_t kHeader = 512;
  if (bytes.size() < 2 * kHeader) return;
  std::uint64_t at = disk::little64(bytes, kHeader + 72) * 512;
  std::uint64_t length =
      std::uint64_t{disk::little32(bytes, kHeader + 80)} * disk::little32(bytes, kHeader + 84);
  if (at < bytes.size() && length <= bytes.size() - at) {
    put32(bytes, kHeader + 88, checksum(bytes, at, length));
  }
  std::size_t header_bytes = disk::little32(bytes, kHeader + 12);
  if (header_bytes > 512) return;
  put32(bytes, kHeader + 16, 0);
  put32(bytes, kHeader + 16, checksum(bytes, kHeader, header_bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto view = std::as_bytes(std::span(data + 1, size - 1));
  std::vector<std::byte> bytes(view.begin(), view.end());
  if (data[0] & 1) mend(bytes);
  auto reader = disk::memory_disk(std::move(bytes));
  for (const disk::Partition& partition : disk::read_partitions(*reader).partitions) {
    // Throws, and so ends the fuzzer, if a partition leaves the disk.
    disk::sub_range(*reader, partition.offset_bytes, partition.size_bytes);
  }
  return 0;
}
