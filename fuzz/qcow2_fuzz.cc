#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "disk/qcow2.h"
#include "disk/readers.h"

using hallmark::Error;
using hallmark::ErrorKind;
namespace disk = hallmark::disk;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = std::as_bytes(std::span(data, size));
  auto no_backing = [](const std::string&,
                       const std::string&) -> std::unique_ptr<disk::BlockReader> {
    return disk::memory_disk(std::string(1000, 'b'));
  };
  try {
    auto storage = disk::memory_disk(std::vector<std::byte>(bytes.begin(), bytes.end()));
    if (!disk::is_qcow2(*storage)) return 0;
    auto image = disk::open_qcow2(std::move(storage), "input", no_backing);
    // Enough to reach all of a small image; a broken cluster must not hide those behind it.
    constexpr std::uint64_t kPiece = 4096, kReach = 4 << 20;
    std::vector<std::byte> out(kPiece);
    auto read = [&](std::uint64_t offset) {
      std::uint64_t length = std::min(kPiece, image->size_bytes() - offset);
      try {
        image->read(offset, std::span(out).first(static_cast<std::size_t>(length)));
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::internal) __builtin_trap();
      }
    };
    std::uint64_t end = std::min(image->size_bytes(), kReach);
    for (std::uint64_t offset = 0; offset < end; offset += kPiece) read(offset);
    if (image->size_bytes() > kReach) read(image->size_bytes() - 100);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) __builtin_trap();
  }
  return 0;
}
