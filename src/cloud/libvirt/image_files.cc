#include "cloud/libvirt/image_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"

namespace hallmark::cloud::libvirt {
namespace {

constexpr std::uint64_t kSectorBytes = 512;
// Left free on the file system whatever we write, so that sidecars and logs still fit.
constexpr std::uint64_t kReserveBytes = 64u << 20;

/// Removes a half-written file unless told that it is whole.
struct Unfinished {
  Path path;
  bool whole = false;
  ~Unfinished() {
    if (!whole) ::unlink(path.c_str());
  }
};

FileDescriptor open_to_read(const Path& file) {
  FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_errno(errno, "cannot open " + file.string());
  return fd;
}

std::string read_at(int fd, std::uint64_t offset, std::size_t bytes) {
  std::string data(bytes, '\0');
  ssize_t got = ::pread(fd, data.data(), bytes, static_cast<off_t>(offset));
  data.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return data;
}

std::uint64_t little_endian_64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// A GPT names the disk's last sector twice; a file that ends before it was cut off.
void check_raw(const Path& file, int fd, std::uint64_t size) {
  auto refuse = [&](std::string_view why) {
    throw Error(ErrorKind::corrupt, "{} is not a disk: {}", file.string(), why);
  };
  if (size == 0) refuse("it is empty");
  if (size % kSectorBytes != 0) refuse("its size is not a multiple of 512 bytes");
  std::string header = read_at(fd, kSectorBytes, kSectorBytes);
  if (header.size() == kSectorBytes && header.starts_with("EFI PART")) {
    std::uint64_t last_sector = little_endian_64(std::string_view(header).substr(32, 8));
    if (last_sector >= size / kSectorBytes) refuse("its end is missing, the file was cut off");
  }
}

/// qemu-img's own words when the file system is full; it has no exit code for it.
bool says_no_space(const std::string& text) {
  return text.find("No space left") != std::string::npos ||
         text.find("Disk quota exceeded") != std::string::npos;
}

[[noreturn]] void throw_qemu_img(const std::string& doing, const ProcessResult& result) {
  std::string words(trim(result.err.empty() ? result.out : result.err));
  if (says_no_space(words)) {
    throw Error(ErrorKind::unavailable, "{}: {}", doing, words)
        .hint("free some space on that file system and try again");
  }
  throw Error(ErrorKind::corrupt, "{}: {}", doing, words);
}

void check_qcow2(const Path& file, std::uint64_t size, DiskFacts& facts, std::stop_token stop) {
  ProcessResult info = run_process(
      {.argv = {"qemu-img", "info", "-f", "qcow2", "--output=json", file.string()}}, stop);
  if (info.exit_code != 0) throw_qemu_img("cannot read " + file.string(), info);
  Json json = parse_json(info.out, "qemu-img info");
  facts.disk_size_bytes = member<std::uint64_t>(json, "virtual-size");
  // Another file's name inside an image would let whoever made it read any file of ours.
  if (json.contains("backing-filename")) {
    throw Error(ErrorKind::usage, "{} depends on another file, {}", file.string(),
                member<std::string>(json, "backing-filename"))
        .hint("make it standalone first: qemu-img convert -O qcow2 OLD NEW");
  }
  Json specific = json.value("format-specific", Json::object()).value("data", Json::object());
  if (specific.contains("data-file")) {
    throw Error(ErrorKind::usage, "{} keeps its data in another file", file.string())
        .hint("make it standalone first: qemu-img convert -O qcow2 OLD NEW");
  }
  if (specific.contains("encrypt") || json.value("encrypted", false)) {
    throw Error(ErrorKind::usage, "{} is encrypted", file.string())
        .hint("decrypt it first: qemu-img convert with --object secret,...");
  }
  if (specific.value("corrupt", false)) {
    throw Error(ErrorKind::corrupt, "{} is marked as damaged", file.string());
  }
  ProcessResult check = run_process(
      {.argv = {"qemu-img", "check", "-f", "qcow2", "--output=json", file.string()}}, stop);
  // 0 is clean, 3 is clean but with leaked clusters, which lose nothing.
  if (check.exit_code != 0 && check.exit_code != 3) {
    throw Error(ErrorKind::corrupt, "{} is damaged: qemu-img check finds errors", file.string());
  }
  Json report = parse_json(check.out, "qemu-img check");
  // Reading past the end of a file gives zeros, so a cut-off file is caught only by its length.
  if (report.value("image-end-offset", std::uint64_t{0}) > size + 65536) {
    throw Error(ErrorKind::corrupt, "{} was cut off: {} bytes of {} are there", file.string(), size,
                report.value("image-end-offset", std::uint64_t{0}));
  }
  auto allocated = report.value("allocated-clusters", std::uint64_t{0});
  auto compressed = report.value("compressed-clusters", std::uint64_t{0});
  facts.compressed = allocated > 0 && compressed * 10 >= allocated * 9;
}

void copy_bytes(int from, int to, const Path& target, std::stop_token stop) {
  constexpr std::size_t kPiece = 64u << 20;  // so that a stop is noticed within a second
  bool within = true;                        // one file system, which may know a quicker way
  while (!stop.stop_requested()) {
    ssize_t copied = within ? ::copy_file_range(from, nullptr, to, nullptr, kPiece, 0)
                            : ::sendfile(to, from, nullptr, kPiece);
    if (copied == 0) return;
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0 && within &&
        (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
      within = false;
      continue;
    }
    if (copied < 0) throw_errno(errno, "cannot copy to " + target.string());
  }
  throw Error(ErrorKind::cancelled, "stopped while copying to {}", target.string());
}

}  // namespace

DiskFacts inspect_disk(const Path& file, std::stop_token stop) {
  FileDescriptor fd = open_to_read(file);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "cannot read " + file.string());
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
    throw Error(ErrorKind::usage, "{} is not a file", file.string());
  }
  std::uint64_t size = static_cast<std::uint64_t>(::lseek(fd.get(), 0, SEEK_END));
  std::string start = read_at(fd.get(), 0, 16);
  DiskFacts facts;
  if (start.starts_with("QFI\xfb")) {
    facts.format = "qcow2";
    check_qcow2(file, size, facts, stop);
    return facts;
  }
  // Taking these as raw would make an image that never boots.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kForeign{{
      {"KDMV", "a VMDK"},
      {"# Disk Descript", "a VMDK"},
      {"vhdxfile", "a VHDX"},
      {"conectix", "a VHD"},
      {"\x1f\x8b", "compressed with gzip"},
  }};
  for (const auto& [magic, name] : kForeign) {
    if (start.starts_with(magic)) {
      throw Error(ErrorKind::usage, "{} is {}", file.string(), name)
          .hint("give a raw or qcow2 disk; qemu-img convert -O qcow2 OLD NEW makes one");
    }
  }
  facts.format = "raw";
  facts.disk_size_bytes = size;
  check_raw(file, fd.get(), size);
  return facts;
}

