#pragma once
/// What a guard looks after: a machine under libvirt or an offline one. All calls may come from
/// several threads at once, after `start` has returned.

#include <memory>
#include <string>

#include "cloud/cloud.h"
#include "cloud/libvirt/machine_record.h"

namespace hallmark::cloud::libvirt {

class GuardedMachine {
 public:
  virtual ~GuardedMachine() = default;

  /// Brings the machine up, or finds it again if an earlier guard did and was killed: `before` is
  /// what that one wrote down. Throws if that cannot be; the machine then is `failed`.
  virtual void start(const std::optional<MachineStatus>& before) = 0;
  /// How it stands; called a few times a second.
  virtual MachineStatus look() = 0;
  /// Commands can be started now.
  virtual bool reachable() = 0;
  /// Asks for a clean end; `look` says when it has come.
  virtual void stop() = 0;
  /// Ends it at once. Nothing of it may remain on the host but the files in its directory.
  virtual void destroy() = 0;

  /// As cloud::Commands says. `start_command` with a known id changes nothing.
  virtual void start_command(const std::string& command_id, const CommandSpec& spec) = 0;
  virtual CommandStatus read_command(const std::string& command_id,
                                     std::uint64_t output_offset) = 0;
  virtual void cancel_command(const std::string& command_id) = 0;
};

/// `directory` is the machine's.
std::unique_ptr<GuardedMachine> make_boot_machine(const Path& directory,
                                                  const MachineRecord& record);
/// Call before any thread starts: it takes the process into namespaces of its own.
std::unique_ptr<GuardedMachine> make_offline_machine(const Path& directory,
                                                     const MachineRecord& record);

// A script that asks for one reboot after another would never end.
constexpr int kMaxReboots = 10;
constexpr int kRebootExitCode = 194;
// Most of a command's output in one answer; a reader asks again for the rest.
constexpr std::uint64_t kOutputPieceBytes = 2u << 20;

}  // namespace hallmark::cloud::libvirt
