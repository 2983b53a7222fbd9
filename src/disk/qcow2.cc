#include "disk/qcow2.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "disk/decompress.h"
#include "disk/lru_cache.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

constexpr std::uint32_t kMagic = 0x514649fb;  // "QFI\xfb"
constexpr std::size_t kHeaderBytesVersion2 = 72;
constexpr std::size_t kHeaderBytesVersion3 = 104;
// Bits 9 to 55 of L1 and L2 entries hold the offset.
constexpr std::uint64_t kOffsetMask = 0x00fffffffffffe00;
constexpr std::uint64_t kCompressedFlag = std::uint64_t{1} << 62;
constexpr std::uint64_t kZeroFlag = 1;

constexpr std::uint64_t kFeatureDirty = 1 << 0;  // only reference counts may be stale: we read none
constexpr std::uint64_t kFeatureCorrupt = 1 << 1;
constexpr std::uint64_t kFeatureExternalData = 1 << 2;
constexpr std::uint64_t kFeatureCompressionType = 1 << 3;
constexpr std::uint64_t kFeatureExtendedL2 = 1 << 4;

constexpr std::uint32_t kExtensionEnd = 0;
constexpr std::uint32_t kExtensionBackingFormat = 0xe2792aca;

// The format's own limit for the name of a backing file.
constexpr std::uint32_t kMaxBackingName = 1023;
// QEMU's limit for an L1 table: enough for 2 PiB with default clusters.
constexpr std::uint64_t kMaxL1Entries = (32u << 20) / 8;
// L2 tables are read in pieces: a small file on a large disk then costs 4 KiB and not a cluster.
constexpr std::uint64_t kL2SliceBytes = 4096;
constexpr std::size_t kCachedL2Slices = 512;
constexpr std::uint64_t kDecompressedCacheBytes = 16u << 20;
constexpr unsigned kSubclusters = 32;

struct Header {
  std::uint32_t version = 0;
  unsigned cluster_bits = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t l1_offset = 0;
  std::uint64_t l1_entries = 0;
  bool extended_l2 = false;
  Compression compression = Compression::deflate;
  std::string backing_name;
  std::string backing_format;
};

using Bytes = std::vector<std::byte>;

Bytes read_bytes(BlockReader& storage, std::uint64_t offset, std::size_t length) {
  check_range(offset, length, storage.size_bytes(), "the file");
  Bytes bytes(length);
  storage.read(offset, bytes);
  return bytes;
}

