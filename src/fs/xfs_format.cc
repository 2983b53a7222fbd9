#include "fs/xfs_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hallmark::fs::xfs {
namespace {

constexpr std::uint32_t kSuperMagic = 0x58465342;  // XFSB
constexpr std::uint16_t kInodeMagic = 0x494e;      // IN
constexpr std::size_t kSuperBytes = 264;
constexpr std::uint64_t kNoBlock = ~std::uint64_t{0};

namespace feature {
constexpr std::uint32_t kFileTypes = 1 << 0, kNeedsRepair = 1 << 4;
/// File types, sparse inodes, a second UUID, bigtime, needs repair, 64-bit extent counts, exchange
/// of ranges, parent pointers: the last two change nothing that is read here.
constexpr std::uint32_t kKnown = 0xff;
}  // namespace feature

void demand(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::corrupt, "the XFS superblock has an impossible {}", what);
}

std::string broken_inode(std::uint64_t number, std::string_view what) {
  return fmt::format("inode {} {}", number, what);
}

std::int64_t time_at(BigFields fields, std::size_t at, bool bigtime) {
  if (!bigtime) return static_cast<std::int32_t>(fields.u32(at));
  // Nanoseconds since the earliest time that 32 bits could say.
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return static_cast<std::int64_t>(fields.u64(at) / kSecond) - (std::int64_t{1} << 31);
}

Extent unpack(BigFields record) {
  std::uint64_t high = record.u64(0), low = record.u64(8);
  return {high >> 9 & ((std::uint64_t{1} << 54) - 1), (high & 0x1ff) << 43 | low >> 21,
          low & ((1u << 21) - 1), high >> 63 == 0};
}

/// Descends the B+tree of a fork. That extents rise from one to the next is what ends circles and
/// shared branches.
class ExtentTree {
 public:
  ExtentTree(Metered& storage, const Super& super, const Inode& inode)
      : storage_(storage), super_(super), inode_(inode) {}

  void add(BigFields records, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Extent extent = unpack(records.part(16 * i, 16));
      if (extent.count == 0 || (!extents_.empty() && extent.first < end_)) {
        throw Error(ErrorKind::corrupt, broken_inode(inode_.number, "has extents out of order"));
      }
      place_of(super_, extent.block, extent.count);
      end_ = extent.first + extent.count;
      extents_.push_back(extent);
    }
  }

  void descend_root() {
    BigFields root(inode_.fork);
    unsigned level = root.u16(0);
    std::size_t count = root.u16(2), most = (root.size() - 4) / 16;
    // Nine levels of the smallest blocks hold more extents than an inode can count.
    if (level == 0 || level > 9 || count == 0 || count > most) {
      throw Error(ErrorKind::corrupt, broken_inode(inode_.number, "has a broken B+tree root"));
    }
    for (std::size_t i = 0; i < count; ++i) descend(root.u64(4 + 8 * most + 8 * i), level - 1);
  }

  std::size_t count() const { return extents_.size(); }
  std::vector<Extent> take() { return std::move(extents_); }

 private:
  void descend(std::uint64_t block, unsigned level) {
    std::string what = fmt::format("B+tree block {} of inode {}", block, inode_.number);
    auto bytes = storage_.block(place_of(super_, block, 1), super_.block_bytes);
    BigFields fields(*bytes);
    std::size_t header = super_.version5 ? 72 : 24;
    // BMA3 and BMAP
    if (fields.u32(0) != (super_.version5 ? 0x424d4133u : 0x424d4150u) || fields.u16(4) != level) {
      throw Error(ErrorKind::corrupt, "{} is none of level {}", what, level);
    }
    if (super_.version5) {
      check_sum(*bytes, 64, what);
      if (fields.u64(56) != inode_.number) {
        throw Error(ErrorKind::corrupt, "{} belongs to another file", what);
      }
    }
    std::size_t count = fields.u16(6), most = (fields.size() - header) / 16;
    if (count == 0 || count > most) {
      throw Error(ErrorKind::corrupt, "{} holds {} records", what, count);
    }
    if (level == 0) {
      add(fields.from(header), count);
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      descend(fields.u64(header + 8 * most + 8 * i), level - 1);
    }
  }

  Metered& storage_;
  const Super& super_;
  const Inode& inode_;
  std::uint64_t end_ = 0;
  std::vector<Extent> extents_;
};

