#include "fs/ext.h"

// com_err.h does not say for itself that it is C.
extern "C" {
#include <et/com_err.h>
}
#include <ext2fs/ext2fs.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "fs/ext_io.h"
#include "fs/fields.h"
#include "fs/metered.h"

namespace hallmark::fs {
namespace {

// As in Linux: more links than this in one path are a loop.
constexpr int kMaxLinks = 40;
constexpr std::size_t kReadPiece = 1u << 20;

Error ext_error(errcode_t code, std::string_view doing) {
  ErrorKind kind = ErrorKind::corrupt;
  if (code == EXT2_ET_UNSUPP_FEATURE || code == EXT2_ET_RO_UNSUPP_FEATURE) kind = ErrorKind::usage;
  if (code == EXT2_ET_NO_MEMORY) kind = ErrorKind::unavailable;
  return Error(kind, "{}: {}", doing, error_message(code));
}

struct Node {
  ext2_ino_t number = 0;
  ext2_inode_large inode{};

  // The large inode starts with the fields of the small one.
  ext2_inode* small() { return reinterpret_cast<ext2_inode*>(&inode); }
  bool is_directory() const { return LINUX_S_ISDIR(inode.i_mode); }
  bool is_symlink() const { return LINUX_S_ISLNK(inode.i_mode); }
  bool is_regular() const { return LINUX_S_ISREG(inode.i_mode); }
};

struct Names {
  std::vector<std::pair<std::string, ext2_ino_t>> names;
  bool failed = false;
};

int collect_name(ext2_ino_t, int, ext2_dir_entry* entry, int, int, char*, void* context) {
  auto& names = *static_cast<Names*>(context);
  if (entry->inode == 0) return 0;
  std::string_view name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
  if (name == "." || name == "..") return 0;
  // A slash or NUL in a name would make a path lead somewhere else.
  if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos ||
      names.names.size() >= kMaxNames) {
    names.failed = true;
    return DIRENT_ABORT;
  }
  names.names.emplace_back(name, entry->inode);
  return 0;
}

class ExtFileSystem final : public FileSystem {
 public:
  explicit ExtFileSystem(disk::BlockReader& partition) : storage_(partition) {
    initialize_ext2_error_table();
    storage_.allow(kMetadataBudget);
    set_next_storage(&storage_);
    ext2_filsys opened = nullptr;
    errcode_t code =
        ext2fs_open2("partition", nullptr, EXT2_FLAG_64BITS, 0, 0, ext_io_manager(), &opened);
    set_next_storage(nullptr);
    fs_.reset(opened);
    check(code, "cannot open the ext file system");
    if (opened->blocksize < 1024 || opened->blocksize > 65536) {
      throw Error(ErrorKind::corrupt, "block size {} is not allowed", opened->blocksize);
    }
  }

  std::string type() const override {
    ext2_super_block* super = fs_->super;
    if (ext2fs_has_feature_extents(super) || ext2fs_has_feature_flex_bg(super) ||
        ext2fs_has_feature_64bit(super) || ext2fs_has_feature_huge_file(super)) {
      return "ext4";
    }
    return ext2fs_has_feature_journal(super) ? "ext3" : "ext2";
  }

  std::string label() const override {
    const char* name = reinterpret_cast<const char*>(fs_->super->s_volume_name);
    return std::string(name, ::strnlen(name, sizeof fs_->super->s_volume_name));
  }

  std::string uuid() const override {
    return uuid_text(std::as_bytes(std::span(fs_->super->s_uuid)));
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> found;
    if (ext2fs_has_feature_journal_needs_recovery(fs_->super)) {
      found.push_back(
          "it was not unmounted cleanly and its journal was not replayed: the newest changes may "
          "be missing");
    }
    if (fs_->super->s_state & EXT2_ERROR_FS) found.push_back("it is marked as having errors");
    return found;
  }

  std::optional<FileInfo> stat(const std::string& path, bool follow) override {
    std::optional<Node> node = find(path, follow);
    if (!node) return std::nullopt;
    return info_of(*node, path);
  }

  std::string read_file(const std::string& path, std::uint64_t limit) override {
    Node node = must_find(path);
    if (!node.is_regular()) throw Error(ErrorKind::usage, "{} is not a regular file", path);
    return content(node, path, limit);
  }

