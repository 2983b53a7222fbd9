#include "disk/lvm_label.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "disk/lvm_text.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kSector = 512;
constexpr std::size_t kIdBytes = 32;
// LVM2 warns at a metadata area of 1 MiB; of a thousand volumes the text has less.
constexpr std::uint64_t kMaxText = 16 << 20;
// LVM2 makes two areas at most.
constexpr int kMaxAreas = 8;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes read_bytes(BlockReader& storage, std::uint64_t offset, std::uint64_t length) {
  check_range(offset, length, storage.size_bytes(), "the physical volume");
  Bytes bytes(static_cast<std::size_t>(length));
  storage.read(offset, bytes);
  return bytes;
}

/// CRC-32 with a start of LVM2's own, not inverted at the ends as zlib does.
std::uint32_t sum_of(std::span<const std::byte> bytes) {
  constexpr std::uint32_t kStart = 0xf597a6cf;
  return ~static_cast<std::uint32_t>(::crc32(~kStart & 0xffffffffu,
                                             reinterpret_cast<const Bytef*>(bytes.data()),
                                             static_cast<uInt>(bytes.size())));
}

bool has_sum(std::span<const std::byte> bytes, std::uint32_t said) {
#ifdef HALLMARK_TRUSTS_CHECKSUMS  // fuzz targets, which would get no further
  said = sum_of(bytes);
#endif
  return sum_of(bytes) == said;
}

std::string hyphenated(std::string_view id) {
  std::string text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i >= 6 && i <= 26 && (i - 6) % 4 == 0) text += '-';
    text += id[i];
  }
  return text;
}

/// The text of one metadata area; null if nothing was written there yet.
Json read_area(BlockReader& storage, std::uint64_t area, std::uint64_t& text_budget) {
  constexpr std::string_view kMagic = " LVM2 x[5A%r0N*>";
  Bytes header = read_bytes(storage, area, kSector);
  if (text_of(header).substr(4, kMagic.size()) != kMagic) {
    throw Error(ErrorKind::corrupt, "the metadata area at {} has no signature", area);
  }
  if (!has_sum(std::span(header).subspan(4), little32(header, 0))) {
    throw Error(ErrorKind::corrupt, "the metadata area at {} has a wrong checksum", area);
  }
  std::uint64_t size = little64(header, 32);
  std::uint64_t offset = little64(header, 40), length = little64(header, 48);
  constexpr std::uint32_t kIgnored = 1;
  if (offset == 0 || little32(header, 60) & kIgnored) return nullptr;
  if (length > kMaxText || size < kSector || offset < kSector || offset > size ||
      length > size - kSector) {
    throw Error(ErrorKind::corrupt, "the metadata area at {} has an impossible text", area);
  }
  if (length > text_budget) {
    throw Error(ErrorKind::corrupt, "the metadata of all physical volumes is too long to be read");
  }
  text_budget -= length;
  // The area is a ring behind its header.
  std::uint64_t first = std::min(length, size - offset);
  Bytes text = read_bytes(storage, area + offset, first);
  Bytes rest = read_bytes(storage, area + kSector, length - first);
  text.insert(text.end(), rest.begin(), rest.end());
  if (!has_sum(text, little32(header, 56))) {
    throw Error(ErrorKind::corrupt, "the metadata at {} has a wrong checksum", area + offset);
  }
  return parse_lvm_text(text_of(text));
}

std::uint64_t sequence_of(const Json& metadata) {
  for (const auto& [name, section] : metadata.items()) {
    if (section.is_object() && section.contains("seqno") && section["seqno"].is_number_unsigned()) {
      return section["seqno"].get<std::uint64_t>();
    }
  }
  return 0;
}

}  // namespace

std::optional<std::uint64_t> find_lvm_label(BlockReader& storage) {
  for (std::uint64_t sector = 0; sector < 4; ++sector) {
    if (storage.size_bytes() < (sector + 1) * kSector) break;
    Bytes bytes = read_bytes(storage, sector * kSector, kSector);
    if (text_of(bytes).starts_with("LABELONE")) return sector;
  }
  return std::nullopt;
}

PhysicalVolume read_physical_volume(BlockReader& storage, std::uint64_t& text_budget) {
  std::uint64_t sector = find_lvm_label(storage).value_or(1);
  Bytes label = read_bytes(storage, sector * kSector, kSector);
  if (text_of(label).substr(24, 8) != "LVM2 001" || little64(label, 8) != sector ||
      !has_sum(std::span(label).subspan(20), little32(label, 16))) {
    throw Error(ErrorKind::corrupt, "the label of the physical volume is broken");
  }
  std::size_t at = little32(label, 20);
  auto demand = [&](std::size_t length) { check_range(at, length, kSector, "the label"); };
  demand(kIdBytes + 8);
  PhysicalVolume volume;
  volume.storage = &storage;
  volume.id = hyphenated(text_of(label).substr(at, kIdBytes));
  at += kIdBytes + 8;
  auto next_area = [&] {
    demand(16);
    std::uint64_t offset = little64(label, at);
    at += 16;
    return offset;
  };
  while (next_area() != 0) {  // areas of data: the metadata says where they begin
  }
  for (int i = 0; i < kMaxAreas; ++i) {
    std::uint64_t area = next_area();
    if (area == 0) break;
    try {
      Json found = read_area(storage, area, text_budget);
      if (volume.metadata.is_null() || sequence_of(found) > sequence_of(volume.metadata)) {
        volume.metadata = std::move(found);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      volume.problem = error.message();
    }
  }
  if (!volume.metadata.is_null()) volume.problem.clear();
  return volume;
}

}  // namespace hallmark::disk
