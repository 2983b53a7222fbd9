#pragma once
/// btrfs: the superblock, where addresses lie on the device, and the trees.

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "fs/fields.h"
#include "fs/metered.h"

namespace hallmark::fs::btrfs {

struct Key {
  std::uint64_t object = 0;
  std::uint8_t type = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const Key&) const = default;
};

/// Types of items.
enum Type : std::uint8_t {
  kInodeItem = 1,
  kDirectoryItem = 84,
  kDirectoryIndex = 96,
  kExtentData = 108,
  kRootItem = 132,
  kChunkItem = 228,
};

/// Where a tree begins.
struct TreeRoot {
  std::uint64_t block = 0;
  unsigned level = 0;
};

struct Super {
  std::string uuid, label;
  std::uint32_t node_bytes = 0, sector_bytes = 0;
  std::uint64_t device = 0, devices = 0;
  TreeRoot roots, chunks;
  bool has_log = false, checks_crc = false;
};

/// Called with each item; false ends the search.
using Visit = std::function<bool(const Key& key, LittleFields item)>;

class Trees {
 public:
  /// Throws `corrupt`; `usage` if it uses what is not known.
  explicit Trees(disk::BlockReader& partition);

  const Super& super() const { return super_; }
  void allow(std::uint64_t bytes) { storage_.allow(bytes); }

  /// The items from `from` on, in their order. Throws `corrupt` if the tree is broken.
  void search(const TreeRoot& root, const Key& from, const Visit& visit);

  /// Bytes at an address. Throws `corrupt` if nothing is mapped there, `usage` if it is striped or
  /// on another device.
  void read(std::uint64_t address, std::span<std::byte> out);

 private:
  struct Chunk {
    std::uint64_t length = 0, place = 0;
    std::string refused;  ///< why it cannot be read
  };
  struct Walk;

  void read_super(disk::BlockReader& partition);
  void add_chunk(std::uint64_t address, LittleFields item);
  std::uint64_t place_of(std::uint64_t address, std::uint64_t length) const;
  bool descend(Walk& walk, std::uint64_t block, unsigned level);

  Metered storage_;
  Super super_;
  std::map<std::uint64_t, Chunk> chunks_;  // by address
};

Key key_at(LittleFields fields, std::size_t at);
constexpr std::size_t kKeyBytes = 17;

}  // namespace hallmark::fs::btrfs