  std::string read_range(const std::string& path, std::uint64_t offset,
                         std::uint64_t length) override {
    Node node = must_find(path);
    if (!node.is_regular()) throw Error(ErrorKind::usage, "{} is not a regular file", path);
    return content(node, path, offset, length);
  }

  std::vector<std::string> list(const std::string& path) override {
    std::vector<std::string> found;
    for (auto& [name, number] : names_in(path)) found.push_back(std::move(name));
    return found;
  }

  std::vector<DirectoryEntry> entries(const std::string& path) override {
    std::vector<DirectoryEntry> found;
    for (auto& [name, number] : names_in(path)) {
      // Each inode is allowed as much as a look-up: the sum is bounded by their number.
      storage_.allow(kMetadataBudget);
      Node node = read_node(number, path);
      found.push_back({name, info_of(node, path + "/" + name)});
    }
    return found;
  }

 private:
  struct Close {
    void operator()(ext2_filsys fs) const { ext2fs_free(fs); }
  };
  struct CloseFile {
    void operator()(ext2_file_t file) const { ext2fs_file_close(file); }
  };

  void check(errcode_t code, std::string_view doing) {
    if (code == 0) return;
    try {
      storage_.rethrow();
    } catch (Error& error) {
      error.note(std::string(doing));
      throw;
    }
    throw ext_error(code, doing);
  }

  Node read_node(ext2_ino_t number, std::string_view path) {
    Node node;
    node.number = number;
    check(ext2fs_read_inode_full(fs_.get(), number, node.small(), sizeof node.inode),
          fmt::format("cannot read inode {} of {}", number, path));
    return node;
  }

  void refuse_encrypted(const Node& node, std::string_view path) {
    if (node.inode.i_flags & EXT4_ENCRYPT_FL) {
      throw Error(ErrorKind::usage, "{} is encrypted", path);
    }
  }

  /// Walks `path`. The directories on the way are kept, so that ".." needs no trust in the image.
  std::optional<Node> find(const std::string& path, bool follow) {
    storage_.allow(kMetadataBudget);
    std::vector<Node> way = {read_node(EXT2_ROOT_INO, "/")};
    std::vector<std::string> parts = split(path, '/');
    std::deque<std::string> rest(parts.begin(), parts.end());
    int links = 0;
    while (!rest.empty()) {
      std::string name = std::move(rest.front());
      rest.pop_front();
      if (name.empty() || name == ".") continue;
      if (!way.back().is_directory()) return std::nullopt;
      if (name == "..") {
        if (way.size() > 1) way.pop_back();
        continue;
      }
      if (name.size() > EXT2_NAME_LEN) return std::nullopt;
      refuse_encrypted(way.back(), path);
      ext2_ino_t number = 0;
      errcode_t code = ext2fs_lookup(fs_.get(), way.back().number, name.data(),
                                     static_cast<int>(name.size()), nullptr, &number);
      if (code == EXT2_ET_FILE_NOT_FOUND) return std::nullopt;
      check(code, "cannot look up " + path);
      Node node = read_node(number, path);
      bool last = std::all_of(rest.begin(), rest.end(),
                              [](const std::string& part) { return part.empty(); });
      if (node.is_symlink() && (!last || follow)) {
        if (++links > kMaxLinks) return std::nullopt;
        std::string target = link_target(node, path);
        if (target.starts_with('/')) way.resize(1);
        std::vector<std::string> steps = split(target, '/');
        rest.insert(rest.begin(), steps.begin(), steps.end());
        continue;
      }
      // Directories have one name each; without this a look down a circle ends at its longest path.
      if (node.is_directory() && std::any_of(way.begin(), way.end(), [&](const Node& above) {
            return above.number == node.number;
          })) {
        throw Error(ErrorKind::corrupt, "directory {} lies within itself", path);
      }
      way.push_back(node);
    }
    return way.back();
  }

  Node must_find(const std::string& path) {
    std::optional<Node> node = find(path, true);
    if (!node) throw Error(ErrorKind::not_found, "{} does not exist in the image", path);
    return *node;
  }

