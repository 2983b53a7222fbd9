#include "app/machine_checks.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "app/server_checks.h"
#include "base/process.h"
#include "base/text.h"

namespace hallmark::app {

using namespace std::chrono_literals;
using cli::MachineCheck;

namespace {

/// A probe that takes longer hangs.
constexpr Duration kProbeLimit = 10s;
/// A source image, its overlay, the candidate and two regional copies of a small Debian.
constexpr std::uintmax_t kWantedBytes = 8ull << 30;

struct Need {
  const char* program;
  const char* package;
  const char* what_for;
};

constexpr Need kNeeds[] = {
    {"qemu-system-x86_64", "qemu-system-x86", "runs machines"},
    {"qemu-img", "qemu-utils", "makes and copies disks"},
    {"mmdebstrap", "mmdebstrap", "makes source images"},
    {"sfdisk", "fdisk", "partitions source images"},
    {"mke2fs", "e2fsprogs", "makes their file system"},
    {"grub-mkimage", "grub-common", "makes them bootable"},
    {"unshare", "util-linux", "keeps offline builds apart"},
};
constexpr Need kGpgv = {"gpgv", "gpgv", "checks advisories"};

MachineCheck check_program(const Need& need) {
  MachineCheck check{.name = need.program};
  if (auto found = find_program(need.program)) {
    check.state = "ok";
    check.detail = found->string() + ", " + need.what_for;
  } else {
    check.state = "missing";
    check.detail = std::string("not found; it ") + need.what_for;
    check.way_out = std::string("apt-get install ") + need.package;
  }
  return check;
}

/// It is loaded when a machine is first wanted, so nothing says before that it is not there.
MachineCheck check_libvirt() {
  MachineCheck check{.name = "libvirt", .state = "ok"};
  if (::dlopen("libvirt-qemu.so.0", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE) == nullptr) {
    check.state = "missing";
    check.detail = "the library cannot be loaded";
    check.way_out = "apt-get install libvirt0";
    return check;
  }
  const Path drivers = "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver";
  if (!std::filesystem::exists(drivers / "libvirt_driver_qemu.so")) {
    check.state = "missing";
    check.detail = "its QEMU driver is not in " + drivers.string();
    check.way_out = "apt-get install libvirt-daemon-driver-qemu";
    return check;
  }
  check.detail = "the library and its QEMU driver are there";
  return check;
}

MachineCheck check_qemu(std::stop_token stop) {
  MachineCheck check{.name = "QEMU version", .state = "missing", .detail = "QEMU is not there"};
  if (!find_program("qemu-system-x86_64")) {
    check.way_out = "apt-get install qemu-system-x86";
    return check;
  }
  ProcessResult result =
      run_process({.argv = {"qemu-system-x86_64", "--version"}, .time_limit = kProbeLimit}, stop);
  check.state = result.exit_code == 0 ? "ok" : "missing";
  check.detail = split(result.exit_code == 0 ? result.out : result.err, '\n').front();
  if (result.exit_code != 0) check.way_out = "apt-get install --reinstall qemu-system-x86";
  return check;
}

/// /dev/kvm may be there and yet be of no use, so QEMU is asked to start with it.
MachineCheck check_kvm(std::stop_token stop) {
  MachineCheck check{.name = "KVM", .state = "warning"};
  check.way_out =
      "machines run under emulation (TCG), several times slower; offline builds do not mind";
  if (::access("/dev/kvm", F_OK) != 0) {
    check.detail = "there is no /dev/kvm";
    return check;
  }
  if (::access("/dev/kvm", R_OK | W_OK) != 0) {
    check.detail = "/dev/kvm may not be used by this user";
    check.way_out = "as root: usermod --append --groups kvm USER, then log in again";
    return check;
  }
  if (!find_program("qemu-system-x86_64")) {
    check.detail = "/dev/kvm is there, but no QEMU to try it";
    return check;
  }
  ProcessResult result =
      run_process({.argv = {"qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "16",
                            "-nodefaults", "-nographic", "-monitor", "stdio", "-S"},
                   .stdin_text = "quit\n",
                   .time_limit = kProbeLimit},
                  stop);
  if (result.exit_code == 0) {
    check.state = "ok";
    check.detail = "hardware virtualisation works";
    check.way_out.clear();
  } else {
    check.detail = "/dev/kvm is there but does not work: " +
                   split(std::string(trim(result.err)), '\n').front();
  }
  return check;
}

/// Whether /etc/subuid gives the user ids to hand to a machine's files.
bool has_subordinate_ids() {
  const passwd* entry = ::getpwuid(::geteuid());
  const std::string name = entry == nullptr ? "" : entry->pw_name;
  for (const std::string& line : split(read_file_if_exists("/etc/subuid").value_or(""), '\n')) {
    if (line.starts_with(name + ":") || line.starts_with(std::to_string(::geteuid()) + ":")) {
      return true;
    }
  }
  return false;
}

MachineCheck check_namespaces(std::stop_token stop) {
  MachineCheck check{.name = "namespaces", .state = "ok"};
  if (::geteuid() == 0) {
    ProcessResult result = run_process(
        {.argv = {"unshare", "--mount", "--pid", "--fork", "true"}, .time_limit = kProbeLimit},
        stop);
    check.detail = "running as root, with mount and pid namespaces";
    if (result.exit_code != 0) {
      check.state = "missing";
      check.detail = std::string(trim(result.err));
      check.way_out = "run in a container with CAP_SYS_ADMIN, or build with mode: boot";
    }
    return check;
  }
  ProcessResult result =
      run_process({.argv = {"unshare", "--user", "--map-root-user", "--mount", "true"},
                   .time_limit = kProbeLimit},
                  stop);
  check.detail = "an ordinary user may make user namespaces";
  if (result.exit_code != 0) {
    check.state = "missing";
    check.detail = "user namespaces do not work: " + std::string(trim(result.err));
    check.way_out = "as root: sysctl kernel.unprivileged_userns_clone=1";
  } else if (!find_program("newuidmap") || !has_subordinate_ids()) {
    check.state = "missing";
    check.detail = find_program("newuidmap")
                       ? "this user has no subordinate ids in /etc/subuid"
                       : "newuidmap is not there: subordinate ids cannot be used";
    check.way_out =
        "as root: apt-get install uidmap; usermod --add-subuids 100000-165535 "
        "--add-subgids 100000-165535 USER";
  }
  return check;
}

MachineCheck check_space(const Path& state) {
  Path there = state;
  while (!std::filesystem::exists(there) && there.has_parent_path() &&
         there != there.parent_path()) {
    there = there.parent_path();
  }
  std::uintmax_t available = std::filesystem::space(there).available;
  MachineCheck check{.name = "disk space", .state = "ok"};
  check.detail = format_size(available) + " free for " + state.string();
  if (available < kWantedBytes) {
    check.state = "warning";
    check.way_out = "some " + format_size(kWantedBytes) +
                    " are used by a build; name a directory with more: --state DIR";
  }
  return check;
}

}  // namespace

std::vector<MachineCheck> examine_machine(const Path& state, std::stop_token stop) {
  Config config;
  std::vector<MachineCheck> checks = {check_config(state, config)};
  if (checks.front().state == "ok") checks.push_back(check_database(config));
  checks.push_back(check_state_directory(state));
  checks.push_back(check_space(state));
  checks.push_back(check_clock());
  checks.push_back(check_program(kGpgv));
  // On AWS the machines are Amazon's; `hallmark aws preflight` looks at the account.
  if (config.cloud.kind == "aws") return checks;
  checks.push_back(check_libvirt());
  checks.push_back(check_qemu(stop));
  checks.push_back(check_kvm(stop));
  for (const Need& need : kNeeds) checks.push_back(check_program(need));
  if (find_program("unshare")) checks.push_back(check_namespaces(stop));
  return checks;
}

}  // namespace hallmark::app
