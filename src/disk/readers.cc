#include "disk/readers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace hallmark::disk {
namespace {

/// Reads of this much and more ask first whether there is anything: the kernel would fill its cache
/// with a hole's zeros, page by page, which takes longer than all else that is done with them.
constexpr std::size_t kWorthAsking = 64 << 10;

class RawFile final : public BlockReader {
 public:
  RawFile(FileDescriptor fd, std::uint64_t size_bytes, Path path)
      : fd_(std::move(fd)), size_bytes_(size_bytes), path_(std::move(path)) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::uint64_t fetched_bytes() const override { return fetched_bytes_; }

  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), size_bytes_, path_.c_str());
    if (out.size() >= kWorthAsking && is_hole(offset, out.size())) {
      std::fill(out.begin(), out.end(), std::byte{0});
      return;
    }
    while (!out.empty()) {
      ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_errno(errno, "cannot read " + path_.string());
      if (n == 0) {
        throw Error(ErrorKind::unavailable, "{} became shorter while it was read", path_.string());
      }
      fetched_bytes_ += static_cast<std::uint64_t>(n);
      offset += static_cast<std::uint64_t>(n);
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }

 private:
  /// False also where the file system cannot tell.
  bool is_hole(std::uint64_t offset, std::size_t length) const {
    off_t data = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0) return errno == ENXIO && is_within(offset, length);
    return static_cast<std::uint64_t>(data) >= offset + length;
  }
  /// No data up to the end means a hole only if the file has not become shorter meanwhile.
  bool is_within(std::uint64_t offset, std::size_t length) const {
    off_t end = ::lseek(fd_.get(), 0, SEEK_END);
    return end >= 0 && static_cast<std::uint64_t>(end) >= offset + length;
  }

  FileDescriptor fd_;
  std::uint64_t size_bytes_;
  Path path_;
  std::uint64_t fetched_bytes_ = 0;
};

class MemoryDisk final : public BlockReader {
 public:
  explicit MemoryDisk(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  std::uint64_t fetched_bytes() const override { return fetched_bytes_; }
  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), bytes_.size(), "the disk");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    fetched_bytes_ += out.size();
  }

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t fetched_bytes_ = 0;
};

class SubRange final : public BlockReader {
 public:
  SubRange(BlockReader& disk, std::uint64_t offset, std::uint64_t size_bytes)
      : disk_(disk), offset_(offset), size_bytes_(size_bytes) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::uint64_t fetched_bytes() const override { return disk_.fetched_bytes(); }
  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), size_bytes_, "the partition");
    disk_.read(offset_ + offset, out);
  }

 private:
  BlockReader& disk_;
  std::uint64_t offset_;
  std::uint64_t size_bytes_;
};

template <typename Integer>
Integer assemble(std::span<const std::byte> bytes, std::size_t offset, bool big) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    std::size_t from_low = big ? sizeof(Integer) - 1 - i : i;
    value |= static_cast<Integer>(static_cast<Integer>(bytes[offset + i]) << (8 * from_low));
  }
  return value;
}

}  // namespace

std::unique_ptr<BlockReader> open_raw(const Path& file) {
  // Without O_NONBLOCK opening a named pipe would wait for a writer.
  FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_errno(errno, "cannot open disk " + file.string());
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "cannot examine " + file.string());
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
    throw Error(ErrorKind::usage, "{} is neither a file nor a block device", file.string());
  }
  // The end of a block device is known to lseek only.
  off_t end = ::lseek(fd.get(), 0, SEEK_END);
  if (end < 0) throw_errno(errno, "cannot find the size of " + file.string());
  return std::make_unique<RawFile>(std::move(fd), static_cast<std::uint64_t>(end), file);
}

std::unique_ptr<BlockReader> memory_disk(std::vector<std::byte> bytes) {
  return std::make_unique<MemoryDisk>(std::move(bytes));
}

std::unique_ptr<BlockReader> memory_disk(const std::string& bytes) {
  auto view = std::as_bytes(std::span(bytes));
  return memory_disk(std::vector<std::byte>(view.begin(), view.end()));
}

std::unique_ptr<BlockReader> sub_range(BlockReader& disk, std::uint64_t offset,
                                       std::uint64_t size_bytes) {
  check_range(offset, size_bytes, disk.size_bytes(), "the disk");
  return std::make_unique<SubRange>(disk, offset, size_bytes);
}

void check_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size_bytes,
                 const char* what) {
  if (length > size_bytes || offset > size_bytes - length) {
    throw Error(ErrorKind::corrupt, "{} bytes at offset {} leave {}, which has {} bytes", length,
                offset, what, size_bytes);
  }
}

std::uint16_t little16(std::span<const std::byte> bytes, std::size_t offset) {
  return assemble<std::uint16_t>(bytes, offset, false);
}
std::uint32_t little32(std::span<const std::byte> bytes, std::size_t offset) {
  return assemble<std::uint32_t>(bytes, offset, false);
}
std::uint64_t little64(std::span<const std::byte> bytes, std::size_t offset) {
  return assemble<std::uint64_t>(bytes, offset, false);
}
std::uint32_t big32(std::span<const std::byte> bytes, std::size_t offset) {
  return assemble<std::uint32_t>(bytes, offset, true);
}
std::uint64_t big64(std::span<const std::byte> bytes, std::size_t offset) {
  return assemble<std::uint64_t>(bytes, offset, true);
}

}  // namespace hallmark::disk
