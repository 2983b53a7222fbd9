#include "scan/inventory/sqlite_table.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/error.h"
#include "scan/inventory/bytes.h"

namespace hallmark::scan {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::uint64_t kFileHeader = 100;
constexpr std::uint64_t kWalHeader = 32;
constexpr std::uint64_t kFrameHeader = 24;
// A tree of pages of 512 bytes that is as deep as this holds more than the largest file.
constexpr int kMaxDepth = 32;
constexpr std::uint8_t kInterior = 5;
constexpr std::uint8_t kLeaf = 13;

std::uint32_t page_size_of(const Bytes& file) {
  if (!file.data().starts_with(kMagic)) {
    throw Error(ErrorKind::corrupt, "it is no SQLite database");
  }
  const std::uint32_t size = file.u16(16) == 1 ? 65536 : file.u16(16);
  if (size < 512 || (size & (size - 1)) != 0) {
    throw Error(ErrorKind::corrupt, "pages of {} bytes", size);
  }
  return size;
}

/// The log's two running sums over pairs of words.
struct WalSum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  void add(const Bytes& words) {
    for (std::uint64_t at = 0; at + 8 <= words.size(); at += 8) {
      first += words.u32(at) + second;
      second += words.u32(at + 4) + first;
    }
  }
};

/// The pages of the database as its last commit left them.
class Pages {
 public:
  Pages(std::string_view database, std::string_view wal)
      : file_(database, true), page_size_(page_size_of(file_)), usable_(page_size_ - file_.u8(20)) {
    if (usable_ < 480) throw Error(ErrorKind::corrupt, "its pages have no room");
    count_ = file_.size() / page_size_;
    read_log(wal);
    is_used_.resize(count_ + 1);
  }

  std::uint32_t usable() const { return usable_; }
  std::uint64_t size_bytes() const { return count_ * page_size_; }

  /// Each page has one place in one tree. One that is asked for twice is part of a circle.
  std::string_view take(std::uint32_t number) {
    if (number == 0 || number > count_) {
      throw Error(ErrorKind::corrupt, "page {} lies outside its {} pages", number, count_);
    }
    if (is_used_[number]) throw Error(ErrorKind::corrupt, "page {} is used twice", number);
    is_used_[number] = true;
    auto newer = log_.find(number);
    if (newer != log_.end()) return newer->second.substr(0, usable_);
    return file_.part(std::uint64_t{number - 1} * page_size_, usable_);
  }

 private:
  /// Frames count up to the last one that commits; those of an older log behind it do not.
  void read_log(std::string_view wal) {
    if (wal.size() < kWalHeader) return;
    const Bytes log(wal, true);
    const std::uint32_t magic = log.u32(0);
    if (magic != 0x377f0682 && magic != 0x377f0683) return;
    if (log.u32(8) != page_size_) return;
    const bool big_endian = magic == 0x377f0683;
    WalSum sum;
    sum.add(Bytes(log.part(0, 24), big_endian));
    if (sum.first != log.u32(24) || sum.second != log.u32(28)) return;
    std::map<std::uint32_t, std::string_view> uncommitted;
    std::optional<std::uint32_t> committed;
    for (std::uint64_t at = kWalHeader; at + kFrameHeader + page_size_ <= log.size();
         at += kFrameHeader + page_size_) {
      const std::string_view page = log.part(at + kFrameHeader, page_size_);
      sum.add(Bytes(log.part(at, 8), big_endian));
      sum.add(Bytes(page, big_endian));
      if (log.part(at + 8, 8) != log.part(16, 8) || sum.first != log.u32(at + 16) ||
          sum.second != log.u32(at + 20)) {
        break;
      }
      uncommitted[log.u32(at)] = page;
      const std::uint32_t pages_after = log.u32(at + 4);
      if (pages_after == 0) continue;
      for (const auto& [number, content] : uncommitted) log_[number] = content;
      uncommitted.clear();
      committed = pages_after;
    }
    // What is in neither the file nor the log is not there, whatever commits say.
    if (committed) count_ = std::min<std::uint64_t>(*committed, count_ + log_.size());
  }

  Bytes file_;
  std::uint32_t page_size_;
  std::uint32_t usable_;
  std::uint64_t count_ = 0;
  std::map<std::uint32_t, std::string_view> log_;
  std::vector<bool> is_used_;
};