std::string as_text(const Bytes& bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void check_features(std::uint64_t features) {
  if (features & kFeatureCorrupt) {
    throw Error(ErrorKind::corrupt, "the image is marked as corrupt")
        .hint("repair it with: qemu-img check -r all FILE");
  }
  if (features & kFeatureExternalData) {
    throw Error(ErrorKind::usage, "the image keeps its data in an external file")
        .hint("convert it with: qemu-img convert -O qcow2 FILE NEW");
  }
  std::uint64_t known = kFeatureDirty | kFeatureCompressionType | kFeatureExtendedL2;
  if (features & ~known) {
    throw Error(ErrorKind::usage, "the image needs features that are not known here (bits {:#x})",
                features & ~known)
        .hint("convert it with: qemu-img convert -O qcow2 FILE NEW");
  }
}

/// The extensions lie between the fixed header and the backing file name or the end of cluster 0.
std::string backing_format(BlockReader& storage, std::uint64_t offset, std::uint64_t end) {
  end = std::min(end, storage.size_bytes());
  while (offset + 8 <= end) {
    Bytes head = read_bytes(storage, offset, 8);
    std::uint32_t type = big32(head, 0), length = big32(head, 4);
    offset += 8;
    if (type == kExtensionEnd) break;
    if (length > end - offset) {
      throw Error(ErrorKind::corrupt, "header extension {:#x} leaves the header", type);
    }
    if (type == kExtensionBackingFormat) return as_text(read_bytes(storage, offset, length));
    offset += (std::uint64_t{length} + 7) / 8 * 8;
  }
  return {};
}

Header read_header(BlockReader& storage) {
  Bytes fixed = read_bytes(storage, 0, kHeaderBytesVersion2);
  Header header;
  header.version = big32(fixed, 4);
  if (header.version != 2 && header.version != 3) {
    throw Error(ErrorKind::usage, "qcow version {} is not supported", header.version)
        .hint("convert it with: qemu-img convert -O qcow2 FILE NEW");
  }
  std::uint64_t backing_offset = big64(fixed, 8);
  std::uint32_t backing_length = big32(fixed, 16);
  std::uint32_t cluster_bits = big32(fixed, 20);
  if (cluster_bits < 9 || cluster_bits > 21) {
    throw Error(ErrorKind::corrupt, "cluster size 2^{} is not allowed", cluster_bits);
  }
  header.cluster_bits = cluster_bits;
  header.size_bytes = big64(fixed, 24);
  if (std::uint32_t method = big32(fixed, 32); method != 0) {
    throw Error(ErrorKind::usage, "the image is encrypted (method {})", method)
        .hint("decrypt it first with: qemu-img convert");
  }
  header.l1_entries = big32(fixed, 36);
  header.l1_offset = big64(fixed, 40);

  std::uint64_t header_bytes = kHeaderBytesVersion2;
  if (header.version == 3) {
    Bytes more = read_bytes(storage, 0, kHeaderBytesVersion3);
    std::uint64_t features = big64(more, 72);
    check_features(features);
    header.extended_l2 = features & kFeatureExtendedL2;
    header_bytes = big32(more, 100);
    if (header_bytes < kHeaderBytesVersion3 || header_bytes > (1u << cluster_bits)) {
      throw Error(ErrorKind::corrupt, "header length {} is not allowed", header_bytes);
    }
    if (features & kFeatureCompressionType) {
      if (header_bytes <= kHeaderBytesVersion3) {
        throw Error(ErrorKind::corrupt, "the header is too short to name its compression");
      }
      auto type = std::to_integer<unsigned>(read_bytes(storage, kHeaderBytesVersion3, 1)[0]);
      if (type > 1) throw Error(ErrorKind::usage, "compression type {} is not known here", type);
      header.compression = type == 1 ? Compression::zstd : Compression::deflate;
    }
  }
  if (header.extended_l2 && cluster_bits < 14) {
    throw Error(ErrorKind::corrupt, "extended L2 entries need clusters of at least 16 KiB");
  }
  if (backing_offset != 0 && backing_length != 0) {
    if (backing_length > kMaxBackingName) {
      throw Error(ErrorKind::corrupt, "the backing file name has {} bytes", backing_length);
    }
    header.backing_name = as_text(read_bytes(storage, backing_offset, backing_length));
    std::uint64_t end = std::min<std::uint64_t>(backing_offset, 1u << cluster_bits);
    header.backing_format = backing_format(storage, header_bytes, end);
  }
  return header;
}

/// What a range of the disk is made of.
enum class Piece { from_backing, zeros, plain, compressed };

struct Mapping {
  Piece piece = Piece::from_backing;
  std::uint64_t host_offset = 0;  ///< of the cluster; for compressed ones of the packed bytes
  std::uint64_t packed_bytes = 0;
  std::uint64_t length = 0;  ///< bytes of the disk from the asked offset for which this holds
};

class Qcow2 final : public BlockReader {
 public:
  Qcow2(std::unique_ptr<BlockReader> storage, std::string name, Header header,
        std::unique_ptr<BlockReader> backing)
      : storage_(std::move(storage)),
        name_(std::move(name)),
        header_(std::move(header)),
        backing_(std::move(backing)),
        cluster_bytes_(std::uint64_t{1} << header_.cluster_bits),
        entry_bytes_(header_.extended_l2 ? 16 : 8),
        l2_entries_(cluster_bytes_ / entry_bytes_),
        slice_bytes_(std::min(cluster_bytes_, kL2SliceBytes)),
        l2_slices_(kCachedL2Slices),
        unpacked_(std::max<std::uint64_t>(kDecompressedCacheBytes / cluster_bytes_, 4)) {
    load_l1();
  }

  std::uint64_t size_bytes() const override { return header_.size_bytes; }
  std::uint64_t fetched_bytes() const override {
    return storage_->fetched_bytes() + (backing_ ? backing_->fetched_bytes() : 0);
  }

  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), header_.size_bytes, "the disk");
    while (!out.empty()) {
      Mapping mapping = map(offset);
      auto length = static_cast<std::size_t>(std::min<std::uint64_t>(mapping.length, out.size()));
      read_piece(mapping, offset, out.first(length));
      offset += length;
      out = out.subspan(length);
    }
  }

 private:
  template <typename... Args>
  Error broken(fmt::format_string<Args...> format, Args&&... args) const {
    return Error(ErrorKind::corrupt, "{}: {}", name_,
                 fmt::format(format, std::forward<Args>(args)...));
  }

  void load_l1() {
    std::uint64_t covered = cluster_bytes_ * l2_entries_;
    std::uint64_t needed = header_.size_bytes / covered + (header_.size_bytes % covered != 0);
    if (header_.l1_entries < needed || needed > kMaxL1Entries) {
      throw broken("the L1 table of {} entries does not fit a disk of {} bytes", header_.l1_entries,
                   header_.size_bytes);
    }
    if (header_.l1_offset % 8 != 0) {
      throw broken("the L1 table lies at the odd offset {}", header_.l1_offset);
    }
    try {
      Bytes table = read_bytes(*storage_, header_.l1_offset, needed * 8);
      l1_.reserve(needed);
      for (std::uint64_t i = 0; i < needed; ++i) l1_.push_back(big64(table, i * 8));
    } catch (Error& error) {
      error.note("while reading the L1 table of " + name_);
      throw;
    }
  }

  /// The piece of an L2 table that holds entry `index`, and where the entry starts in it.
  std::pair<const Bytes*, std::size_t> l2_slice(std::uint64_t table, std::uint64_t index) {
    std::uint64_t position = index * entry_bytes_;
    std::uint64_t start = table + position / slice_bytes_ * slice_bytes_;
    const Bytes* slice = l2_slices_.find(start);
    if (slice == nullptr) {
      if (start + slice_bytes_ > storage_->size_bytes()) {
        throw broken("the L2 table at offset {} lies behind the end of the file ({} bytes)", table,
                     storage_->size_bytes());
      }
      slice = &l2_slices_.put(start, read_bytes(*storage_, start, slice_bytes_));
    }
    return {slice, static_cast<std::size_t>(position % slice_bytes_)};
  }

  Mapping map(std::uint64_t offset) {
    std::uint64_t cluster = offset >> header_.cluster_bits;
    std::uint64_t in_cluster = offset & (cluster_bytes_ - 1);
    Mapping mapping;
    mapping.length = cluster_bytes_ - in_cluster;

    std::uint64_t table = l1_[cluster / l2_entries_] & kOffsetMask;
    if (table == 0) return mapping;
    if (table & (cluster_bytes_ - 1)) throw broken("L2 table at the odd offset {}", table);
    auto [slice, position] = l2_slice(table, cluster % l2_entries_);
    std::uint64_t entry = big64(*slice, position);

    if (entry & kCompressedFlag) {
      // Sector count and offset share the entry; their border moves with the cluster size.
      unsigned offset_bits = 62 - (header_.cluster_bits - 8);
      mapping.piece = Piece::compressed;
      mapping.host_offset = entry & ((std::uint64_t{1} << offset_bits) - 1);
      std::uint64_t sectors = ((entry & (kCompressedFlag - 1)) >> offset_bits) + 1;
      mapping.packed_bytes = sectors * 512 - mapping.host_offset % 512;
      return mapping;
    }
    mapping.host_offset = entry & kOffsetMask;
    if (mapping.host_offset & (cluster_bytes_ - 1)) {
      throw broken("cluster {} lies at the odd offset {}", cluster, mapping.host_offset);
    }
    if (header_.extended_l2) {
      map_subcluster(mapping, big64(*slice, position + 8), in_cluster);
    } else if (header_.version >= 3 && (entry & kZeroFlag)) {
      mapping.piece = Piece::zeros;
    } else if (mapping.host_offset != 0) {
      mapping.piece = Piece::plain;
    }
    return mapping;
  }

  /// Low half of `bitmap`: has data here; high half: reads as zeros.
  void map_subcluster(Mapping& mapping, std::uint64_t bitmap, std::uint64_t in_cluster) const {
    std::uint64_t subcluster_bytes = cluster_bytes_ / kSubclusters;
    unsigned subcluster = static_cast<unsigned>(in_cluster / subcluster_bytes);
    mapping.length = subcluster_bytes - in_cluster % subcluster_bytes;
    bool data = bitmap >> subcluster & 1;
    bool zero = bitmap >> (kSubclusters + subcluster) & 1;
    if (data && (zero || mapping.host_offset == 0)) {
      throw broken("an extended L2 entry contradicts itself ({:#x})", bitmap);
    }
    if (data) mapping.piece = Piece::plain;
    if (zero) mapping.piece = Piece::zeros;
  }

  void read_piece(const Mapping& mapping, std::uint64_t offset, std::span<std::byte> out) {
    std::uint64_t in_cluster = offset & (cluster_bytes_ - 1);
    switch (mapping.piece) {
      case Piece::zeros:
        std::fill(out.begin(), out.end(), std::byte{0});
        break;
      case Piece::from_backing:
        read_backing(offset, out);
        break;
      case Piece::plain: {
        std::uint64_t start = mapping.host_offset + in_cluster;
        if (start + out.size() > storage_->size_bytes()) {
          throw broken(
              "disk offset {} is said to lie at file offset {}, behind the end of the file ({} "
              "bytes)",
              offset, start, storage_->size_bytes())
              .hint("the file was probably cut short while it was copied");
        }
        storage_->read(start, out);
        break;
      }
      case Piece::compressed: {
        const Bytes& cluster = unpacked(mapping, offset);
        std::copy_n(cluster.begin() + static_cast<std::ptrdiff_t>(in_cluster), out.size(),
                    out.begin());
        break;
      }
    }
  }

  void read_backing(std::uint64_t offset, std::span<std::byte> out) {
    std::uint64_t available = 0;
    if (backing_ && offset < backing_->size_bytes()) {
      available = std::min<std::uint64_t>(backing_->size_bytes() - offset, out.size());
      backing_->read(offset, out.first(static_cast<std::size_t>(available)));
    }
    // Behind the end of a shorter backing file the disk reads as zeros.
    auto rest = out.subspan(static_cast<std::size_t>(available));
    std::fill(rest.begin(), rest.end(), std::byte{0});
  }

  const Bytes& unpacked(const Mapping& mapping, std::uint64_t offset) {
    if (const Bytes* cluster = unpacked_.find(mapping.host_offset)) return *cluster;
    if (mapping.host_offset >= storage_->size_bytes()) {
      throw broken("the compressed cluster for disk offset {} lies behind the end of the file",
                   offset);
    }
    // The sector count is rounded up, so that the last cluster may seem to leave the file.
    std::uint64_t length =
        std::min(mapping.packed_bytes, storage_->size_bytes() - mapping.host_offset);
    Bytes packed = read_bytes(*storage_, mapping.host_offset, static_cast<std::size_t>(length));
    Bytes cluster(static_cast<std::size_t>(cluster_bytes_));
    if (decompress(header_.compression, packed, cluster) != cluster.size()) {
      throw broken("the compressed cluster at file offset {} (disk offset {}) is damaged",
                   mapping.host_offset, offset);
    }
    return unpacked_.put(mapping.host_offset, std::move(cluster));
  }

  std::unique_ptr<BlockReader> storage_;
  std::string name_;
  Header header_;
  std::unique_ptr<BlockReader> backing_;
  std::uint64_t cluster_bytes_;
  std::uint64_t entry_bytes_;
  std::uint64_t l2_entries_;
  std::uint64_t slice_bytes_;
  std::vector<std::uint64_t> l1_;
  LruCache<std::uint64_t, Bytes> l2_slices_;
  LruCache<std::uint64_t, Bytes> unpacked_;
};

}  // namespace

bool is_qcow2(BlockReader& storage) {
  return storage.size_bytes() >= 4 && big32(read_bytes(storage, 0, 4), 0) == kMagic;
}

std::unique_ptr<BlockReader> open_qcow2(std::unique_ptr<BlockReader> storage, std::string name,
                                        const OpenBacking& open_backing) {
  Header header;
  try {
    header = read_header(*storage);
  } catch (Error& error) {
    error.note("while reading the qcow2 header of " + name);
    throw;
  }
  std::unique_ptr<BlockReader> backing;
  if (!header.backing_name.empty()) {
    try {
      backing = open_backing(header.backing_name, header.backing_format);
    } catch (Error& error) {
      error.note(
          fmt::format("while opening \"{}\", the backing file of {}", header.backing_name, name));
      throw;
    }
  }
  return std::make_unique<Qcow2>(std::move(storage), std::move(name), std::move(header),
                                 std::move(backing));
}

}  // namespace hallmark::disk
