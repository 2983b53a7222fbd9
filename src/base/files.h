#pragma once
/// Files, with the guarantees the rest of the house leans on: whole or not at all, and locks that
/// die with their process. Functions throw `not_found`, `denied`, or `unavailable` (disk full, I/O
/// error) and name the file.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hallmark {

using Path = std::filesystem::path;

/// Turns an errno into an Error that names what was being done.
class Error;
[[noreturn]] void throw_errno(int error_number, std::string_view doing);

std::string read_file(const Path& path);
std::optional<std::string> read_file_if_exists(const Path& path);
/// Writes to a temporary file beside `path`, syncs, renames over it and syncs the directory: after
/// a crash either the old or the new content is there, never a part. Creates parent directories.
void write_file(const Path& path, std::string_view content, unsigned mode = 0644);
/// Like write_file, but throws `conflict` if `path` exists already. Atomic between processes.
void create_file(const Path& path, std::string_view content, unsigned mode = 0644);
void append_file(const Path& path, std::string_view content);
/// Creates the directory and its parents; existing ones are fine.
void make_directories(const Path& path, unsigned mode = 0755);
/// Removes a file or tree; a missing one is fine.
void remove_all(const Path& path);

/// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);
  int release();

 private:
  int fd_ = -1;
};

/// A directory that is removed with everything in it when the object goes.
class TempDir {
 public:
  /// Under $TMPDIR or /tmp, or under `parent` if given.
  explicit TempDir(const Path& parent = {});
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const Path& path() const { return path_; }

 private:
  Path path_;
};

/// An exclusive lock between processes and threads (flock on an own open file); the kernel frees it
/// when the process dies.
class FileLock {
 public:
  /// Waits for the lock. Creates the file and its directory.
  explicit FileLock(const Path& path);
  /// Returns nothing if somebody else holds it.
  static std::optional<FileLock> try_lock(const Path& path);

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace hallmark
