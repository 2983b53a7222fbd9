#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/ids.h"

namespace hallmark {

void throw_errno(int error_number, std::string_view doing) {
  ErrorKind kind = ErrorKind::unavailable;
  if (error_number == ENOENT || error_number == ENOTDIR) kind = ErrorKind::not_found;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    kind = ErrorKind::denied;
  }
  if (error_number == EEXIST) kind = ErrorKind::conflict;
  if (error_number == EINVAL || error_number == EISDIR) kind = ErrorKind::usage;
  Error error(kind, "{}: {}", doing, std::strerror(error_number));
  if (error_number == ENOSPC) error.hint("free some space on that file system and try again");
  throw error;
}

namespace {

FileDescriptor open_or_throw(const Path& path, int flags, unsigned mode = 0) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) throw_errno(errno, "cannot open " + path.string());
  return FileDescriptor(fd);
}

void write_all(int fd, std::string_view content, const Path& path) {
  while (!content.empty()) {
    ssize_t wrote = ::write(fd, content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw_errno(errno, "cannot write " + path.string());
    content.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

void sync_directory(const Path& directory) {
  FileDescriptor fd = open_or_throw(directory, O_RDONLY | O_DIRECTORY);
  ::fsync(fd.get());
}

/// A fully written and synced temporary beside `path`, removed again unless it was moved away.
struct Temporary {
  Temporary(const Path& path, std::string_view content, unsigned mode) {
    if (path.has_parent_path()) make_directories(path.parent_path());
    name = path.string() + "." + random_id("tmp");
    FileDescriptor fd = open_or_throw(name, O_WRONLY | O_CREAT | O_EXCL, mode);
    try {
      write_all(fd.get(), content, name);
      if (::fsync(fd.get()) != 0) throw_errno(errno, "cannot sync " + name.string());
    } catch (...) {
      ::unlink(name.c_str());
      throw;
    }
  }
  ~Temporary() { ::unlink(name.c_str()); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  Path name;
};

Path parent_of(const Path& path) { return path.has_parent_path() ? path.parent_path() : Path("."); }

}  // namespace

std::string read_file(const Path& path) {
  FileDescriptor fd = open_or_throw(path, O_RDONLY);
  std::string content;
  char buffer[1 << 16];
  while (true) {
    ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(errno, "cannot read " + path.string());
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

std::optional<std::string> read_file_if_exists(const Path& path) {
  try {
    return read_file(path);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::not_found) return std::nullopt;
    throw;
  }
}

void write_file(const Path& path, std::string_view content, unsigned mode) {
  Temporary temporary(path, content, mode);
  if (::rename(temporary.name.c_str(), path.c_str()) != 0) {
    throw_errno(errno, "cannot write " + path.string());
  }
  sync_directory(parent_of(path));
}

void create_file(const Path& path, std::string_view content, unsigned mode) {
  Temporary temporary(path, content, mode);
  if (::link(temporary.name.c_str(), path.c_str()) != 0) {
    throw_errno(errno, "cannot create " + path.string());
  }
  sync_directory(parent_of(path));
}

void append_file(const Path& path, std::string_view content) {
  if (path.has_parent_path()) make_directories(path.parent_path());
  FileDescriptor fd = open_or_throw(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  write_all(fd.get(), content, path);
}

void make_directories(const Path& path, unsigned mode) {
  std::error_code failure;
  bool made = std::filesystem::create_directories(path, failure);
  if (failure) throw_errno(failure.value(), "cannot create directory " + path.string());
  if (made && mode != 0755) ::chmod(path.c_str(), mode);
}

void remove_all(const Path& path) {
  std::error_code failure;
  std::filesystem::remove_all(path, failure);
  if (failure) throw_errno(failure.value(), "cannot remove " + path.string());
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) reset(other.release());
  return *this;
}

FileDescriptor::~FileDescriptor() { reset(); }

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

int FileDescriptor::release() { return std::exchange(fd_, -1); }

TempDir::TempDir(const Path& parent) {
  Path base = parent.empty() ? std::filesystem::temp_directory_path() : parent;
  make_directories(base);
  std::string name = (base / "hallmark-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw_errno(errno, "cannot create a directory in " + base.string());
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

FileLock::FileLock(const Path& path) {
  if (path.has_parent_path()) make_directories(path.parent_path());
  fd_ = open_or_throw(path, O_RDWR | O_CREAT, 0644);
  while (::flock(fd_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_errno(errno, "cannot lock " + path.string());
  }
}

std::optional<FileLock> FileLock::try_lock(const Path& path) {
  if (path.has_parent_path()) make_directories(path.parent_path());
  FileDescriptor fd = open_or_throw(path, O_RDWR | O_CREAT, 0644);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    throw_errno(errno, "cannot lock " + path.string());
  }
  return FileLock(std::move(fd));
}

}  // namespace hallmark