  std::vector<std::pair<std::string, ext2_ino_t>> names_in(const std::string& path) {
    Node node = must_find(path);
    if (!node.is_directory()) throw Error(ErrorKind::not_found, "{} is not a directory", path);
    refuse_encrypted(node, path);
    storage_.allow(kMetadataBudget);
    Names names;
    check(ext2fs_dir_iterate2(fs_.get(), node.number, 0, nullptr, collect_name, &names),
          "cannot list " + path);
    if (names.failed) throw Error(ErrorKind::corrupt, "directory {} holds impossible names", path);
    std::sort(names.names.begin(), names.names.end());
    return std::move(names.names);
  }

  FileInfo info_of(Node& node, const std::string& path) {
    FileInfo info;
    info.type = node.is_regular()     ? FileType::regular
                : node.is_directory() ? FileType::directory
                : node.is_symlink()   ? FileType::symlink
                                      : FileType::other;
    info.size_bytes = EXT2_I_SIZE(&node.inode);
    info.mode = node.inode.i_mode & 07777u;
    info.uid = inode_uid(node.inode);
    info.gid = inode_gid(node.inode);
    info.modified_at = static_cast<std::int32_t>(node.inode.i_mtime);
    // Large inodes hold two more bits of the seconds, for times after 2038.
    if (node.inode.i_extra_isize >= 12) {
      info.modified_at += std::int64_t(node.inode.i_mtime_extra & 3u) << 32;
    }
    if (node.is_symlink()) info.link_target = link_target(node, path);
    return info;
  }

  std::string link_target(Node& node, const std::string& path) {
    std::uint64_t size = EXT2_I_SIZE(&node.inode);
    if (size == 0 || size >= kMaxLinkBytes) {
      throw Error(ErrorKind::corrupt, "symlink {} has a target of {} bytes", path, size);
    }
    if (ext2fs_is_fast_symlink(node.small()) && size <= sizeof node.inode.i_block) {
      return std::string(reinterpret_cast<const char*>(node.inode.i_block),
                         static_cast<std::size_t>(size));
    }
    return content(node, path, kMaxLinkBytes);
  }

  std::string content(Node& node, const std::string& path, std::uint64_t limit) {
    refuse_encrypted(node, path);
    std::uint64_t size = EXT2_I_SIZE(&node.inode);
    if (size > limit) {
      throw Error(ErrorKind::usage, "{} has {} bytes, more than the {} that are read", path, size,
                  limit);
    }
    return content(node, path, 0, size);
  }

  /// From `offset`, up to `length` bytes or the end.
  std::string content(Node& node, const std::string& path, std::uint64_t offset,
                      std::uint64_t length) {
    refuse_encrypted(node, path);
    std::uint64_t end = EXT2_I_SIZE(&node.inode);
    if (offset >= end) return "";
    std::uint64_t size = std::min(length, end - offset);
    // For each block of content its indirect blocks or extents are read again, from the cache.
    storage_.allow(kMetadataBudget + 8 * std::min(size, std::uint64_t{1} << 40));
    ext2_file_t opened = nullptr;
    check(ext2fs_file_open2(fs_.get(), node.number, node.small(), 0, &opened),
          "cannot open " + path);
    std::unique_ptr<ext2_file, CloseFile> file(opened);
    if (offset != 0) {
      check(ext2fs_file_llseek(opened, offset, EXT2_SEEK_SET, nullptr), "cannot read " + path);
    }
    std::string bytes;
    while (bytes.size() < size) {
      std::size_t piece =
          static_cast<std::size_t>(std::min<std::uint64_t>(kReadPiece, size - bytes.size()));
      std::size_t had = bytes.size();
      bytes.resize(had + piece);
      unsigned got = 0;
      check(ext2fs_file_read(opened, bytes.data() + had, static_cast<unsigned>(piece), &got),
            "cannot read " + path);
      if (got == 0) throw Error(ErrorKind::corrupt, "{} ends before its size", path);
      bytes.resize(had + got);
    }
    return bytes;
  }

  ExtStorage storage_;
  std::unique_ptr<struct_ext2_filsys, Close> fs_;
};

}  // namespace

std::unique_ptr<FileSystem> open_ext(disk::BlockReader& partition) {
  return std::make_unique<ExtFileSystem>(partition);
}

}  // namespace hallmark::fs