void check_features(Super& super, BigFields fields, unsigned version_bits) {
  if (!super.version5) {
    constexpr unsigned kDirectories2 = 0x2000, kMoreBits = 0x8000;
    demand(version_bits & kDirectories2, "version of directories");
    super.has_file_types = (version_bits & kMoreBits) && (fields.u32(200) & 0x200);
    return;
  }
  std::uint32_t incompatible = fields.u32(216);
  if (incompatible & ~feature::kKnown) {
    throw Error(ErrorKind::usage, "XFS with unknown features ({:#x}) is not read here",
                incompatible & ~feature::kKnown);
  }
  super.has_file_types = incompatible & feature::kFileTypes;
  super.needs_repair = incompatible & feature::kNeedsRepair;
}

}  // namespace

void check_sum(std::span<const std::byte> bytes, std::size_t at, const std::string& what) {
  std::uint32_t said = LittleFields(bytes).u32(at);
  constexpr std::array<std::byte, 4> kZero{};  // the checksum is made with itself as zero
  std::uint32_t sum = crc32c(bytes.first(at));
  sum = crc32c(bytes.subspan(at + 4), crc32c(kZero, sum));
  if (!is_right_sum(sum, said)) throw Error(ErrorKind::corrupt, "{} has a wrong checksum", what);
}

Super read_super(Metered& storage) {
  if (storage.size_bytes() < 512) {
    throw Error(ErrorKind::corrupt, "the partition is too small for XFS");
  }
  Bytes sector(512);
  storage.read(0, sector);
  BigFields fields(sector);
  demand(fields.u32(0) == kSuperMagic, "signature");
  Super super;
  unsigned version_bits = fields.u16(100), version = version_bits & 0xf;
  if (version != 4 && version != 5) {
    throw Error(ErrorKind::usage, "XFS version {} is not read here", version);
  }
  super.version5 = version == 5;
  super.block_bytes = fields.u32(4);
  super.blocks = fields.u64(8);
  super.uuid = uuid_text(fields.part(32, 16).bytes());
  super.log_start = fields.u64(48);
  super.root_inode = fields.u64(56);
  super.group_blocks = fields.u32(84);
  super.groups = fields.u32(88);
  super.log_blocks = fields.u32(96);
  super.sector_bytes = fields.u16(102);
  super.inode_bytes = fields.u16(104);
  super.label = fields.name(108, 12);
  super.block_log = fields.u8(120);
  super.inodes_per_block_log = fields.u8(123);
  super.group_blocks_log = fields.u8(124);
  super.directory_block_log = fields.u8(192);
  demand(super.block_log >= 9 && super.block_log <= 16, "block size");
  demand(super.block_bytes == 1u << super.block_log, "block size");
  demand(super.inode_bytes >= 256 && super.inode_bytes <= 2048, "inode size");
  demand(super.inodes_per_block_log <= 8 &&
             super.inode_bytes << super.inodes_per_block_log == super.block_bytes,
         "count of inodes in a block");
  demand(super.sector_bytes >= 512 && super.sector_bytes <= 32768, "sector size");
  demand(super.directory_block_log <= 7 && super.directory_block_bytes() <= 65536,
         "size of directory blocks");
  demand(super.group_blocks_log <= 31 && super.group_blocks > 0 &&
             super.group_blocks <= std::uint64_t{1} << super.group_blocks_log,
         "size of allocation groups");
  demand(super.groups > 0 && super.blocks <= std::uint64_t{super.groups} * super.group_blocks,
         "count of blocks");
  check_features(super, fields, version_bits);
  if (super.version5) {
    // The sum is made over the whole sector.
    demand(storage.size_bytes() >= super.sector_bytes, "sector size");
    sector.resize(super.sector_bytes);
    storage.read(0, sector);
    check_sum(sector, 224, "the XFS superblock");
  }
  static_assert(kSuperBytes <= 512);
  return super;
}

