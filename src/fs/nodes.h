#pragma once
/// A file system whose paths are walked here, over what a format says of single nodes.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fs/file_system.h"

namespace hallmark::fs {

/// An inode's number, or whatever else a format calls a file by.
using Node = std::uint64_t;

class NodeFileSystem : public FileSystem {
 public:
  std::optional<FileInfo> stat(const std::string& path, bool follow) final;
  std::string read_file(const std::string& path, std::uint64_t limit) final;
  std::vector<std::string> list(const std::string& path) final;
  std::vector<DirectoryEntry> entries(const std::string& path) final;
  std::string read_range(const std::string& path, std::uint64_t offset, std::uint64_t length) final;

 protected:
  /// A call begins: it may read so many bytes, more only if it is refused with `corrupt`.
  virtual void allow(std::uint64_t bytes) = 0;
  virtual Node root() const = 0;
  /// `link_target` too. Throws `corrupt`.
  virtual FileInfo info(Node node) = 0;
  virtual std::optional<Node> child(Node directory, const std::string& name) = 0;
  /// In any order, plain names only (is_plain_name).
  virtual std::vector<std::string> names(Node directory) = 0;
  /// All `size_bytes` of a regular file.
  virtual std::string content(Node file, std::uint64_t size_bytes) = 0;
  /// `length` bytes of them from `offset`; both lie within.
  virtual std::string part(Node file, std::uint64_t size_bytes, std::uint64_t offset,
                           std::uint64_t length) {
    return content(file, size_bytes).substr(offset, length);
  }

 private:
  struct Found {
    Node node = 0;
    FileInfo info;
  };
  std::optional<Found> walk(const std::string& path, bool follow);
  std::optional<Found> find(const std::string& path, bool follow);
  Found must_find(const std::string& path);
  Found must_find_file(const std::string& path);
  Found must_find_directory(const std::string& path);
};

}  // namespace hallmark::fs
