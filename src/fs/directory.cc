#include "fs/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"
#include "fs/fields.h"
#include "fs/metered.h"

namespace hallmark::fs {
namespace {

/// A name leads to nothing that is there.
bool means_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
}

class Directory final : public FileSystem {
 public:
  explicit Directory(const Path& root)
      : name_(root.string()), root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!root_) throw_errno(errno, "cannot open " + name_);
  }

  std::string type() const override { return "directory"; }
  std::string label() const override { return {}; }
  std::vector<std::string> warnings() const override { return {}; }

  std::optional<FileInfo> stat(const std::string& path, bool follow) override {
    FileDescriptor file = find(path, follow);
    if (!file) return std::nullopt;
    return info_of(file, path);
  }

  std::string read_file(const std::string& path, std::uint64_t limit) override {
    FileDescriptor place = must_find(path);
    FileInfo info = info_of(place, path);
    if (info.type != FileType::regular) {
      throw Error(ErrorKind::usage, "{} is not a regular file", path);
    }
    if (info.size_bytes > limit) {
      throw Error(ErrorKind::usage, "{} has {} bytes, more than the {} that are read", path,
                  info.size_bytes, limit);
    }
    FileDescriptor file = reopen(place, O_RDONLY, path);
    std::string content(static_cast<std::size_t>(info.size_bytes), '\0');
    std::size_t had = 0;
    while (had < content.size()) {
      ssize_t got = ::read(file.get(), content.data() + had, content.size() - had);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_errno(errno, "cannot read " + full(path));
      if (got == 0) break;  // it became shorter meanwhile
      had += static_cast<std::size_t>(got);
    }
    content.resize(had);
    return content;
  }

  std::vector<std::string> list(const std::string& path) override {
    FileDescriptor place = must_find(path);
    if (info_of(place, path).type != FileType::directory) {
      throw Error(ErrorKind::not_found, "{} is not a directory", path);
    }
    FileDescriptor directory = reopen(place, O_RDONLY | O_DIRECTORY, path);
    struct Close {
      void operator()(DIR* stream) const { ::closedir(stream); }
    };
    std::unique_ptr<DIR, Close> stream(::fdopendir(directory.get()));
    if (!stream) throw_errno(errno, "cannot list " + full(path));
    directory.release();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream.get())) {
      if (is_plain_name(entry->d_name)) names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string full(const std::string& path) const { return name_ + path; }

  /// The place itself, without opening what is there: a device might do something.
  FileDescriptor find(const std::string& path, bool follow) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    std::string from_root = path.empty() ? "/" : path;
    for (;;) {
      FileDescriptor file(static_cast<int>(
          ::syscall(SYS_openat2, root_.get(), from_root.c_str(), &how, sizeof how)));
      if (file || means_missing(errno)) return file;
      // Somebody renames directories at this moment.
      if (errno != EAGAIN && errno != EINTR) throw_errno(errno, "cannot look up " + full(path));
    }
  }

  FileDescriptor must_find(const std::string& path) {
    FileDescriptor file = find(path, true);
    if (!file) throw Error(ErrorKind::not_found, "{} does not exist in {}", path, name_);
    return file;
  }

  FileDescriptor reopen(const FileDescriptor& place, int flags, const std::string& path) {
    std::string name = "/proc/self/fd/" + std::to_string(place.get());
    FileDescriptor file(::open(name.c_str(), flags | O_CLOEXEC));
    if (!file) throw_errno(errno, "cannot open " + full(path));
    return file;
  }

  FileInfo info_of(const FileDescriptor& file, const std::string& path) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw_errno(errno, "cannot examine " + full(path));
    FileInfo info;
    info.type = S_ISREG(status.st_mode)   ? FileType::regular
                : S_ISDIR(status.st_mode) ? FileType::directory
                : S_ISLNK(status.st_mode) ? FileType::symlink
                                          : FileType::other;
    info.size_bytes = static_cast<std::uint64_t>(status.st_size);
    info.mode = status.st_mode & 07777u;
    info.uid = status.st_uid;
    info.gid = status.st_gid;
    info.modified_at = status.st_mtime;
    if (info.type == FileType::symlink) {
      std::array<char, kMaxLinkBytes> target{};
      ssize_t length = ::readlinkat(file.get(), "", target.data(), target.size());
      if (length < 0) throw_errno(errno, "cannot read the link " + full(path));
      info.link_target.assign(target.data(), static_cast<std::size_t>(length));
    }
    return info;
  }

  std::string name_;
  FileDescriptor root_;
};

}  // namespace

std::unique_ptr<FileSystem> open_directory(const Path& root) {
  return std::make_unique<Directory>(root);
}

}  // namespace hallmark::fs
