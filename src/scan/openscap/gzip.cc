#include "scan/openscap/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::scan::openscap {
namespace {

// zlib.h: "Add 16 to windowBits" for gzip instead of zlib's own header.
constexpr int kGzipWindow = 15 + 16;
constexpr std::size_t kPiece = 256u << 10;

Bytef* bytes_of(std::string_view text) {
  // zlib reads only, but its interface is older than const.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
}

}  // namespace

std::string pack_gzip(std::string_view bytes) {
  z_stream stream{};
  // 8 is zlib's own default for the memory it takes.
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw Error(ErrorKind::unavailable, "no memory to compress {}", format_size(bytes.size()));
  }
  std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, deflateEnd);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = bytes_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
    throw Error(ErrorKind::internal, "zlib did not compress {}", format_size(bytes.size()));
  }
  packed.resize(stream.total_out);
  return packed;
}

std::string unpack_gzip(std::string_view packed, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    throw Error(ErrorKind::unavailable, "no memory to uncompress {}", format_size(packed.size()));
  }
  std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  stream.next_in = bytes_of(packed);
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK) {
    std::size_t have = text.size();
    text.resize(have + std::min(kPiece, limit + 1 - have));
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + have);
    stream.avail_out = static_cast<uInt>(text.size() - have);
    status = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
    if (text.size() > limit) {
      throw Error(ErrorKind::corrupt, "it unpacks to more than {}", format_size(limit));
    }
  }
  if (status != Z_STREAM_END || stream.avail_in != 0) {
    throw Error(ErrorKind::corrupt, "it is no whole gzip file");
  }
  return text;
}

}  // namespace hallmark::scan::openscap
