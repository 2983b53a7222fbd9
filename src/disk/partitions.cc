#include "disk/partitions.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kMbrSector = 512;
constexpr std::size_t kMbrEntries = 446;
constexpr std::size_t kMbrDiskSignature = 440;
constexpr unsigned kProtective = 0xee;
// Linux gives up at 60 logical partitions; more is a loop or an attack.
constexpr int kMaxLogical = 128;
// UEFI asks for at least 128 entries; parted and Linux refuse tables far beyond that.
constexpr std::uint32_t kMaxGptEntries = 1024;
constexpr std::uint32_t kMaxGptEntryBytes = 4096;
constexpr std::size_t kGptHeaderBytes = 92;

std::optional<Bytes> read_if_inside(BlockReader& disk, std::uint64_t offset, std::uint64_t length) {
  if (length > disk.size_bytes() || offset > disk.size_bytes() - length) return std::nullopt;
  Bytes bytes(static_cast<std::size_t>(length));
  disk.read(offset, bytes);
  return bytes;
}

std::uint32_t crc(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

/// The first three fields of a GUID are little-endian, the rest is in reading order.
std::string guid(std::span<const std::byte> bytes) {
  std::string text = fmt::format("{:08x}-{:04x}-{:04x}-", little32(bytes, 0), little16(bytes, 4),
                                 little16(bytes, 6));
  for (std::size_t i = 8; i < 16; ++i) {
    if (i == 10) text += '-';
    text += fmt::format("{:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return text;
}

void append_utf8(std::string& text, std::uint32_t code) {
  auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// UTF-16LE up to the first NUL; lone surrogates become U+FFFD.
std::string utf16_name(std::span<const std::byte> bytes) {
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint32_t code = little16(bytes, i);
    if (code == 0) break;
    if (code >= 0xd800 && code < 0xdc00 && i + 3 < bytes.size()) {
      std::uint32_t low = little16(bytes, i + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        append_utf8(text, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        i += 2;
        continue;
      }
    }
    append_utf8(text, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
  }
  return text;
}

struct MbrEntry {
  unsigned status = 0, type = 0;
  std::uint64_t first = 0, count = 0;
};

std::array<MbrEntry, 4> mbr_entries(const Bytes& sector) {
  std::array<MbrEntry, 4> entries;
  for (std::size_t i = 0; i < 4; ++i) {
    std::size_t at = kMbrEntries + 16 * i;
    entries[i] = {std::to_integer<unsigned>(sector[at]), std::to_integer<unsigned>(sector[at + 4]),
                  little32(sector, at + 8), little32(sector, at + 12)};
  }
  return entries;
}

bool has_signature(const Bytes& sector) { return little16(sector, 510) == 0xaa55; }
bool is_extended(unsigned type) { return type == 0x05 || type == 0x0f || type == 0x85; }

/// A boot sector of a bare file system has the signature too, but code or text where entries lie.
bool looks_like_table(const std::array<MbrEntry, 4>& entries) {
  bool any = false;
  for (const MbrEntry& entry : entries) {
    if (entry.status != 0 && entry.status != 0x80) return false;
    if (entry.count == 0) continue;  // as in Linux, whatever the type
    if (entry.first == 0) return false;
    any = true;
  }
  return any;
}

void add_mbr_partition(PartitionTable& table, BlockReader& disk, int number, unsigned type,
                       std::uint64_t first, std::uint64_t count) {
  std::uint64_t offset = first * kMbrSector, size = count * kMbrSector;
  if (offset >= disk.size_bytes() || size > disk.size_bytes() - offset) {
    table.problems.push_back(fmt::format("partition {} leaves the disk", number));
    return;
  }
  table.partitions.push_back({number, offset, size, fmt::format("{:#04x}", type), "", ""});
}

/// Each link of the chain holds a logical partition and the place of the next link. As in Linux any
/// entry may be either, and `number` counts what is found, over all chains.
void read_logical(PartitionTable& table, BlockReader& disk, std::uint64_t extended, int& number) {
  std::set<std::uint64_t> seen;
  std::uint64_t link = extended;
  for (int links = 0; links < kMaxLogical; ++links) {
    auto sector = read_if_inside(disk, link * kMbrSector, kMbrSector);
    if (!sector || !has_signature(*sector) || !seen.insert(link).second) {
      table.problems.push_back(
          fmt::format("the chain of logical partitions breaks at sector {}", link));
      return;
    }
    auto entries = mbr_entries(*sector);
    const MbrEntry* next = nullptr;
    for (const MbrEntry& entry : entries) {
      if (entry.count == 0) continue;
      if (!is_extended(entry.type)) {
        add_mbr_partition(table, disk, number++, entry.type, link + entry.first, entry.count);
      } else if (next == nullptr) {
        next = &entry;
      }
    }
    if (next == nullptr) return;
    link = extended + next->first;
  }
  table.problems.push_back("there are too many logical partitions");
}

PartitionTable read_mbr(BlockReader& disk, const std::array<MbrEntry, 4>& entries) {
  PartitionTable table;
  table.kind = TableKind::mbr;
  int logical = 5;
  for (int i = 0; i < 4; ++i) {
    const MbrEntry& entry = entries[static_cast<std::size_t>(i)];
    if (entry.count == 0) continue;
    if (is_extended(entry.type)) {
      read_logical(table, disk, entry.first, logical);
    } else {
      add_mbr_partition(table, disk, i + 1, entry.type, entry.first, entry.count);
    }
  }
  std::sort(table.partitions.begin(), table.partitions.end(),
            [](const Partition& a, const Partition& b) { return a.number < b.number; });
  return table;
}

struct Gpt {
  Bytes entries;
  std::uint32_t entry_bytes = 0, count = 0;
  std::uint64_t sector_bytes = 0;
};

/// One of the two copies, if header and entries hold together. `problem` says what is wrong.
std::optional<Gpt> read_gpt_copy(BlockReader& disk, std::uint64_t lba, std::uint64_t sector_bytes,
                                 std::string& problem) {
  auto sector = read_if_inside(disk, lba * sector_bytes, sector_bytes);
  if (!sector || std::string_view(reinterpret_cast<char*>(sector->data()), 8) != "EFI PART") {
    problem = "has no signature";
    return std::nullopt;
  }
  std::uint32_t header_bytes = little32(*sector, 12);
  if (header_bytes < kGptHeaderBytes || header_bytes > sector_bytes) {
    problem = fmt::format("claims a header of {} bytes", header_bytes);
    return std::nullopt;
  }
  Bytes header(sector->begin(), sector->begin() + header_bytes);
  std::fill_n(header.begin() + 16, 4, std::byte{0});  // the checksum is made with itself as zero
  if (crc(header) != little32(*sector, 16)) {
    problem = "has a wrong checksum";
    return std::nullopt;
  }
  if (little64(*sector, 24) != lba) {
    problem = "belongs to another place of the disk";
    return std::nullopt;
  }
  Gpt gpt;
  gpt.sector_bytes = sector_bytes;
  gpt.count = little32(*sector, 80);
  gpt.entry_bytes = little32(*sector, 84);
  if (gpt.count > kMaxGptEntries || gpt.entry_bytes < 128 || gpt.entry_bytes > kMaxGptEntryBytes) {
    problem = fmt::format("claims {} entries of {} bytes", gpt.count, gpt.entry_bytes);
    return std::nullopt;
  }
  std::uint64_t entries_lba = little64(*sector, 72);
  std::optional<Bytes> entries;
  if (entries_lba < disk.size_bytes() / sector_bytes) {
    entries = read_if_inside(disk, entries_lba * sector_bytes,
                             std::uint64_t{gpt.count} * gpt.entry_bytes);
  }
  if (!entries || crc(*entries) != little32(*sector, 88)) {
    problem = "has entries with a wrong checksum";
    return std::nullopt;
  }
  gpt.entries = std::move(*entries);
  return gpt;
}

void add_gpt_partitions(PartitionTable& table, BlockReader& disk, const Gpt& gpt) {
  std::uint64_t sectors = disk.size_bytes() / gpt.sector_bytes;
  for (std::uint32_t i = 0; i < gpt.count; ++i) {
    auto entry = std::span(gpt.entries).subspan(std::size_t{i} * gpt.entry_bytes, 128);
    bool used = std::any_of(entry.begin(), entry.begin() + 16,
                            [](std::byte byte) { return byte != std::byte{0}; });
    if (!used) continue;
    int number = static_cast<int>(i) + 1;
    std::uint64_t first = little64(entry, 32), last = little64(entry, 40);
    if (first > last || last >= sectors) {
      table.problems.push_back(fmt::format("partition {} leaves the disk", number));
      continue;
    }
    table.partitions.push_back({number, first * gpt.sector_bytes,
                                (last - first + 1) * gpt.sector_bytes, guid(entry.subspan(0, 16)),
                                utf16_name(entry.subspan(56, 72)), guid(entry.subspan(16, 16)),
                                (little64(entry, 48) >> 63) == 0});
  }
}

/// Tries both sector sizes that disks have, the primary copy before the backup.
std::optional<PartitionTable> read_gpt(BlockReader& disk, bool expected) {
  PartitionTable table;
  table.kind = TableKind::gpt;
  std::string primary_problem;
  for (std::uint64_t sector_bytes : {512u, 4096u}) {
    std::string problem;
    if (auto gpt = read_gpt_copy(disk, 1, sector_bytes, problem)) {
      add_gpt_partitions(table, disk, *gpt);
      return table;
    }
    if (primary_problem.empty() || problem != "has no signature") primary_problem = problem;
  }
  // Without a sign that GPT is meant, the last sector is just data.
  if (!expected && primary_problem == "has no signature") return std::nullopt;
  table.problems.push_back("the primary GPT header " + primary_problem);
  for (std::uint64_t sector_bytes : {512u, 4096u}) {
    std::string problem;
    std::uint64_t sectors = disk.size_bytes() / sector_bytes;
    if (sectors < 2) continue;
    if (auto gpt = read_gpt_copy(disk, sectors - 1, sector_bytes, problem)) {
      table.problems.back() += "; the backup was used";
      add_gpt_partitions(table, disk, *gpt);
      return table;
    }
  }
  if (!expected) return std::nullopt;
  table.problems.push_back("the backup GPT header is broken or missing too");
  return table;
}

}  // namespace

PartitionTable read_partitions(BlockReader& disk) {
  auto sector = read_if_inside(disk, 0, kMbrSector);
  if (!sector) return {};
  bool protective = false;
  if (has_signature(*sector)) {
    auto entries = mbr_entries(*sector);
    protective = std::any_of(entries.begin(), entries.end(), [](const MbrEntry& entry) {
      return entry.type == kProtective && entry.first == 1;
    });
    if (!protective && looks_like_table(entries)) {
      PartitionTable table = read_mbr(disk, entries);
      if (std::uint32_t signature = little32(*sector, kMbrDiskSignature)) {
        for (Partition& partition : table.partitions) {
          partition.unique_id = fmt::format("{:08x}-{:02x}", signature, partition.number);
        }
      }
      return table;
    }
  }
  auto table = read_gpt(disk, protective);
  if (protective) return *table;
  PartitionTable none;
  if (table) {
    none.problems.emplace_back("there is a GPT without its protective MBR, which Linux ignores");
  }
  return none;
}

}  // namespace hallmark::disk
