#include "scan/inventory/zip.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"
#include "scan/inventory/bytes.h"

namespace hallmark::scan {
namespace {

constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::uint32_t kEntryMark = 0x02014b50;
constexpr std::uint32_t kLocalMark = 0x04034b50;
// The end's own size, and the longest comment behind it.
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kMaxComment = 65535;
// A directory of a million names.
constexpr std::uint64_t kMaxDirectory = 128u << 20;

}  // namespace

std::string inflated(std::string_view packed, bool raw, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, raw ? -MAX_WBITS : MAX_WBITS) != Z_OK) {
    throw Error(ErrorKind::unavailable, "no memory to unpack");
  }
  struct End {
    z_stream* stream;
    ~End() { inflateEnd(stream); }
  } end{&stream};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int state = Z_OK;
  while (state == Z_OK) {
    if (text.size() > limit) throw Error(ErrorKind::corrupt, "more than {} bytes unpacked", limit);
    const std::size_t had = text.size();
    text.resize(had + 65536);
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + had);
    stream.avail_out = 65536;
    state = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
  }
  if (state != Z_STREAM_END || text.size() > limit) {
    throw Error(ErrorKind::corrupt, "what is packed in it is broken or too long");
  }
  return text;
}

std::vector<ZipEntry> zip_entries(const ReadAt& read, std::uint64_t size_bytes) {
  const std::uint64_t tail_size = std::min(size_bytes, kEndSize + kMaxComment);
  const std::string tail = read(size_bytes - tail_size, tail_size);
  const Bytes end(tail, false);
  std::uint64_t at = end.size() < kEndSize ? 0 : end.size() - kEndSize + 1;
  while (at > 0 && end.u32(at - 1) != kEndMark) --at;
  if (at == 0) throw Error(ErrorKind::corrupt, "it is no zip archive, or cut off");
  --at;
  const std::uint64_t length = end.u32(at + 12);
  const std::uint64_t start = end.u32(at + 16);
  if (start == 0xffffffff || length > kMaxDirectory) {
    throw Error(ErrorKind::corrupt, "a zip archive of this size is not read");
  }
  // A script may stand before the archive, which makes it start itself: the directory ends where
  // its end begins.
  const std::uint64_t end_at = size_bytes - tail_size + at;
  if (start + length > end_at) throw Error(ErrorKind::corrupt, "its directory overlaps its end");
  const std::uint64_t before = end_at - length - start;
  const std::string directory = read(before + start, length);
  if (directory.size() != length) throw Error(ErrorKind::corrupt, "its directory is cut off");
  const Bytes bytes(directory, false);
  std::vector<ZipEntry> entries;
  std::uint64_t used = 0;
  for (std::uint64_t& place = used; place + 46 <= bytes.size();) {
    if (bytes.u32(place) != kEntryMark) {
      throw Error(ErrorKind::corrupt, "its directory breaks off");
    }
    const std::uint64_t name = bytes.u16(place + 28);
    entries.push_back({.name = std::string(bytes.part(place + 46, name)),
                       .offset = before + bytes.u32(place + 42),
                       .packed_size = bytes.u32(place + 20),
                       .size = bytes.u32(place + 24),
                       .method = bytes.u16(place + 10)});
    place += 46 + name + bytes.u16(place + 30) + bytes.u16(place + 32);
  }
  // What is left over would be entries that nobody looked at.
  if (entries.size() != end.u16(at + 10) || used != bytes.size()) {
    throw Error(ErrorKind::corrupt, "its directory does not hold the entries it counts");
  }
  return entries;
}

std::string zip_content(const ReadAt& read, const ZipEntry& entry, std::uint64_t limit) {
  if (entry.packed_size > limit || entry.size > limit) {
    throw Error(ErrorKind::corrupt, "{} has {} bytes, more than the {} that are read", entry.name,
                entry.size, limit);
  }
  const std::string head = read(entry.offset, 30);
  const Bytes local(head, false);
  if (local.u32(0) != kLocalMark) {
    throw Error(ErrorKind::corrupt, "{} is not where the directory says", entry.name);
  }
  const std::string packed =
      read(entry.offset + 30 + local.u16(26) + local.u16(28), entry.packed_size);
  if (packed.size() != entry.packed_size) {
    throw Error(ErrorKind::corrupt, "{} is cut off", entry.name);
  }
  if (entry.method != 0 && entry.method != 8) {
    throw Error(ErrorKind::corrupt, "{} is packed by method {}", entry.name, entry.method);
  }
  std::string content = entry.method == 0 ? packed : inflated(packed, true, entry.size);
  // Whoever believes the other number would see another content.
  if (content.size() != entry.size) {
    throw Error(ErrorKind::corrupt, "{} has {} bytes, not the {} that the directory says",
                entry.name, content.size(), entry.size);
  }
  return content;
}

}  // namespace hallmark::scan
