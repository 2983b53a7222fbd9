#include "cloud/libvirt/offline_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "disk/partitions.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

// https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
constexpr std::string_view kGptRootX86 = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
constexpr std::string_view kGptLinux = "0fc63daf-8483-4772-8e79-3d69d8477de4";
constexpr std::string_view kMbrLinux = "0x83";

// Tells packages not to start services:
// https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
constexpr std::string_view kPolicy = "#!/bin/sh\nexit 101\n";

/// Paths below the root are the image's own, where links may point anywhere. Opening them one part
/// at a time without following links keeps us from writing to a file of the host.
FileDescriptor open_inside(const Path& root, const Path& relative, int flags, unsigned mode = 0) {
  FileDescriptor at(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::string> parts = split(relative.string(), '/');
  for (std::size_t i = 0; at && i < parts.size(); ++i) {
    bool last = i + 1 == parts.size();
    int how = last ? flags : O_PATH | O_DIRECTORY;
    at = FileDescriptor(::openat(at.get(), parts[i].c_str(), how | O_NOFOLLOW | O_CLOEXEC, mode));
  }
  return at;
}

bool write_inside(const Path& root, const Path& relative, std::string_view text, unsigned mode,
                  int flags) {
  FileDescriptor file = open_inside(root, relative, O_WRONLY | O_CREAT | flags, mode);
  if (!file) return false;
  ::fchmod(file.get(), mode);
  return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void remove_inside(const Path& root, const Path& relative) {
  FileDescriptor parent = open_inside(root, relative.parent_path(), O_PATH | O_DIRECTORY);
  if (parent) ::unlinkat(parent.get(), relative.filename().c_str(), 0);
}

/// Throws if the mount point is a link, which would lead out of the root.
void mount_inside(const Path& root, const std::string& relative, const char* type,
                  unsigned long flags, const char* options) {
  FileDescriptor at = open_inside(root, relative, O_PATH | O_DIRECTORY);
  if (!at) {
    throw Error(ErrorKind::corrupt, "the image has no directory /{}: {}", relative,
                std::strerror(errno));
  }
  std::string target = fmt::format("/proc/self/fd/{}", at.get());
  if (::mount(type, target.c_str(), type, flags, options) != 0) {
    throw_errno(errno, "cannot mount /" + relative + " of an offline machine");
  }
}

void make_devices(const Path& root) {
  struct Device {
    const char* name;
    unsigned minor_number;
    unsigned major_number;
    unsigned mode;
  };
  // https://www.kernel.org/doc/Documentation/admin-guide/devices.txt
  constexpr std::array kDevices = {
      Device{"null", 3, 1, 0666},   Device{"zero", 5, 1, 0666},    Device{"full", 7, 1, 0666},
      Device{"random", 8, 1, 0666}, Device{"urandom", 9, 1, 0666}, Device{"tty", 0, 5, 0666},
  };
  mount_inside(root, "dev", "tmpfs", MS_NOSUID, "mode=0755,size=1m");
  for (const Device& device : kDevices) {
    Path path = root / "dev" / device.name;
    if (::mknod(path.c_str(), S_IFCHR | device.mode,
                makedev(device.major_number, device.minor_number)) != 0) {
      throw_errno(errno, "cannot make " + path.string());
    }
    ::chmod(path.c_str(), device.mode);
  }
  for (const char* directory : {"pts", "shm"}) ::mkdir((root / "dev" / directory).c_str(), 0755);
  mount_inside(root, "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
               "newinstance,ptmxmode=0666,mode=0620");
  mount_inside(root, "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  std::error_code exists;
  std::filesystem::create_symlink("pts/ptmx", root / "dev/ptmx", exists);
  std::filesystem::create_symlink("/proc/self/fd", root / "dev/fd", exists);
  for (int i = 0; i < 3; ++i) {
    constexpr std::array kNames = {"stdin", "stdout", "stderr"};
    std::filesystem::create_symlink(fmt::format("/proc/self/fd/{}", i), root / "dev" / kNames[i],
                                    exists);
  }
}

/// Most images have a link into /run there, which is ours while we work: nothing on the disk
/// changes. Returns whether a file was put on the disk, to be removed again.
bool provide_name_resolution(const Path& root, const std::string& text) {
  Path link = root / "etc/resolv.conf";
  std::error_code none;
  if (std::filesystem::is_symlink(link, none)) {
    Path aim = std::filesystem::read_symlink(link, none);
    Path absolute = (aim.is_absolute() ? aim : Path("/etc") / aim).lexically_normal();
    if (!absolute.string().starts_with("/run/")) {
      log_info("names do not resolve: /etc/resolv.conf leads to {}", absolute.string());
      return false;
    }
    Path relative = absolute.relative_path();
    // /run is a fresh tmpfs of ours: no link of the image is in it.
    make_directories((root / relative).parent_path());
    write_file(root / relative, text);
    return false;
  }
  bool made = write_inside(root, "etc/resolv.conf", "", 0644, O_EXCL);
  FileDescriptor at = open_inside(root, "etc/resolv.conf", O_PATH);
  if (!at) return made;
  // Over the image's own file, for the time being.
  write_file(root / "run/hallmark-resolv.conf", text);
  std::string target = fmt::format("/proc/self/fd/{}", at.get());
  if (::mount((root / "run/hallmark-resolv.conf").c_str(), target.c_str(), nullptr, MS_BIND,
              nullptr) != 0) {
    throw_errno(errno, "cannot provide name resolution");
  }
  return made;
}

}  // namespace

RootPartition find_root_partition(const Path& disk) {
  std::unique_ptr<disk::BlockReader> reader = disk::open_disk(disk);
  disk::PartitionTable table = disk::read_partitions(*reader);
  if (table.kind == disk::TableKind::none) return {0, reader->size_bytes()};
  const disk::Partition* best = nullptr;
  for (std::string_view type : {kGptRootX86, kGptLinux, kMbrLinux}) {
    for (const disk::Partition& partition : table.partitions) {
      if (partition.type != type) continue;
      if (best == nullptr || partition.size_bytes > best->size_bytes) best = &partition;
    }
    if (best != nullptr) return {best->offset_bytes, best->size_bytes};
  }
  throw Error(ErrorKind::corrupt, "no Linux partition on the disk{}{}",
              table.problems.empty() ? "" : ": ", join(table.problems, "; "))
      .hint("build this image with mode boot");
}

OfflineRoot::OfflineRoot(const Path& disk, const Path& target, ProcessNamespace& processes,
                         bool network)
    : target_(target) {
  RootPartition partition = find_root_partition(disk);
  make_directories(target_, 0700);
  std::string loop = fmt::format("loop,offset={},sizelimit={},noatime,nodev",
                                 partition.offset_bytes, partition.size_bytes);
  // Without barriers, because a builder whose host crashes is built again; a flush would cost a
  // disk access for every file that dpkg syncs.
  ProcessResult mounted =
      run_process({.argv = {"mount", "-t", "ext4", "-o", loop + ",barrier=0,discard", disk.string(),
                            target_.string()}});
  if (mounted.exit_code != 0) {
    mounted = run_process({.argv = {"mount", "-t", "xfs,btrfs,ext3,ext2", "-o", loop, disk.string(),
                                    target_.string()}});
  }
  if (mounted.exit_code != 0) {
    throw Error(ErrorKind::corrupt, "cannot mount the root file system: {}", trim(mounted.err))
        .hint("offline builds take ext and xfs on a plain partition; else choose build mode boot");
  }
  mounted_ = true;
  make_devices(target_);
  mount_inside(target_, "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_inside(target_, "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
  mount_inside(target_, "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  if (!open_inside(target_, "proc", O_PATH | O_DIRECTORY)) {
    throw Error(ErrorKind::corrupt, "the image has no directory /proc");
  }
  processes.mount_proc(target_ / "proc");
  if (network) {
    made_resolv_ =
        provide_name_resolution(target_, read_file_if_exists("/etc/resolv.conf").value_or(""));
  }
  made_policy_ = write_inside(target_, "usr/sbin/policy-rc.d", kPolicy, 0755, O_EXCL);
}

OfflineRoot::~OfflineRoot() {
  if (mounted_) ::umount2(target_.c_str(), MNT_DETACH);
}

void OfflineRoot::unmount(const Path& path) {
  // Something may still hold a file for a moment after its process was killed.
  for (int i = 0; i < 50; ++i) {
    if (::umount2(path.c_str(), 0) == 0) return;
    if (errno == EINVAL || errno == ENOENT) return;  // not mounted
    std::this_thread::sleep_for(100ms);
  }
  throw Error(ErrorKind::unavailable, "{} stays busy", path.string());
}

void OfflineRoot::close() {
  if (!mounted_) return;
  if (made_policy_) remove_inside(target_, "usr/sbin/policy-rc.d");
  ::umount2((target_ / "etc/resolv.conf").c_str(), UMOUNT_NOFOLLOW);
  if (made_resolv_) remove_inside(target_, "etc/resolv.conf");
  for (const char* below : {"dev/shm", "dev/pts", "dev", "sys", "run", "tmp", "proc"}) {
    unmount(target_ / below);
  }
  // Freed blocks become holes, so that neither old files nor their bytes end up in the image.
  ProcessResult trimmed = run_process({.argv = {"fstrim", target_.string()}});
  if (trimmed.exit_code != 0) log_info("fstrim: {}", trim(trimmed.err));
  unmount(target_);
  mounted_ = false;
}

}  // namespace hallmark::cloud::libvirt