/// One to nine bytes, seven bits in each but the last.
std::uint64_t varint(const Bytes& bytes, std::uint64_t& at) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    const std::uint8_t byte = bytes.u8(at++);
    value = value << 7 | (byte & 0x7fu);
    if ((byte & 0x80u) == 0) return value;
  }
  return value << 8 | bytes.u8(at++);
}

/// How many bytes a value of a record takes, by its type.
std::uint64_t length_of(std::uint64_t type) {
  static constexpr std::uint64_t kFixed[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return type < 12 ? kFixed[type] : (type - 12) / 2;
}

/// The values of a record up to the given one. Nothing if it has fewer.
std::optional<std::string_view> value_of(std::string_view record, std::size_t column) {
  const Bytes bytes(record, true);
  std::uint64_t at = 0;
  const std::uint64_t header_length = varint(bytes, at);
  std::uint64_t data = header_length;
  for (std::size_t i = 0; at < header_length; ++i) {
    const std::uint64_t length = length_of(varint(bytes, at));
    const std::string_view value = bytes.part(data, length);
    if (i == column) return value;
    data += length;
  }
  return std::nullopt;
}

class Table {
 public:
  Table(Pages& pages, const std::function<void(std::string_view)>& each)
      : pages_(pages), each_(each) {}

  void read(std::uint32_t number, int depth = 0) {
    if (depth > kMaxDepth) throw Error(ErrorKind::corrupt, "its tree is too deep");
    const std::string_view content = pages_.take(number);
    const Bytes page(content, true);
    const std::uint64_t start = number == 1 ? kFileHeader : 0;
    const std::uint8_t type = page.u8(start);
    if (type != kInterior && type != kLeaf) {
      throw Error(ErrorKind::corrupt, "page {} is none of a table", number);
    }
    const std::uint16_t cells = page.u16(start + 3);
    for (std::uint16_t i = 0; i < cells; ++i) {
      const std::uint64_t cell = page.u16(start + (type == kLeaf ? 8 : 12) + 2u * i);
      if (type == kInterior) {
        read(page.u32(cell), depth + 1);
      } else {
        each_(payload(page, cell));
      }
    }
    if (type == kInterior) read(page.u32(start + 8), depth + 1);
  }

 private:
  /// Lives until the next one is asked for.
  std::string_view payload(const Bytes& page, std::uint64_t at) {
    const std::uint64_t size = varint(page, at);
    varint(page, at);  // the row id
    // Cells do not overlap; pointers that all name one would make a small file endless.
    told_ += std::min(size, pages_.size_bytes()) + 1;
    if (told_ > pages_.size_bytes()) throw Error(ErrorKind::corrupt, "its rows overlap");
    const std::uint64_t usable = pages_.usable();
    const std::uint64_t most = usable - 35;
    if (size <= most) return page.part(at, size);
    const std::uint64_t least = (usable - 12) * 32 / 255 - 23;
    const std::uint64_t rest = least + (size - least) % (usable - 4);
    const std::uint64_t local = rest <= most ? rest : least;
    payload_ = page.part(at, local);
    std::uint32_t next = page.u32(at + local);
    while (payload_.size() < size) {
      const Bytes overflow(pages_.take(next), true);
      next = overflow.u32(0);
      payload_ += overflow.part(4, std::min(usable - 4, size - payload_.size()));
    }
    return payload_;
  }

  Pages& pages_;
  const std::function<void(std::string_view)>& each_;
  std::string payload_;
  std::uint64_t told_ = 0;
};

}  // namespace

void read_sqlite_column(std::string_view database, std::string_view wal, std::string_view table,
                        std::size_t column, const std::function<void(std::string_view)>& each) {
  Pages pages(database, wal);
  std::uint32_t root = 0;
  // The table of tables: type, name, name of the table, root page, SQL.
  const std::function<void(std::string_view)> look = [&](std::string_view record) {
    if (value_of(record, 0) != "table" || value_of(record, 1) != table) return;
    const std::string_view number = value_of(record, 3).value_or("");
    root = 0;
    for (const char byte : number.substr(0, 4)) root = root << 8 | static_cast<std::uint8_t>(byte);
  };
  Table(pages, look).read(1);
  if (root == 0) throw Error(ErrorKind::not_found, "it has no table {}", table);
  const std::function<void(std::string_view)> tell = [&](std::string_view record) {
    if (auto value = value_of(record, column)) each(*value);
  };
  Table(pages, tell).read(root);
}

}  // namespace hallmark::scan
