#include "cloud/libvirt/process_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "base/error.h"

namespace hallmark::cloud::libvirt {
namespace {

struct Pipe {
  FileDescriptor read, write;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) throw_errno(errno, "cannot create a pipe");
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
};

/// The namespace's first process: mounts /proc where it is told to, then only reaps.
[[noreturn]] void be_first(int orders, int reports) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "offline-init");
  char target[PATH_MAX] = {};
  if (::read(orders, target, sizeof target - 1) <= 0) ::_exit(0);
  int failure =
      ::mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 ? 0 : errno;
  if (::write(reports, &failure, sizeof failure) != sizeof failure) ::_exit(1);
  while (true) {
    if (::wait(nullptr) < 0 && errno == ECHILD) ::usleep(100'000);
  }
}

}  // namespace

ProcessNamespace::ProcessNamespace() {
  if (::unshare(CLONE_NEWNS) != 0) {
    throw Error(ErrorKind::denied, "offline builds mount disks: {}", std::strerror(errno))
        .hint("run as root, or choose build mode boot");
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    throw_errno(errno, "cannot make our mounts private");
  }
  Pipe orders, reports;
  parent_ = ::fork();
  if (parent_ < 0) throw_errno(errno, "cannot start the namespace's first process");
  if (parent_ == 0) {
    // A process cannot move into a process namespace, only its children are born there.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
    pid_t first = ::fork();
    if (first == 0) {
      orders.write.reset();
      be_first(orders.read.get(), reports.write.get());
    }
    if (::write(reports.write.get(), &first, sizeof first) != sizeof first) ::_exit(1);
    orders.read.reset();
    orders.write.reset();
    ::waitpid(first, nullptr, 0);
    ::_exit(0);
  }
  reports.write.reset();
  if (::read(reports.read.get(), &first_, sizeof first_) != sizeof first_) {
    ::waitpid(parent_, nullptr, 0);
    throw Error(ErrorKind::denied, "offline builds need a process namespace of their own")
        .hint("run as root, or choose build mode boot");
  }
  orders_ = std::move(orders.write);
  reports_ = std::move(reports.read);
}

ProcessNamespace::~ProcessNamespace() { end(); }

void ProcessNamespace::mount_proc(const Path& target) {
  std::string text = target.string();
  int failure = EIO;
  if (::write(orders_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::read(reports_.get(), &failure, sizeof failure) != sizeof failure || failure != 0) {
    throw_errno(failure, "cannot mount " + text);
  }
}

std::vector<std::string> ProcessNamespace::enter(const Path& root, bool network) const {
  std::vector<std::string> arguments = {"nsenter", "--target", std::to_string(first_), "--pid",
                                        "--"};
  if (!network) arguments.insert(arguments.end(), {"unshare", "--net", "--"});
  arguments.insert(arguments.end(), {"chroot", root.string()});
  return arguments;
}

void ProcessNamespace::end() {
  if (parent_ <= 0) return;
  // The kernel takes everything in a process namespace along with its first process.
  ::kill(first_, SIGKILL);
  ::waitpid(parent_, nullptr, 0);
  parent_ = -1;
}

}  // namespace hallmark::cloud::libvirt
