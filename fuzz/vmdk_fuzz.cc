#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "disk/readers.h"
#include "disk/vhd.h"
#include "disk/vmdk.h"
#include "fuzz/only_errors.h"

using namespace hallmark;

/// A VMDK or a VHD.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = std::as_bytes(std::span(data, size));
  only_errors([&] {
    auto storage = disk::memory_disk(std::vector<std::byte>(bytes.begin(), bytes.end()));
    auto image = disk::is_vmdk(*storage) ? disk::open_vmdk(std::move(storage), "input")
                                         : disk::open_vhd(std::move(storage), "input");
    constexpr std::uint64_t kPiece = 4096, kReach = 2 << 20;
    std::vector<std::byte> out(kPiece);
    std::uint64_t end = std::min(image->size_bytes(), kReach);
    for (std::uint64_t offset = 0; offset < end; offset += kPiece) {
      only_errors(
          [&] { image->read(offset, std::span(out).first(std::min(kPiece, end - offset))); });
    }
    if (image->size_bytes() > kReach) image->read(image->size_bytes() - kPiece, out);
  });
  return 0;
}
