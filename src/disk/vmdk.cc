#include "disk/vmdk.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "base/error.h"
#include "disk/decompress.h"
#include "disk/lru_cache.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kSector = 512;
constexpr std::uint32_t kMagic = 0x564d444b;  // KDMV
constexpr std::uint64_t kDirectoryAtEnd = ~std::uint64_t{0};
// 8 EiB, more than any disk has.
constexpr std::uint64_t kMaxSectors = std::uint64_t{1} << 54;
constexpr std::uint64_t kMaxGrainSectors = 4096;     // qemu-img and VMware write 128
constexpr std::uint32_t kMaxTableEntries = 1 << 16;  // of 512 everywhere
constexpr std::uint64_t kMaxDescriptor = 1 << 20;
// Of a disk of 62 TiB, VMware's largest, the directory has 8 MiB.
constexpr std::uint64_t kMaxDirectory = 64 << 20;
constexpr std::size_t kCachedTables = 256, kCachedGrains = 64;

Error broken(const std::string& name, std::string_view what) {
  return Error(ErrorKind::corrupt, "the VMDK image {} {}", name, what);
}

Bytes read_bytes(BlockReader& storage, std::uint64_t sector, std::uint64_t length) {
  check_range(sector, 0, kMaxSectors, "the file");
  check_range(sector * kSector, length, storage.size_bytes(), "the file");
  Bytes bytes(static_cast<std::size_t>(length));
  storage.read(sector * kSector, bytes);
  return bytes;
}

struct Header {
  std::uint64_t sectors = 0, grain_sectors = 0, directory = 0;
  std::uint64_t descriptor = 0, descriptor_sectors = 0;
  std::uint32_t table_entries = 0;
  bool has_zero_grains = false, compressed = false, has_markers = false;
};

Header parse_header(const Bytes& bytes, const std::string& name) {
  if (little32(bytes, 0) != kMagic) throw broken(name, "has no header");
  std::uint32_t version = little32(bytes, 4), flags = little32(bytes, 8);
  if (version == 0 || version > 3) {
    throw Error(ErrorKind::usage, "{} is a VMDK of version {}, which is not read here", name,
                version);
  }
  Header header;
  header.sectors = little64(bytes, 12);
  header.grain_sectors = little64(bytes, 20);
  header.descriptor = little64(bytes, 28);
  header.descriptor_sectors = little64(bytes, 36);
  header.table_entries = little32(bytes, 44);
  // Not the redundant one, which flag 2 announces: QEMU and VMware read this one always.
  header.directory = little64(bytes, 56);
  header.has_zero_grains = flags & 4;
  header.compressed = flags & 0x10000;
  header.has_markers = flags & 0x20000;
  if (header.sectors > kMaxSectors) throw broken(name, "has an impossible size");
  if (header.grain_sectors == 0 || header.grain_sectors > kMaxGrainSectors ||
      !std::has_single_bit(header.grain_sectors)) {
    throw broken(name, "has grains of an impossible size");
  }
  if (header.table_entries == 0 || header.table_entries > kMaxTableEntries) {
    throw broken(name, "has tables of an impossible size");
  }
  if (header.compressed && (little16(bytes, 77) != 1 || !header.has_markers)) {
    throw Error(ErrorKind::usage, "{} is compressed in a way that is not read here", name);
  }
  return header;
}

/// A stream's writer knows only at the end where the directory lies, and repeats the header there.
Header read_header(BlockReader& storage, const std::string& name) {
  Header header = parse_header(read_bytes(storage, 0, kSector), name);
  if (header.directory != kDirectoryAtEnd) return header;
  std::uint64_t sectors = storage.size_bytes() / kSector;
  if (sectors < 4) throw broken(name, "has no footer");
  Header footer = parse_header(read_bytes(storage, sectors - 2, kSector), name);
  if (footer.directory == kDirectoryAtEnd) throw broken(name, "has no directory");
  return footer;
}

void refuse_delta(BlockReader& storage, const Header& header, const std::string& name) {
  if (header.descriptor == 0) return;
  std::uint64_t length = std::min(header.descriptor_sectors, kMaxDescriptor / kSector) * kSector;
  Bytes bytes = read_bytes(storage, header.descriptor, length);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t at = text.find("parentCID=");
  if (at != text.npos && text.substr(at + 10, 8) != "ffffffff") {
    throw Error(ErrorKind::usage, "{} is a delta of another disk, which is not read here", name)
        .hint("convert it with: qemu-img convert -O qcow2 " + name + " NEW.qcow2");
  }
}

