#pragma once
/// One machine under libvirt: the only file that speaks to libvirt. The embedded driver serves one
/// process per directory, so each machine has a directory of its own and one guard that opens it.

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "cloud/libvirt/machine_record.h"

namespace hallmark::cloud::libvirt {

/// The description of the machine for libvirt. `kvm`: with hardware help.
std::string domain_xml(const Path& directory, const MachineRecord& record, bool kvm);

/// Whether QEMU can use hardware virtualisation here. Asked of QEMU itself, because /dev/kvm may be
/// there and not work; the answer is kept until the host restarts.
bool kvm_works();

/// The embedded driver, run as root, insists that the user libvirt-qemu exists, though it then does
/// not use it. Where only half of libvirt is installed it does not, so this process gets a view of
/// /etc/passwd and /etc/group that has it. Call before any thread starts.
void provide_driver_user(const MachineRecord& record);

class Domain {
 public:
  /// Connects; touches no machine. Throws `unavailable`.
  Domain(const Path& directory, const MachineRecord& record);
  ~Domain();
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  bool exists();
  /// Throws `unavailable` if it cannot be started now.
  void create();
  /// Whether QEMU has halted it because its disk could not be written.
  bool halted_by_disk();
  /// How it ended, once `exists` is false: "shutdown", "crashed", "destroyed", "failed", or empty
  /// if we did not see it.
  std::string end();
  /// Asks the guest by ACPI.
  void press_power_button();
  /// Ends it at once; fine if it is gone.
  void destroy();
  /// One command to the guest agent, and its "return" member. Throws `unavailable` if the agent
  /// does not answer in time, `failed` if it says no.
  Json agent(const Json& command, Duration time_limit);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace hallmark::cloud::libvirt
