#include "fs/xfs.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "fs/nodes.h"
#include "fs/xfs_directory.h"
#include "fs/xfs_format.h"
#include "fs/xfs_log.h"

namespace hallmark::fs {
namespace {

using namespace xfs;

// 4 MiB of blocks of 4 KiB.
constexpr std::size_t kCachedBlocks = 1024;
// Of the large ones (man pages, dpkg's lists) each is asked for many names in a row.
constexpr std::size_t kCachedDirectories = 64;
// Of all these directories: 40 MiB or so.
constexpr std::size_t kCachedNames = 300'000;

// From <linux/stat.h>, which are on disk as well.
constexpr unsigned kTypeBits = 0170000, kRegular = 0100000, kDirectory = 0040000, kLink = 0120000;

FileType type_of(unsigned mode) {
  switch (mode & kTypeBits) {
    case kRegular:
      return FileType::regular;
    case kDirectory:
      return FileType::directory;
    case kLink:
      return FileType::symlink;
    default:
      return FileType::other;
  }
}

class Xfs final : public NodeFileSystem {
 public:
  explicit Xfs(disk::BlockReader& partition) : storage_(partition, kCachedBlocks) {
    storage_.allow(kMetadataBudget);
    super_ = read_super(storage_);
    if (type_of(read_inode(storage_, super_, super_.root_inode).mode) != FileType::directory) {
      throw Error(ErrorKind::corrupt, "the root of the file system is no directory");
    }
    log_problem_ = look_at_log();
  }

  std::string type() const override { return "xfs"; }
  std::string label() const override { return super_.label; }
  std::string uuid() const override { return super_.uuid; }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> found;
    if (super_.needs_repair) found.push_back("it is marked as in need of repair");
    if (!log_problem_.empty()) found.push_back(log_problem_);
    return found;
  }

 protected:
  void allow(std::uint64_t bytes) override { storage_.allow(bytes); }
  Node root() const override { return super_.root_inode; }

  FileInfo info(Node node) override {
    Inode inode = read_inode(storage_, super_, node);
    FileInfo info;
    info.type = type_of(inode.mode);
    info.size_bytes = inode.size_bytes;
    info.mode = inode.mode & 07777u;
    info.uid = inode.uid;
    info.gid = inode.gid;
    info.modified_at = inode.modified_at;
    if (info.type == FileType::symlink) info.link_target = link_target(inode);
    return info;
  }

  std::optional<Node> child(Node directory, const std::string& name) override {
    const std::shared_ptr<const Directory> entries = names_of(directory);
    auto found = entries->find(name);
    if (found == entries->end()) return std::nullopt;
    return found->second;
  }

  std::vector<std::string> names(Node directory) override {
    std::vector<std::string> names;
    const std::shared_ptr<const Directory> entries = names_of(directory);
    for (const auto& [name, number] : *entries) names.push_back(name);
    return names;
  }

  std::string content(Node file, std::uint64_t size_bytes) override {
    return content(read_inode(storage_, super_, file), 0, size_bytes);
  }
  std::string part(Node file, std::uint64_t, std::uint64_t offset, std::uint64_t length) override {
    return content(read_inode(storage_, super_, file), offset, length);
  }

 private:
  std::string look_at_log() {
    if (super_.log_start == 0) {
      return "its log lies on another disk and was not replayed: the newest changes may be missing";
    }
    try {
      if (!has_unreplayed_log(storage_, super_)) return "";
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      return fmt::format("its log cannot be read: {}", error.message());
    }
    return "it was not unmounted cleanly and its log was not replayed: the newest changes may be "
           "missing";
  }

  std::shared_ptr<const Directory> names_of(Node node) {
    if (const auto* known = directories_.find(node)) return *known;
    Inode inode = read_inode(storage_, super_, node);
    auto names = std::make_shared<const Directory>(read_directory(storage_, super_, inode));
    cached_names_ += names->size();
    if (cached_names_ > kCachedNames) {
      directories_ = Directories(kCachedDirectories);
      cached_names_ = names->size();
    }
    return directories_.put(node, std::move(names));
  }

  std::string content(const Inode& inode, std::uint64_t offset, std::uint64_t length) {
    if (inode.realtime) {
      throw Error(ErrorKind::usage, "it lies on a real-time device, which is not read here");
    }
    std::string bytes(length, '\0');  // holes stay zero
    if (length == 0) return bytes;
    const std::uint64_t end = offset + length;
    for (const Extent& extent : extents_of(storage_, super_, inode)) {
      if (extent.first > end >> super_.block_log) break;  // preallocated behind the end
      const std::uint64_t first = extent.first << super_.block_log;
      if (first >= end) break;
      const std::uint64_t from = std::max(first, offset);
      const std::uint64_t to = std::min(first + (extent.count << super_.block_log), end);
      if (!extent.written || from >= to) continue;
      storage_.read(place_of(super_, extent.block, extent.count) + (from - first),
                    std::as_writable_bytes(std::span(bytes).subspan(from - offset, to - from)));
    }
    return bytes;
  }

  std::string link_target(const Inode& inode) {
    if (inode.size_bytes == 0 || inode.size_bytes >= kMaxLinkBytes) {
      throw Error(ErrorKind::corrupt, "the symlink's target has {} bytes", inode.size_bytes);
    }
    auto size = static_cast<std::size_t>(inode.size_bytes);
    if (inode.form == Form::local) return std::string(BigFields(inode.fork).text(0, size));
    if (!super_.version5) return content(inode, 0, size);
    return linked_blocks(inode, size);
  }

  /// Version 5 puts a header of its own before each extent's part of the target.
  std::string linked_blocks(const Inode& inode, std::size_t size) {
    constexpr std::size_t kHeader = 56;
    // Twice the longest target, in the largest blocks.
    constexpr std::uint64_t kMost = 128 << 10;
    std::string target;
    for (const Extent& extent : extents_of(storage_, super_, inode)) {
      if (target.size() >= size || extent.count << super_.block_log > kMost) break;
      auto part = storage_.block(place_of(super_, extent.block, extent.count),
                                 static_cast<std::size_t>(extent.count << super_.block_log));
      BigFields fields(*part);
      std::size_t length = fields.u32(8);
      if (fields.u32(0) != 0x58534c4d || fields.u32(4) != target.size()) {  // XSLM
        throw Error(ErrorKind::corrupt, "the symlink's block is none");
      }
      check_sum(*part, 12, "the symlink's block");
      if (fields.u64(32) != inode.number) {
        throw Error(ErrorKind::corrupt, "the symlink's block belongs to another file");
      }
      target += fields.text(kHeader, std::min(length, size - target.size()));
    }
    if (target.size() != size) throw Error(ErrorKind::corrupt, "the symlink's target is cut off");
    return target;
  }

  Metered storage_;
  Super super_;
  using Directories = disk::LruCache<Node, std::shared_ptr<const Directory>>;
  Directories directories_{kCachedDirectories};
  std::size_t cached_names_ = 0;  ///< at least those in `directories_`
  std::string log_problem_;       ///< why the newest changes may be missing; empty: they are not
};

}  // namespace

std::unique_ptr<FileSystem> open_xfs(disk::BlockReader& partition) {
  return std::make_unique<Xfs>(partition);
}

}  // namespace hallmark::fs