void compress_disk(const Path& source, const std::string& source_format, const Path& target,
                   std::stop_token stop) {
  Unfinished unfinished{target};
  // zstd compresses five times as fast as zlib and packs tighter; out-of-order writing by many
  // coroutines keeps all cores at it. 64 KiB clusters keep scattered reads of an image cheap.
  ProcessResult result =
      run_process({.argv = {"qemu-img", "convert", "-c", "-m", "16", "-W", "-f", source_format,
                            "-O", "qcow2", "-o", "compression_type=zstd,cluster_size=65536",
                            source.string(), target.string()}},
                  stop);
  if (result.exit_code != 0) throw_qemu_img("cannot store " + source.string(), result);
  unfinished.whole = true;
}

void expand_disk(const Path& source, const Path& target, std::stop_token stop) {
  Unfinished unfinished{target};
  ProcessResult result =
      run_process({.argv = {"qemu-img", "convert", "-m", "16", "-W", "-f", "qcow2", "-O", "raw",
                            source.string(), target.string()}},
                  stop);
  if (result.exit_code != 0) throw_qemu_img("cannot expand " + source.string(), result);
  unfinished.whole = true;
}

void copy_disk_file(const Path& source, const Path& target, std::stop_token stop) {
  FileDescriptor from = open_to_read(source);
  Unfinished unfinished{target};
  FileDescriptor to(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!to) throw_errno(errno, "cannot create " + target.string());
  if (::ioctl(to.get(), FICLONE, from.get()) != 0) copy_bytes(from.get(), to.get(), target, stop);
  unfinished.whole = true;
}

void copy_image_file(const Path& source, const Path& target, std::stop_token stop) {
  ::unlink(target.c_str());
  FileDescriptor from = open_to_read(source);
  {
    FileDescriptor to(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!to) throw_errno(errno, "cannot create " + target.string());
    if (::ioctl(to.get(), FICLONE, from.get()) == 0) return;
  }
  ::unlink(target.c_str());
  if (::link(source.c_str(), target.c_str()) == 0) return;
  copy_disk_file(source, target, stop);
}

void sync_file(const Path& file) {
  FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) throw_errno(errno, "cannot sync " + file.string());
}

void create_overlay(const Path& overlay, const std::string& base, std::stop_token stop) {
  ProcessResult result = run_process({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-b",
                                               base, "-F", "qcow2", overlay.string()}},
                                     stop);
  if (result.exit_code != 0) throw_qemu_img("cannot create " + overlay.string(), result);
}

void require_space(const Path& path, std::uint64_t needed_bytes) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) throw_errno(errno, "cannot look at " + path.string());
  std::uint64_t available = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (available >= needed_bytes + kReserveBytes) return;
  throw Error(ErrorKind::unavailable, "{} has {} free, {} are needed", path.string(),
              format_size(available), format_size(needed_bytes + kReserveBytes))
      .hint("free some space on that file system and try again");
}

}  // namespace hallmark::cloud::libvirt
