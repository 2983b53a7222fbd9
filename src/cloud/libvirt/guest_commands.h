#pragma once
/// Commands in a running machine. Each is looked after by a small shell script inside the guest, so
/// that it goes on whoever of us dies; its files lie in /var/lib/hallmark/commands/<command id>/
/// there:
///   script, out, boot (the guest's boot id at the start), exit, timed_out, truncated
/// The environment may hold secrets: it goes through the agent's stdin into a file on /run (memory)
/// that is removed as soon as it was read. `remove_traces` leaves nothing of this on the disk.

#include <chrono>
#include <map>
#include <mutex>

#include "cloud/cloud.h"
#include "cloud/libvirt/guest_agent.h"

namespace hallmark::cloud::libvirt {

class GuestCommands {
 public:
  /// At `deadline` the machine switches itself off, even if nobody speaks to it any more: see arm.
  GuestCommands(GuestAgent& agent, std::optional<TimePoint> deadline)
      : agent_(agent), deadline_(deadline) {}

  void start(const std::string& command_id, const CommandSpec& spec);
  /// Also carries out reboots that scripts asked for: as long as somebody reads a command, it goes
  /// on.
  CommandStatus read(const std::string& command_id, std::uint64_t output_offset);
  void cancel(const std::string& command_id);
  /// Sets the guest's own timer; once after each of its starts.
  void arm();
  /// Removes all that commands left in the guest, gives unused blocks back, and powers it off.
  void remove_traces_and_power_off();

 private:
  struct Known {
    CommandSpec spec;
    int reboots = 0;
    bool rebooting = false;
    std::string boot_before;  ///< of the reboot under way
    std::chrono::steady_clock::time_point next_boot_look{};
  };
  void launch(const std::string& command_id, const CommandSpec& spec, bool again);
  std::string boot_id();
  bool carry_out_reboot(const std::string& command_id);

  GuestAgent& agent_;
  std::optional<TimePoint> deadline_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

/// Looks after one command; a shell script that runs in a guest, or here for an offline machine.
/// Arguments: the command's directory with `script` and `out` in it, the file with the environment,
/// the time limit in seconds (0: none), the output limit in bytes, the script's path for whoever
/// runs it, and what to put before that path. It ends when the script has ended, and leaves `exit`
/// behind.
extern const char* const kCommandSupervisor;
/// The environment as the supervisor wants it.
std::string environment_lines(const CommandSpec& spec);
/// Rounded up: sleep counts in seconds everywhere, in fractions only with GNU's.
std::int64_t limit_seconds(const CommandSpec& spec);

}  // namespace hallmark::cloud::libvirt
