#pragma once
/// Files of an image that is not running.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/block_reader.h"

namespace hallmark::fs {

enum class FileType { regular, directory, symlink, other };

struct FileInfo {
  FileType type = FileType::other;
  std::uint64_t size_bytes = 0;
  std::uint32_t mode = 0;  ///< permission bits, setuid, setgid and sticky included (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t modified_at = 0;  ///< seconds since the epoch
  std::string link_target;       ///< of a symlink
};

struct DirectoryEntry {
  std::string name;
  FileInfo info;  ///< of the entry itself: a symlink is not followed
};

/// Read-only view of one file system. Paths are absolute inside it ("/etc/os-release").
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual std::string type() const = 0;   ///< "ext4"
  virtual std::string label() const = 0;  ///< may be empty
  /// As blkid and fstab write it, in lower case; empty where there is none.
  virtual std::string uuid() const { return {}; }
  /// Nothing if it does not exist. Symlinks in the middle are followed inside this file system, as
  /// is the last one if `follow`. Throws `corrupt` if the structures are broken.
  virtual std::optional<FileInfo> stat(const std::string& path, bool follow = true) = 0;
  /// Throws `not_found`; `corrupt`; `usage` if it is not a regular file or larger than `limit`.
  virtual std::string read_file(const std::string& path, std::uint64_t limit = 256u << 20) = 0;
  /// Names without "." and "..", sorted. Throws `not_found` or `corrupt`.
  virtual std::vector<std::string> list(const std::string& path) = 0;
  /// As `list`, with what `stat` says of each without following it.
  virtual std::vector<DirectoryEntry> entries(const std::string& path);
  /// The `length` bytes from `offset`; fewer where the file ends. Throws as `read_file`, but for a
  /// file that is large.
  virtual std::string read_range(const std::string& path, std::uint64_t offset,
                                 std::uint64_t length);
  /// What makes the content doubtful as a whole: "the journal was not replayed". Usually none.
  virtual std::vector<std::string> warnings() const = 0;
};

}  // namespace hallmark::fs
