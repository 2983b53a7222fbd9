#include "fs/btrfs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "fs/btrfs_extents.h"
#include "fs/btrfs_trees.h"
#include "fs/nodes.h"

namespace hallmark::fs {
namespace {

using namespace btrfs;

// Object ids that btrfs itself gives.
constexpr std::uint64_t kTopSubvolume = 5, kRootDirectory = 6, kFirstInode = 256;

/// Of directories' items: CRC-32C with a start of its own, not inverted at the end.
std::uint32_t name_hash(std::string_view name) {
  return ~crc32c(std::as_bytes(std::span(name.data(), name.size())), 1);
}

FileType type_of(std::uint32_t mode) {
  switch (mode & 0170000u) {
    case 0100000:
      return FileType::regular;
    case 0040000:
      return FileType::directory;
    case 0120000:
      return FileType::symlink;
    default:
      return FileType::other;
  }
}

/// A file: the subvolume it lies in, and its inode there.
using Place = std::pair<std::uint64_t, std::uint64_t>;

class Btrfs final : public NodeFileSystem {
 public:
  Btrfs(disk::BlockReader& partition, const std::string& subvolume) : trees_(partition) {
    std::uint64_t chosen = subvolume.empty() ? default_subvolume() : kTopSubvolume;
    root_ = node_of({chosen, kFirstInode});
    for (const std::string& step : split(subvolume, '/')) {
      if (step.empty()) continue;
      std::optional<Node> next = child(root_, step);
      if (!next) throw Error(ErrorKind::not_found, "there is no subvolume {}", subvolume);
      root_ = *next;
    }
    if (info(root_).type != FileType::directory) {
      throw Error(ErrorKind::corrupt, "the root of the file system is no directory");
    }
  }

  std::string type() const override { return "btrfs"; }
  std::string label() const override { return trees_.super().label; }
  std::string uuid() const override { return trees_.super().uuid; }
  std::vector<std::string> warnings() const override {
    if (!trees_.super().has_log) return {};
    return {
        "it was not unmounted cleanly and its log was not replayed: the newest changes may be "
        "missing"};
  }

 protected:
  void allow(std::uint64_t bytes) override { trees_.allow(bytes); }
  Node root() const override { return root_; }

  FileInfo info(Node node) override {
    auto [subvolume, inode] = places_.at(node);
    std::optional<FileInfo> info;
    trees_.search(tree_of(subvolume), {inode, kInodeItem, 0},
                  [&, wanted = inode](const Key& key, LittleFields item) {
                    if (key.object != wanted || key.type != kInodeItem) return false;
                    info.emplace();
                    info->size_bytes = item.u64(16);
                    info->uid = item.u32(44);
                    info->gid = item.u32(48);
                    info->mode = item.u32(52) & 07777u;
                    info->type = type_of(item.u32(52));
                    info->modified_at = static_cast<std::int64_t>(item.u64(136));
                    return false;
                  });
    if (!info) throw Error(ErrorKind::corrupt, "inode {} does not exist", inode);
    if (info->type == FileType::symlink) {
      if (info->size_bytes == 0 || info->size_bytes >= kMaxLinkBytes) {
        throw Error(ErrorKind::corrupt, "the symlink's target has {} bytes", info->size_bytes);
      }
      info->link_target = content(node, info->size_bytes);
    }
    return *info;
  }

  std::optional<Node> child(Node directory, const std::string& name) override {
    auto [subvolume, inode] = places_.at(directory);
    Key wanted{inode, kDirectoryItem, name_hash(name)};
    std::optional<Key> location;
    trees_.search(tree_of(subvolume), wanted, [&](const Key& key, LittleFields item) {
      if (key != wanted) return false;
      location = entry_named(item, name);
      return false;
    });
    if (!location) return std::nullopt;
    return located(subvolume, *location);
  }

  std::vector<std::string> names(Node directory) override {
    auto [subvolume, inode] = places_.at(directory);
    std::vector<std::string> names;
    trees_.search(tree_of(subvolume), {inode, kDirectoryIndex, 0},
                  [&, wanted = inode](const Key& key, LittleFields item) {
                    if (key.object != wanted || key.type != kDirectoryIndex) return false;
                    std::string_view name = item.text(30, item.u16(27));
                    if (!is_plain_name(name) || names.size() >= kMaxNames) {
                      throw Error(ErrorKind::corrupt, "the directory holds impossible names");
                    }
                    names.emplace_back(name);
                    return true;
                  });
    return names;
  }

  std::string content(Node file, std::uint64_t size_bytes) override {
    auto [subvolume, inode] = places_.at(file);
    return read_content(trees_, tree_of(subvolume), inode, size_bytes);
  }

 private:
  Node node_of(const Place& place) {
    auto [known, fresh] = nodes_.try_emplace(place, places_.size());
    if (fresh) places_.push_back(place);
    return known->second;
  }

  Node located(std::uint64_t subvolume, const Key& location) {
    if (location.type == kRootItem) return node_of({location.object, kFirstInode});
    return node_of({subvolume, location.object});
  }

  /// Names with the same hash share an item.
  static std::optional<Key> entry_named(LittleFields item, std::string_view name) {
    for (std::size_t at = 0; at < item.size();) {
      std::size_t data = item.u16(at + 25), length = item.u16(at + 27);
      if (item.text(at + 30, length) == name) return key_at(item, at);
      at += 30 + length + data;
    }
    return std::nullopt;
  }

  std::uint64_t default_subvolume() {
    Key wanted{kRootDirectory, kDirectoryItem, name_hash("default")};
    std::uint64_t chosen = kTopSubvolume;
    trees_.search(trees_.super().roots, wanted, [&](const Key& key, LittleFields item) {
      if (key == wanted) {
        if (auto location = entry_named(item, "default")) chosen = location->object;
      }
      return false;
    });
    return chosen;
  }

  const TreeRoot& tree_of(std::uint64_t subvolume) {
    if (auto known = subvolumes_.find(subvolume); known != subvolumes_.end()) return known->second;
    std::optional<TreeRoot> root;
    trees_.search(trees_.super().roots, {subvolume, kRootItem, 0},
                  [&](const Key& key, LittleFields item) {
                    if (key.object != subvolume || key.type != kRootItem) return false;
                    root = TreeRoot{item.u64(176), item.u8(238)};
                    return true;  // the last one counts
                  });
    if (!root) throw Error(ErrorKind::corrupt, "subvolume {} does not exist", subvolume);
    return subvolumes_.emplace(subvolume, *root).first->second;
  }

  Trees trees_;
  std::map<std::uint64_t, TreeRoot> subvolumes_;
  std::vector<Place> places_;  // a node is an index of it
  std::map<Place, Node> nodes_;
  Node root_ = 0;
};

}  // namespace

std::unique_ptr<FileSystem> open_btrfs(disk::BlockReader& partition, const std::string& subvolume) {
  return std::make_unique<Btrfs>(partition, subvolume);
}

}  // namespace hallmark::fs
