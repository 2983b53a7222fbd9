#include "fs/xfs_directory.h"

#include <fmt/format.h>

#include <algorithm>

namespace hallmark::fs::xfs {
namespace {

// Of the room that a directory's file has, the second 32 GiB hold hashes of names, the third the
// table of free places.
constexpr std::uint64_t kNamesEnd = std::uint64_t{32} << 30;

enum Magic : std::uint32_t {
  kBlock4 = 0x58443242,  // XD2B: the only block, with the hashes at its end
  kData4 = 0x58443244,   // XD2D
  kBlock5 = 0x58444233,  // XDB3
  kData5 = 0x58444433,   // XDD3
};

Error broken(std::uint64_t inode, std::string_view what) {
  return Error(ErrorKind::corrupt, "directory inode {} {}", inode, what);
}

void add(Directory& directory, const Inode& inode, std::string_view name, std::uint64_t number) {
  if (name == "." || name == "..") return;
  if (!is_plain_name(name)) throw broken(inode.number, "holds impossible names");
  if (directory.size() >= kMaxNames) throw broken(inode.number, "holds too many names");
  directory.emplace(name, number);
}

Directory read_short(const Super& super, const Inode& inode) {
  Directory directory;
  BigFields fields =
      BigFields(inode.fork).part(0, std::min<std::uint64_t>(inode.size_bytes, inode.fork.size()));
  std::size_t count = fields.u8(0);
  bool wide = fields.u8(1) != 0;
  std::size_t at = wide ? 10 : 6;
  if (wide) count = std::max<std::size_t>(count, fields.u8(1));
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t length = fields.u8(at);
    std::string_view name = fields.text(at + 3, length);
    at += 3 + length + (super.has_file_types ? 1 : 0);
    add(directory, inode, name, wide ? fields.u64(at) : fields.u32(at));
    at += wide ? 8 : 4;
  }
  return directory;
}

void read_names(Directory& directory, const Super& super, const Inode& inode,
                std::span<const std::byte> bytes) {
  BigFields fields(bytes);
  std::uint32_t magic = fields.u32(0);
  bool only = magic == (super.version5 ? kBlock5 : kBlock4);
  if (!only && magic != (super.version5 ? kData5 : kData4)) {
    throw broken(inode.number, "has a block that is none of a directory");
  }
  if (super.version5) {
    check_sum(bytes, 4, fmt::format("a block of directory inode {}", inode.number));
    if (fields.u64(40) != inode.number) throw broken(inode.number, "has another's block");
  }
  std::size_t end = fields.size();
  if (only) {
    std::size_t hashes = fields.u32(end - 8);
    if (hashes > (end - 8) / 8) throw broken(inode.number, "has too many hashes");
    end -= 8 + 8 * hashes;
  }
  for (std::size_t at = super.version5 ? 64 : 16; at < end;) {
    if (fields.u16(at) == 0xffff) {  // free room
      std::size_t length = fields.u16(at + 2);
      if (length < 8 || length % 8 != 0) throw broken(inode.number, "has broken free room");
      at += length;
      continue;
    }
    std::size_t length = fields.u8(at + 8);
    add(directory, inode, fields.text(at + 9, length), fields.u64(at));
    // Number, length of the name, name, type, and the entry's own place, in steps of 8.
    at += (8 + 1 + length + (super.has_file_types ? 1 : 0) + 2 + 7) / 8 * 8;
  }
}

}  // namespace

Directory read_directory(Metered& storage, const Super& super, const Inode& inode) {
  if (inode.form == Form::local) return read_short(super, inode);
  Directory directory;
  const std::uint64_t step = std::uint64_t{1} << super.directory_block_log;
  Bytes block(super.directory_block_bytes());
  std::size_t filled = 0;
  std::uint64_t next = 0;  // block of the file that continues `block`
  // The size is that of the part with the names: what it does not reach, or goes beyond, is lost.
  auto whole = [&] {
    if (filled != 0 || next << super.block_log != inode.size_bytes) {
      throw broken(inode.number, "ends elsewhere than its size says");
    }
    return std::move(directory);
  };
  for (const Extent& extent : extents_of(storage, super, inode)) {
    for (std::uint64_t i = 0; i < extent.count; ++i) {
      std::uint64_t number = extent.first + i;
      if (number >= kNamesEnd >> super.block_log) return whole();
      if (filled == 0 ? number % step != 0 : number != next) {
        throw broken(inode.number, "has a hole within a block");
      }
      storage.read(place_of(super, extent.block + i, 1),
                   std::span(block).subspan(filled, super.block_bytes));
      filled += super.block_bytes;
      next = number + 1;
      if (filled < block.size()) continue;
      read_names(directory, super, inode, block);
      filled = 0;
    }
  }
  return whole();
}

}  // namespace hallmark::fs::xfs
