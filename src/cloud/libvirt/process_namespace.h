#pragma once
/// A place for an offline machine's processes: a mount namespace of our own and a process namespace
/// below it. When the guard ends, by whatever cause, the kernel kills every process in it and
/// the mounts vanish with the last of them.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/files.h"

namespace hallmark::cloud::libvirt {

class ProcessNamespace {
 public:
  /// Takes this process into a mount namespace of its own and starts the first process of a process
  /// namespace. Call before any thread starts. Throws `denied` if that is not allowed.
  ProcessNamespace();
  /// Kills everything in it and waits until it is gone.
  ~ProcessNamespace();
  ProcessNamespace(const ProcessNamespace&) = delete;
  ProcessNamespace& operator=(const ProcessNamespace&) = delete;

  /// Mounts a /proc that shows this namespace's processes at `target`. Once.
  void mount_proc(const Path& target);
  /// The arguments that, put before a program's, run it in the namespace with `root` as its root.
  /// Without `network` it sees no network but its own loopback.
  std::vector<std::string> enter(const Path& root, bool network) const;
  /// Kills everything in it and waits. Afterwards nothing can be run.
  void end();

 private:
  FileDescriptor orders_;   ///< to the first process: where to mount /proc
  FileDescriptor reports_;  ///< from it
  pid_t parent_ = -1;       ///< the process that waits for the first one
  pid_t first_ = -1;        ///< as we see it
};

}  // namespace hallmark::cloud::libvirt