class Vmdk final : public BlockReader {
 public:
  Vmdk(std::unique_ptr<BlockReader> storage, std::string name)
      : storage_(std::move(storage)),
        name_(std::move(name)),
        header_(read_header(*storage_, name_)),
        tables_(kCachedTables),
        grains_(kCachedGrains) {
    refuse_delta(*storage_, header_, name_);
    grain_bytes_ = header_.grain_sectors * kSector;
    std::uint64_t grains = (header_.sectors + header_.grain_sectors - 1) / header_.grain_sectors;
    std::uint64_t tables = (grains + header_.table_entries - 1) / header_.table_entries;
    if (tables > kMaxDirectory / 4) throw broken(name_, "has an impossible size");
    directory_ = read_bytes(*storage_, header_.directory, tables * 4);
  }

  std::uint64_t size_bytes() const override { return header_.sectors * kSector; }
  std::uint64_t fetched_bytes() const override { return storage_->fetched_bytes(); }

  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), size_bytes(), name_.c_str());
    while (!out.empty()) {
      std::uint64_t grain = offset / grain_bytes_, inside = offset % grain_bytes_;
      auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), grain_bytes_ - inside));
      read_grain(grain, inside, out.first(length));
      offset += length;
      out = out.subspan(length);
    }
  }

 private:
  std::uint64_t sector_of(std::uint64_t grain) {
    std::uint64_t number = grain / header_.table_entries;
    std::uint64_t place = little32(directory_, static_cast<std::size_t>(number) * 4);
    if (place == 0) return 0;
    const Bytes* table = tables_.find(place);
    if (table == nullptr) {
      table = &tables_.put(place,
                           read_bytes(*storage_, place, std::uint64_t{header_.table_entries} * 4));
    }
    return little32(*table, static_cast<std::size_t>(grain % header_.table_entries) * 4);
  }

  void read_grain(std::uint64_t grain, std::uint64_t inside, std::span<std::byte> out) {
    std::uint64_t sector = sector_of(grain);
    if (sector == 0 || (sector == 1 && header_.has_zero_grains)) {
      std::fill(out.begin(), out.end(), std::byte{0});
    } else if (header_.compressed) {
      const Bytes& bytes = unpacked(grain, sector);
      check_range(inside, out.size(), bytes.size(), "the grain");
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(inside), out.size(), out.begin());
    } else {
      check_range(sector * kSector + inside, out.size(), storage_->size_bytes(), name_.c_str());
      storage_->read(sector * kSector + inside, out);
    }
  }

  const Bytes& unpacked(std::uint64_t grain, std::uint64_t sector) {
    if (const Bytes* known = grains_.find(grain)) return *known;
    constexpr std::size_t kMarker = 12;
    Bytes marker = read_bytes(*storage_, sector, kMarker);
    std::uint64_t length = little32(marker, 8);
    if (little64(marker, 0) != grain * header_.grain_sectors || length > 2 * grain_bytes_ + 1024) {
      throw broken(name_, fmt::format("has no grain for disk offset {} at sector {}",
                                      grain * grain_bytes_, sector));
    }
    Bytes packed = read_bytes(*storage_, sector, kMarker + length);
    // The last grain may be cut where the disk ends.
    Bytes bytes(
        static_cast<std::size_t>(std::min(grain_bytes_, size_bytes() - grain * grain_bytes_)));
    if (decompress(Compression::zlib, std::span(packed).subspan(kMarker), bytes) != bytes.size()) {
      throw broken(name_, fmt::format("has a damaged grain at sector {}", sector));
    }
    return grains_.put(grain, std::move(bytes));
  }

  std::unique_ptr<BlockReader> storage_;
  std::string name_;
  Header header_;
  std::uint64_t grain_bytes_ = 0;
  Bytes directory_;
  LruCache<std::uint64_t, Bytes> tables_;
  LruCache<std::uint64_t, Bytes> grains_;
};

}  // namespace

bool is_vmdk(BlockReader& storage) {
  return storage.size_bytes() >= kSector && little32(read_bytes(storage, 0, 4), 0) == kMagic;
}

std::unique_ptr<BlockReader> open_vmdk(std::unique_ptr<BlockReader> storage, std::string name) {
  return std::make_unique<Vmdk>(std::move(storage), std::move(name));
}

}  // namespace hallmark::disk
