#include "disk/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <memory>

#include "base/error.h"

namespace hallmark::disk {
namespace {

std::optional<std::size_t> inflate(int window_bits, std::span<const std::byte> packed,
                                   std::span<std::byte> out) {
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) {
    throw Error(ErrorKind::unavailable, "no memory to decompress a cluster");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int status = ::inflate(&stream, Z_FINISH);
  std::size_t left = stream.avail_out;
  inflateEnd(&stream);
  if (status != Z_STREAM_END && (status != Z_BUF_ERROR || left > 0)) return std::nullopt;
  return out.size() - left;
}

std::optional<std::size_t> unpack_zstd(std::span<const std::byte> packed,
                                       std::span<std::byte> out) {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  if (!context) throw Error(ErrorKind::unavailable, "no memory to decompress a cluster");
  // Clusters have at most 2^21 bytes; a frame that asks for much more memory is not ours.
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 23);
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  while (output.pos < output.size) {
    std::size_t consumed = input.pos, produced = output.pos;
    std::size_t status = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(status)) return std::nullopt;
    if (status == 0) break;  // the frame ends
    if (input.pos == consumed && output.pos == produced) return std::nullopt;
  }
  return output.pos;
}

}  // namespace

std::optional<std::size_t> decompress(Compression compression, std::span<const std::byte> packed,
                                      std::span<std::byte> out) {
  // 15 is the largest window and reads all smaller ones; negative: without a header.
  if (compression == Compression::zlib) return inflate(15, packed, out);
  if (compression == Compression::deflate) return inflate(-15, packed, out);
  return unpack_zstd(packed, out);
}

}  // namespace hallmark::disk
