#include "fs/btrfs_trees.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>

namespace hallmark::fs::btrfs {
namespace {

// 16 MiB of nodes of 16 KiB.
constexpr std::size_t kCachedNodes = 1024;
constexpr std::uint64_t kSuperAt = 65536;
constexpr std::size_t kSuperBytes = 4096, kHeaderBytes = 101, kPointerBytes = 33, kItemBytes = 25;
constexpr std::size_t kMaxChunks = 1'000'000;  // of 1 GiB each: a PiB

/// All up to simple quotas but extent tree v2 and the stripe tree, which move what is read here.
constexpr std::uint64_t kKnownFeatures = 0x11fff;

enum Profile : std::uint64_t {
  kStriped = 0x8 | 0x40 | 0x80 | 0x100,  // RAID0, 10, 5, 6
};

void check_sum(std::span<const std::byte> bytes, std::string_view what) {
  if (!is_right_sum(crc32c(bytes.subspan(32)), LittleFields(bytes).u32(0))) {
    throw Error(ErrorKind::corrupt, "{} has a wrong checksum", what);
  }
}

void demand(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::corrupt, "the btrfs superblock has an impossible {}", what);
}

}  // namespace

struct Trees::Walk {
  const Key& from;
  const Visit& visit;
  std::optional<Key> last;  ///< keys that rise are what ends circles and shared branches
};

Key key_at(LittleFields fields, std::size_t at) {
  return {fields.u64(at), fields.u8(at + 8), fields.u64(at + 9)};
}

Trees::Trees(disk::BlockReader& partition) : storage_(partition, kCachedNodes) {
  storage_.allow(kMetadataBudget);
  read_super(partition);
  // By this time the array of the superblock maps the tree of chunks, and that maps all else.
  search(super_.chunks, {}, [&](const Key& key, LittleFields item) {
    if (key.type == kChunkItem) add_chunk(key.offset, item);
    return true;
  });
}

void Trees::read_super(disk::BlockReader& partition) {
  demand(partition.size_bytes() >= kSuperAt + kSuperBytes, "size");
  Bytes bytes(kSuperBytes);
  storage_.read(kSuperAt, bytes);
  LittleFields fields(bytes);
  demand(fields.text(64, 8) == "_BHRfS_M", "signature");
  super_.checks_crc = fields.u16(196) == 0;
  if (super_.checks_crc) check_sum(bytes, "the btrfs superblock");
  super_.uuid = uuid_text(fields.part(32, 16).bytes());
  super_.label = fields.name(299, 256);
  super_.roots = {fields.u64(80), fields.u8(198)};
  super_.chunks = {fields.u64(88), fields.u8(199)};
  super_.has_log = fields.u64(96) != 0;
  super_.devices = fields.u64(136);
  super_.sector_bytes = fields.u32(144);
  super_.node_bytes = fields.u32(148);
  super_.device = fields.u64(201);
  std::uint64_t features = fields.u64(188);
  if (features & ~kKnownFeatures) {
    throw Error(ErrorKind::usage, "btrfs with unknown features ({:#x}) is not read here",
                features & ~kKnownFeatures);
  }
  auto is_size = [](std::uint32_t size, std::uint32_t least) {
    return std::has_single_bit(size) && size >= least && size <= 65536;
  };
  demand(is_size(super_.sector_bytes, 512), "sector size");
  demand(is_size(super_.node_bytes, 4096), "node size");
  std::size_t length = fields.u32(160);
  demand(length <= 2048, "array of chunks");
  LittleFields array = fields.part(811, length);
  for (std::size_t at = 0; at < length;) {
    Key key = key_at(array, at);
    at += kKeyBytes;
    std::size_t size = 48 + std::size_t{32} * array.u16(at + 44);
    add_chunk(key.offset, array.part(at, size));
    at += size;
  }
}

void Trees::add_chunk(std::uint64_t address, LittleFields item) {
  Chunk chunk;
  chunk.length = item.u64(0);
  std::uint64_t profile = item.u64(24);
  std::size_t stripes = item.u16(44);
  if (chunk.length == 0 || address + chunk.length < address || stripes == 0) {
    throw Error(ErrorKind::corrupt, "the chunk at {} is broken", address);
  }
  if (profile & kStriped) {
    chunk.refused = "it is striped over several devices";
  } else {
    chunk.refused = "it lies on another device";
    for (std::size_t i = 0; i < stripes; ++i) {
      if (item.u64(48 + 32 * i) != super_.device) continue;
      chunk.place = item.u64(48 + 32 * i + 8);
      chunk.refused.clear();
      break;
    }
  }
  if (chunks_.size() >= kMaxChunks) throw Error(ErrorKind::corrupt, "there are too many chunks");
  chunks_.insert_or_assign(address, chunk);
}

std::uint64_t Trees::place_of(std::uint64_t address, std::uint64_t length) const {
  auto after = chunks_.upper_bound(address);
  if (after != chunks_.begin()) {
    const auto& [start, chunk] = *std::prev(after);
    std::uint64_t inside = address - start;
    if (inside < chunk.length && length <= chunk.length - inside) {
      if (!chunk.refused.empty()) {
        throw Error(ErrorKind::usage, "{}, which is not read here", chunk.refused);
      }
      if (chunk.place + inside >= chunk.place) return chunk.place + inside;
    }
  }
  throw Error(ErrorKind::corrupt, "no chunk holds the {} bytes at address {}", length, address);
}

void Trees::read(std::uint64_t address, std::span<std::byte> out) {
  storage_.read(place_of(address, out.size()), out);
}

void Trees::search(const TreeRoot& root, const Key& from, const Visit& visit) {
  Walk walk{from, visit, std::nullopt};
  descend(walk, root.block, root.level);
}

bool Trees::descend(Walk& walk, std::uint64_t block, unsigned level) {
  auto bytes = storage_.block(place_of(block, super_.node_bytes), super_.node_bytes);
  std::string what = fmt::format("the tree node at {}", block);
  if (super_.checks_crc) check_sum(*bytes, what);
  LittleFields node(*bytes);
  std::size_t count = node.u32(96);
  // Eight levels are the most that btrfs makes.
  if (level > 7 || node.u8(100) != level || node.u64(48) != block ||
      count > (node.size() - kHeaderBytes) / kItemBytes) {
    throw Error(ErrorKind::corrupt, "{} is broken", what);
  }
  if (level == 0) {
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t at = kHeaderBytes + kItemBytes * i;
      Key key = key_at(node, at);
      if (walk.last && key <= *walk.last) {
        throw Error(ErrorKind::corrupt, "{} has keys out of order", what);
      }
      walk.last = key;
      if (key < walk.from) continue;
      LittleFields item =
          node.part(kHeaderBytes + std::size_t{node.u32(at + kKeyBytes)}, node.u32(at + 21));
      if (!walk.visit(key, item)) return false;
    }
    return true;
  }
  if (count == 0) throw Error(ErrorKind::corrupt, "{} is empty", what);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = kHeaderBytes + kPointerBytes * i;
    // What lies before the next child's first key lies in this child.
    if (i + 1 < count && key_at(node, at + kPointerBytes) <= walk.from) continue;
    if (!descend(walk, node.u64(at + kKeyBytes), level - 1)) return false;
  }
  return true;
}

}  // namespace hallmark::fs::btrfs
