#include "fs/btrfs_extents.h"

#include <lzo/lzo1x.h>

#include <algorithm>
#include <cstring>

#include "disk/decompress.h"

namespace hallmark::fs::btrfs {
namespace {

// btrfs compresses pieces of 128 KiB.
constexpr std::uint64_t kMaxUnpacked = 1 << 20;

enum Packing : std::uint8_t { kPlain = 0, kZlib = 1, kLzo = 2, kZstd = 3 };
enum Form : std::uint8_t { kInline = 0, kRegular = 1, kPreallocated = 2 };

/// The length of all, then for each sector of content a length and its bytes; no length crosses the
/// end of a sector of the packed data.
bool unpack_lzo(LittleFields packed, std::size_t sector, std::span<std::byte> out) {
  std::size_t end = std::min<std::size_t>(packed.u32(0), packed.size());
  std::size_t at = 4, done = 0;
  while (done < out.size()) {
    if (sector - at % sector < 4) at += sector - at % sector;
    if (at + 4 > end) return done > 0;
    std::size_t length = packed.u32(at);
    at += 4;
    if (length > end - at) return false;
    Bytes piece(sector + 64);
    lzo_uint made = piece.size();
    int status = ::lzo1x_decompress_safe(
        reinterpret_cast<const unsigned char*>(packed.bytes().data()) + at, length,
        reinterpret_cast<unsigned char*>(piece.data()), &made, nullptr);
    if (status != LZO_E_OK || made == 0 || made > sector) return false;
    std::size_t wanted = std::min<std::size_t>(made, out.size() - done);
    std::memcpy(out.data() + done, piece.data(), wanted);
    done += wanted;
    at += length;
  }
  return true;
}

Bytes unpack(std::uint8_t packing, LittleFields packed, std::size_t sector, std::uint64_t size) {
  if (size > kMaxUnpacked) throw Error(ErrorKind::corrupt, "an extent unpacks to {} bytes", size);
  Bytes bytes(static_cast<std::size_t>(size));
  // The data may end before the sector does in which the file ends.
  bool good = false;
  if (packing == kZlib) {
    good = disk::decompress(disk::Compression::zlib, packed.bytes(), bytes).has_value();
  } else if (packing == kZstd) {
    good = disk::decompress(disk::Compression::zstd, packed.bytes(), bytes).has_value();
  } else if (packing == kLzo) {
    good = unpack_lzo(packed, sector, bytes);
  } else {
    throw Error(ErrorKind::usage, "it is compressed in a way that is not read here ({})", packing);
  }
  if (!good) throw Error(ErrorKind::corrupt, "a compressed extent is damaged");
  return bytes;
}

/// Puts `from` at `at` of the content, as far as that reaches.
void put(std::string& content, std::uint64_t at, std::span<const std::byte> from) {
  if (at >= content.size()) return;
  std::size_t length = std::min<std::size_t>(from.size(), content.size() - at);
  std::memcpy(content.data() + at, from.data(), length);
}

void put_regular(Trees& trees, std::string& content, std::uint64_t at, LittleFields item) {
  std::uint64_t unpacked_bytes = item.u64(8), address = item.u64(21), stored = item.u64(29);
  std::uint64_t skip = item.u64(37), length = item.u64(45);
  if (address == 0 || at >= content.size()) return;  // a hole
  length = std::min<std::uint64_t>(length, content.size() - at);
  std::uint8_t packing = item.u8(16);
  if (packing == kPlain) {
    if (skip > stored || length > stored - skip) {
      throw Error(ErrorKind::corrupt, "an extent is shorter than what is taken of it");
    }
    auto out = std::as_writable_bytes(std::span(content));
    trees.read(address + skip, out.subspan(at, length));
    return;
  }
  if (stored > kMaxUnpacked) throw Error(ErrorKind::corrupt, "an extent has {} bytes", stored);
  Bytes packed(static_cast<std::size_t>(stored));
  trees.read(address, packed);
  Bytes bytes = unpack(packing, LittleFields(packed), trees.super().sector_bytes, unpacked_bytes);
  if (skip > bytes.size() || length > bytes.size() - skip) {
    throw Error(ErrorKind::corrupt, "an extent is shorter than what is taken of it");
  }
  put(content, at, std::span(bytes).subspan(skip, length));
}

void put_extent(Trees& trees, std::string& content, std::uint64_t at, LittleFields item) {
  if (item.u8(17) != 0 || item.u16(18) != 0) throw Error(ErrorKind::usage, "it is encrypted");
  switch (item.u8(20)) {
    case kInline: {
      LittleFields data = item.from(21);
      if (item.u8(16) == kPlain) {
        put(content, at, data.bytes());
      } else {
        put(content, at, unpack(item.u8(16), data, trees.super().sector_bytes, item.u64(8)));
      }
      return;
    }
    case kRegular:
      return put_regular(trees, content, at, item);
    case kPreallocated:
      return;  // never written
    default:
      throw Error(ErrorKind::corrupt, "an extent is of an unknown form");
  }
}

}  // namespace

std::string read_content(Trees& trees, const TreeRoot& tree, std::uint64_t inode,
                         std::uint64_t size_bytes) {
  std::string content(static_cast<std::size_t>(size_bytes), '\0');
  trees.search(tree, {inode, kExtentData, 0}, [&](const Key& key, LittleFields item) {
    if (key.object != inode || key.type != kExtentData) return false;
    put_extent(trees, content, key.offset, item);
    return true;
  });
  return content;
}

}  // namespace hallmark::fs::btrfs
