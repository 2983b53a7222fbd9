#include "fs/xfs_log.h"

#include <array>
#include <optional>

namespace hallmark::fs::xfs {
namespace {

// The log counts in sectors of this size, whatever the disk has.
constexpr std::uint64_t kSector = 512;
constexpr std::uint32_t kRecord = 0xfeedbabe;
// A record has 256 KiB at most, behind a header of a sector for each 32 KiB.
constexpr std::uint64_t kLongestRecord = 520;
constexpr std::uint64_t kPerHeaderSector = 32u << 10;

class Log {
 public:
  Log(Metered& storage, const Super& super)
      : storage_(storage),
        start_(place_of(super, super.log_start, super.log_blocks)),
        sectors_((std::uint64_t{super.log_blocks} << super.block_log) / kSector) {
    if (sectors_ == 0) throw Error(ErrorKind::corrupt, "the log of the XFS is empty");
  }

  bool is_dirty() {
    // Where nothing was ever written, nothing is missing.
    if (cycle(0) == 0) return false;
    const std::uint64_t end = head();
    const std::optional<std::uint64_t> record = record_before(end);
    return !record || !says_unmounted(*record, end);
  }

 private:
  using Sector = std::array<std::byte, kSector>;

  /// The log is a ring.
  Sector sector(std::uint64_t number) {
    Sector bytes;
    storage_.read(start_ + number % sectors_ * kSector, bytes);
    return bytes;
  }

  /// How often the ring was written round when this sector was: its first word, in a record's own
  /// header the second.
  std::uint32_t cycle(std::uint64_t number) {
    const Sector bytes = sector(number);
    const BigFields fields(bytes);
    return fields.u32(0) == kRecord ? fields.u32(4) : fields.u32(0);
  }

  /// The sector behind the last one that was written: those before it are of the newest round.
  std::uint64_t head() {
    const std::uint32_t newest = cycle(0);
    if (cycle(sectors_ - 1) == newest) return sectors_;
    std::uint64_t low = 0, high = sectors_ - 1;  // of the newest round, of the one before
    while (high - low > 1) {
      const std::uint64_t middle = low + (high - low) / 2;
      (cycle(middle) == newest ? low : high) = middle;
    }
    return high;
  }

  std::optional<std::uint64_t> record_before(std::uint64_t end) {
    for (std::uint64_t back = 1; back <= kLongestRecord && back <= sectors_; ++back) {
      const std::uint64_t at = (end + sectors_ - back) % sectors_;
      const Sector bytes = sector(at);
      if (BigFields(bytes).u32(0) == kRecord) return at;
    }
    return std::nullopt;
  }

  /// The record of an unmount holds nothing but the mark of it, and nothing follows.
  bool says_unmounted(std::uint64_t record, std::uint64_t end) {
    const Sector bytes = sector(record);
    const BigFields header(bytes);
    const bool version2 = (header.u32(8) & 2) != 0;
    const std::uint64_t size = header.u32(320);
    const std::uint64_t headers =
        version2 && size > kPerHeaderSector ? (size + kPerHeaderSector - 1) / kPerHeaderSector : 1;
    if ((record + headers + header.u32(12) / kSector) % sectors_ != end % sectors_) return false;
    constexpr unsigned kUnmount = 0x20;
    const Sector data = sector(record + headers);
    return header.u32(40) == 1 && (BigFields(data).u8(9) & kUnmount) != 0;
  }

  Metered& storage_;
  std::uint64_t start_;
  std::uint64_t sectors_;
};

}  // namespace

bool has_unreplayed_log(Metered& storage, const Super& super) {
  return Log(storage, super).is_dirty();
}

}  // namespace hallmark::fs::xfs
