#include "disk/vhd.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kSector = 512;
constexpr std::uint32_t kUnused = 0xffffffff;
// The format's own limit is 2 TiB, in blocks of 2 MiB; qemu-img writes no others.
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 42;
constexpr std::uint32_t kMinBlock = 4096, kMaxBlock = 256 << 20;
// Of 2 TiB in blocks of 2 MiB the table has 4 MiB.
constexpr std::uint64_t kMaxTable = 64 << 20;

enum Type : std::uint32_t { kFixed = 2, kDynamic = 3, kDifferencing = 4 };

Error broken(const std::string& name, std::string_view what) {
  return Error(ErrorKind::corrupt, "the VHD image {} {}", name, what);
}

Bytes read_bytes(BlockReader& storage, std::uint64_t offset, std::uint64_t length) {
  check_range(offset, length, storage.size_bytes(), "the file");
  Bytes bytes(static_cast<std::size_t>(length));
  storage.read(offset, bytes);
  return bytes;
}

/// The inverted sum of all bytes but those of the sum itself.
bool has_right_sum(const Bytes& bytes, std::size_t at) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i < at || i >= at + 4) sum += std::to_integer<std::uint32_t>(bytes[i]);
  }
  return ~sum == big32(bytes, at);
}

bool starts_with(const Bytes& bytes, std::string_view magic) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .starts_with(magic);
}

std::optional<Bytes> read_footer(BlockReader& storage) {
  if (storage.size_bytes() < kSector) return std::nullopt;
  Bytes footer = read_bytes(storage, storage.size_bytes() - kSector, kSector);
  if (!starts_with(footer, "conectix") || !has_right_sum(footer, 64)) return std::nullopt;
  // A guest can write such a sector at the end of its raw disk: the rest of the file must agree.
  bool agrees = big32(footer, 60) == kFixed ? big64(footer, 48) == storage.size_bytes() - kSector
                                            : read_bytes(storage, 0, kSector) == footer;
  if (!agrees) return std::nullopt;
  return footer;
}

class Vhd final : public BlockReader {
 public:
  Vhd(std::unique_ptr<BlockReader> storage, std::string name)
      : storage_(std::move(storage)), name_(std::move(name)) {
    Bytes footer = read_footer(*storage_).value();
    size_bytes_ = big64(footer, 48);
    if (size_bytes_ > kMaxBytes) throw broken(name_, "has an impossible size");
    std::uint32_t type = big32(footer, 60);
    if (type == kDifferencing) {
      throw Error(ErrorKind::usage, "{} is a differencing disk, which is not read here", name_)
          .hint("convert it with: qemu-img convert -O qcow2 " + name_ + " NEW.qcow2");
    }
    if (type == kDynamic) {
      read_table(big64(footer, 16));
    } else if (type != kFixed) {
      throw broken(name_, "is of an unknown type");
    }
  }

  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::uint64_t fetched_bytes() const override { return storage_->fetched_bytes(); }

  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), size_bytes_, name_.c_str());
    if (block_bytes_ == 0) return storage_->read(offset, out);
    while (!out.empty()) {
      std::uint64_t block = offset / block_bytes_, inside = offset % block_bytes_;
      auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), block_bytes_ - inside));
      read_block(block, inside, out.first(length));
      offset += length;
      out = out.subspan(length);
    }
  }

 private:
  void read_table(std::uint64_t header_at) {
    Bytes header = read_bytes(*storage_, header_at, 1024);
    if (!starts_with(header, "cxsparse") || !has_right_sum(header, 36)) {
      throw broken(name_, "has no dynamic header");
    }
    std::uint32_t entries = big32(header, 28);
    block_bytes_ = big32(header, 32);
    if (block_bytes_ < kMinBlock || block_bytes_ > kMaxBlock ||
        !std::has_single_bit(block_bytes_)) {
      throw broken(name_, "has blocks of an impossible size");
    }
    if (entries < (size_bytes_ + block_bytes_ - 1) / block_bytes_) {
      throw broken(name_, "has too short a table");
    }
    // A bit for each sector of the block comes before it. All that were never written are zeros in
    // the file as well, so that the bits need not be looked at.
    bitmap_bytes_ = (block_bytes_ / kSector / 8 + kSector - 1) / kSector * kSector;
    std::uint64_t length = (size_bytes_ + block_bytes_ - 1) / block_bytes_ * 4;
    if (length > kMaxTable) throw broken(name_, "has too long a table");
    table_ = read_bytes(*storage_, big64(header, 16), length);
  }

  void read_block(std::uint64_t block, std::uint64_t inside, std::span<std::byte> out) {
    std::uint32_t sector = big32(table_, static_cast<std::size_t>(block) * 4);
    if (sector == kUnused) {
      std::fill(out.begin(), out.end(), std::byte{0});
      return;
    }
    std::uint64_t place = sector * kSector + bitmap_bytes_ + inside;
    check_range(place, out.size(), storage_->size_bytes(), name_.c_str());
    storage_->read(place, out);
  }

  std::unique_ptr<BlockReader> storage_;
  std::string name_;
  std::uint64_t size_bytes_ = 0;
  std::uint32_t block_bytes_ = 0;  ///< 0: fixed
  std::uint64_t bitmap_bytes_ = 0;
  Bytes table_;
};

}  // namespace

bool is_vhd(BlockReader& storage) { return read_footer(storage).has_value(); }

std::unique_ptr<BlockReader> open_vhd(std::unique_ptr<BlockReader> storage, std::string name) {
  if (!is_vhd(*storage)) throw broken(name, "has no footer");
  return std::make_unique<Vhd>(std::move(storage), std::move(name));
}

}  // namespace hallmark::disk