std::uint64_t place_of(const Super& super, std::uint64_t block, std::uint64_t count) {
  std::uint64_t group = block >> super.group_blocks_log;
  std::uint64_t inside = block & ((std::uint64_t{1} << super.group_blocks_log) - 1);
  if (block == kNoBlock || group >= super.groups || inside >= super.group_blocks ||
      count > super.group_blocks - inside) {
    throw Error(ErrorKind::corrupt, "{} blocks from {} leave their allocation group", count, block);
  }
  std::uint64_t linear = group * super.group_blocks + inside;
  if (linear + count > super.blocks) {
    throw Error(ErrorKind::corrupt, "{} blocks from {} leave the file system", count, block);
  }
  return linear << super.block_log;
}

Inode read_inode(Metered& storage, const Super& super, std::uint64_t number) {
  std::uint64_t place = place_of(super, number >> super.inodes_per_block_log, 1);
  std::uint64_t in_block = number & ((1u << super.inodes_per_block_log) - 1);
  auto block = storage.block(place, super.block_bytes);
  BigFields fields = BigFields(*block).part(in_block * super.inode_bytes, super.inode_bytes);
  unsigned version = fields.u8(4);
  if (fields.u16(0) != kInodeMagic || (super.version5 ? version != 3 : version > 2)) {
    throw Error(ErrorKind::corrupt, broken_inode(number, "is none"));
  }
  bool bigtime = false, many_extents = false;
  if (super.version5) {
    check_sum(fields.bytes(), 100, fmt::format("inode {}", number));
    if (fields.u64(152) != number) {
      throw Error(ErrorKind::corrupt, broken_inode(number, "says it is another"));
    }
    std::uint64_t flags = fields.u64(120);
    bigtime = flags & 8;
    many_extents = flags & 16;
  }
  Inode inode;
  inode.number = number;
  inode.mode = fields.u16(2);
  if (inode.mode == 0) throw Error(ErrorKind::corrupt, broken_inode(number, "is free"));
  unsigned form = fields.u8(5);
  if (form > 3) throw Error(ErrorKind::corrupt, broken_inode(number, "has an unknown form"));
  inode.form = static_cast<Form>(form);
  inode.uid = fields.u32(8);
  inode.gid = fields.u32(12);
  inode.modified_at = time_at(fields, 40, bigtime);
  inode.size_bytes = fields.u64(56);
  inode.extent_count = many_extents ? fields.u64(24) : fields.u32(76);
  inode.realtime = fields.u16(90) & 1;
  std::size_t core = super.version5 ? 176 : 100;
  std::size_t attributes = std::size_t{fields.u8(82)} * 8;
  BigFields forks = fields.from(core);
  BigFields fork = attributes == 0 ? forks : forks.part(0, attributes);
  inode.fork.assign(fork.bytes().begin(), fork.bytes().end());
  return inode;
}

std::vector<Extent> extents_of(Metered& storage, const Super& super, const Inode& inode) {
  ExtentTree tree(storage, super, inode);
  if (inode.form == Form::extents) {
    if (inode.extent_count > inode.fork.size() / 16) {
      throw Error(ErrorKind::corrupt, broken_inode(inode.number, "has too many extents"));
    }
    tree.add(BigFields(inode.fork), static_cast<std::size_t>(inode.extent_count));
  } else if (inode.form == Form::tree) {
    tree.descend_root();
    if (tree.count() != inode.extent_count) {
      throw Error(ErrorKind::corrupt,
                  broken_inode(inode.number, "has not as many extents as it counts"));
    }
  } else {
    throw Error(ErrorKind::corrupt, broken_inode(inode.number, "has no extents"));
  }
  return tree.take();
}

}  // namespace hallmark::fs::xfs
