#pragma once
/// The disk of an offline machine, mounted so that commands can run in it: where its root file
/// system lies, and what a root needs around it (/dev, /proc, /run, name resolution).

#include <cstdint>

#include "base/files.h"
#include "cloud/libvirt/process_namespace.h"

namespace hallmark::cloud::libvirt {

struct RootPartition {
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
};

/// The partition that holds the root file system of the disk: the one that says so, else the
/// largest that may hold Linux, else the whole disk. Throws `corrupt`.
RootPartition find_root_partition(const Path& disk);

class OfflineRoot {
 public:
  /// Mounts the raw disk at `target`. Throws `corrupt` if there is no Linux on it. `network`:
  /// whether names should resolve.
  OfflineRoot(const Path& disk, const Path& target, ProcessNamespace& processes, bool network);
  ~OfflineRoot();
  OfflineRoot(const OfflineRoot&) = delete;
  OfflineRoot& operator=(const OfflineRoot&) = delete;

  const Path& path() const { return target_; }
  /// Undoes what was put on the disk, gives unused blocks back and unmounts. To be called when no
  /// process of the machine is left. Throws `unavailable` if it stays busy.
  void close();

 private:
  void unmount(const Path& path);

  Path target_;
  bool mounted_ = false;
  bool made_policy_ = false;
  bool made_resolv_ = false;
};

}  // namespace hallmark::cloud::libvirt
