#include "fs/open.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "fs/btrfs.h"
#include "fs/ext.h"
#include "fs/squashfs.h"
#include "fs/xfs.h"

namespace hallmark::fs {
namespace {

struct Signature {
  std::size_t offset;
  std::string_view magic;
  std::string_view name;
};

using std::string_view_literals::operator""sv;

// Containers before what may lie in them, exact magics before short ones.
constexpr std::array kSignatures = {
    Signature{0, "LUKS\xba\xbe"sv, "luks"},
    Signature{512, "LABELONE"sv, "lvm"},
    Signature{0, "LABELONE"sv, "lvm"},
    Signature{1024, "LABELONE"sv, "lvm"},
    Signature{1536, "LABELONE"sv, "lvm"},
    Signature{4096, "\xfc\x4e\x2b\xa9"sv, "raid"},
    Signature{0, "\xfc\x4e\x2b\xa9"sv, "raid"},
    Signature{0, "XFSB"sv, "xfs"},
    Signature{65536 + 64, "_BHRfS_M"sv, "btrfs"},
    Signature{4086, "SWAPSPACE2"sv, "swap"},
    Signature{4086, "SWAP-SPACE"sv, "swap"},
    Signature{0, "hsqs"sv, "squashfs"},
    Signature{1024, "\xe2\xe1\xf5\xe0"sv, "erofs"},
    Signature{1024, "\x10\x20\xf5\xf2"sv, "f2fs"},
    Signature{32769, "CD001"sv, "iso9660"},
    Signature{3, "NTFS    "sv, "ntfs"},
    Signature{3, "EXFAT   "sv, "exfat"},
    Signature{82, "FAT32   "sv, "vfat"},
    Signature{54, "FAT16   "sv, "vfat"},
    Signature{54, "FAT12   "sv, "vfat"},
    Signature{1024 + 56, "\x53\xef"sv, "ext"},
};

// The furthest signature, that of btrfs, ends here.
constexpr std::size_t kLookedAt = 65536 + 64 + 8;

std::size_t read_some(disk::BlockReader& partition, std::size_t offset, std::vector<std::byte>& out,
                      std::size_t length) {
  std::uint64_t size = partition.size_bytes();
  if (offset >= size) return 0;
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size - offset));
  partition.read(offset, std::span(out).subspan(offset, length));
  return length;
}

}  // namespace

std::string recognise(disk::BlockReader& partition) {
  std::vector<std::byte> start(kLookedAt);
  // The start first: most signatures lie there, and reading 64 KiB of every partition is waste.
  constexpr std::size_t kFirst = 8192;
  read_some(partition, 0, start, kFirst);
  auto matches = [&](const Signature& signature) {
    return std::string_view(reinterpret_cast<const char*>(start.data()) + signature.offset,
                            signature.magic.size()) == signature.magic;
  };
  for (const Signature& signature : kSignatures) {
    if (signature.offset < kFirst && matches(signature)) return std::string(signature.name);
  }
  read_some(partition, kFirst, start, kLookedAt - kFirst);
  for (const Signature& signature : kSignatures) {
    if (matches(signature)) return std::string(signature.name);
  }
  bool empty =
      std::all_of(start.begin(), start.end(), [](std::byte b) { return b == std::byte{}; });
  return empty ? "zeros" : "";
}

std::unique_ptr<FileSystem> open_file_system(disk::BlockReader& partition) {
  std::string content = recognise(partition);
  if (content == "ext") return open_ext(partition);
  if (content == "squashfs") return open_squashfs(partition);
  if (content == "xfs") return open_xfs(partition);
  if (content == "btrfs") return open_btrfs(partition);
  return nullptr;
}

}  // namespace hallmark::fs
