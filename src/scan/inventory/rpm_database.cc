#include "scan/inventory/rpm_database.h"

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "scan/inventory/bytes.h"

namespace hallmark::scan {
namespace {

template <typename Function>
void tell_if_broken(const EachHeader& broken, Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    broken(error.message());
  }
}

/// A hash of Berkeley DB. Its pages hold pairs of a key and a value; a long value lies in a chain
/// of pages of its own. The buckets need not be known: every pair is wanted.
class BerkeleyHash {
 public:
  explicit BerkeleyHash(std::string_view file) : bytes_(file, Bytes(file, true).u32(12) == kMagic) {
    if (bytes_.u32(12) != kMagic || bytes_.u8(25) != kMetaPage) {
      throw Error(ErrorKind::corrupt, "it is no hash of Berkeley DB");
    }
    page_size_ = bytes_.u32(20);
    if (page_size_ < 512 || page_size_ > 65536 || (page_size_ & (page_size_ - 1)) != 0) {
      throw Error(ErrorKind::corrupt, "pages of {} bytes", page_size_);
    }
    if (bytes_.u8(24) != 0) throw Error(ErrorKind::corrupt, "it is encrypted");
    count_ = bytes_.size() / page_size_;
    is_used_.resize(count_);
  }

  void read(const EachHeader& each, const EachHeader& broken) {
    if (bytes_.size() % page_size_ != 0) broken("the last page is cut off");
    for (std::uint64_t number = 1; number < count_; ++number) {
      const Bytes page(bytes_.part(number * page_size_, page_size_), is_big_endian());
      const std::uint8_t type = page.u8(25);
      if (type != kHashPage && type != kUnsortedHashPage) continue;
      tell_if_broken(broken, [&] { read_page(page, each, broken); });
    }
  }

 private:
  static constexpr std::uint32_t kMagic = 0x061561;
  static constexpr std::uint64_t kPageHeader = 26;
  static constexpr std::uint8_t kMetaPage = 8;
  static constexpr std::uint8_t kUnsortedHashPage = 2;
  static constexpr std::uint8_t kHashPage = 13;
  static constexpr std::uint8_t kOverflowPage = 7;
  static constexpr std::uint8_t kHere = 1;
  static constexpr std::uint8_t kElsewhere = 3;

  bool is_big_endian() const { return Bytes(bytes_.data(), true).u32(12) == kMagic; }

  void read_page(const Bytes& page, const EachHeader& each, const EachHeader& broken) {
    const std::uint16_t items = page.u16(20);
    for (std::uint32_t i = 0; i + 1 < items; i += 2) {
      // An item ends where the one before it begins: they grow downwards.
      const std::uint64_t key = page.u16(kPageHeader + 2u * i);
      const std::uint64_t value = page.u16(kPageHeader + 2u * i + 2);
      const std::uint64_t key_end = i == 0 ? page_size_ : page.u16(kPageHeader + 2u * i - 2);
      if (value > key || key > key_end) throw Error(ErrorKind::corrupt, "items of a page overlap");
      tell_if_broken(broken, [&] {
        // The number 0 is where rpm keeps the number of the next package.
        if (key_end == key + 5 && page.u32(key + 1) == 0) return;
        switch (page.u8(value)) {
          case kHere:
            each(page.part(value + 1, key - value - 1));
            break;
          case kElsewhere:
            each(chain(page.u32(value + 4), page.u32(value + 8)));
            break;
          default:
            throw Error(ErrorKind::corrupt, "an item of type {}", page.u8(value));
        }
      });
    }
  }

  std::string chain(std::uint32_t number, std::uint32_t length) {
    if (length > bytes_.size()) throw Error(ErrorKind::corrupt, "a value of {} bytes", length);
    std::string value;
    while (value.size() < length) {
      if (number == 0 || number >= count_) {
        throw Error(ErrorKind::corrupt, "page {} lies outside its {} pages", number, count_);
      }
      if (is_used_[number]) throw Error(ErrorKind::corrupt, "page {} is used twice", number);
      is_used_[number] = true;
      const Bytes page(bytes_.part(std::uint64_t{number} * page_size_, page_size_),
                       is_big_endian());
      if (page.u8(25) != kOverflowPage) {
        throw Error(ErrorKind::corrupt, "page {} holds no part of a value", number);
      }
      const std::string_view part = page.part(kPageHeader, page.u16(22));
      if (part.empty()) throw Error(ErrorKind::corrupt, "page {} is empty", number);
      value += part;
      number = page.u32(16);
    }
    if (value.size() != length) throw Error(ErrorKind::corrupt, "a value is too long");
    return value;
  }

  Bytes bytes_;
  std::uint64_t page_size_ = 0;
  std::uint64_t count_ = 0;
  std::vector<bool> is_used_;
};

constexpr std::uint32_t word(std::string_view letters) {
  return static_cast<std::uint32_t>(letters[0]) | static_cast<std::uint32_t>(letters[1]) << 8 |
         static_cast<std::uint32_t>(letters[2]) << 16 |
         static_cast<std::uint32_t>(letters[3]) << 24;
}

constexpr std::uint64_t kNdbPage = 4096;
constexpr std::uint64_t kNdbBlock = 16;
constexpr std::uint64_t kBlobHead = 16;
constexpr std::uint64_t kBlobTail = 12;

std::string_view ndb_blob(const Bytes& bytes, std::uint32_t package, std::uint64_t offset,
                          std::uint64_t size) {
  const Bytes blob(bytes.part(offset, size), false);
  const std::uint64_t length = blob.u32(12);
  if (blob.u32(0) != word("BlbS") || blob.u32(4) != package ||
      (kBlobHead + length + kBlobTail + kNdbBlock - 1) / kNdbBlock * kNdbBlock != size ||
      blob.u32(size - 8) != length || blob.u32(size - 4) != word("BlbE")) {
    throw Error(ErrorKind::corrupt, "package number {} does not hold together", package);
  }
  return blob.part(kBlobHead, length);
}

}  // namespace

void read_ndb(std::string_view file, const EachHeader& each, const EachHeader& broken) {
  const Bytes bytes(file, false);
  if (bytes.u32(0) != word("RpmP")) throw Error(ErrorKind::corrupt, "it is no ndb of rpm");
  if (bytes.u32(4) != 0) throw Error(ErrorKind::corrupt, "an ndb of version {}", bytes.u32(4));
  const std::uint64_t pages = bytes.u32(12);
  // The first two slots' room is the header's.
  const Bytes slots(bytes.part(0, pages * kNdbPage), false);
  std::uint64_t told = 0;
  for (std::uint64_t at = 32; at < slots.size(); at += 16) {
    tell_if_broken(broken, [&] {
      if (slots.u32(at) != word("Slot"))
        throw Error(ErrorKind::corrupt, "slot {} is none", at / 16);
      const std::uint32_t package = slots.u32(at + 4);
      if (package == 0) return;
      const std::uint64_t size = slots.u32(at + 12) * kNdbBlock;
      // Blobs do not overlap; slots that all name one would make a small file endless.
      told += size;
      if (told > bytes.size()) throw Error(ErrorKind::corrupt, "its packages overlap");
      each(ndb_blob(bytes, package, slots.u32(at + 8) * kNdbBlock, size));
    });
  }
}

void read_berkeley_hash(std::string_view file, const EachHeader& each, const EachHeader& broken) {
  BerkeleyHash(file).read(each, broken);
}

}  // namespace hallmark::scan
