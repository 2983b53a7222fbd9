/// A machine that runs its image under libvirt.

#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "cloud/libvirt/domain.h"
#include "cloud/libvirt/guarded_machine.h"
#include "cloud/libvirt/guest_commands.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

// A guest that has answered is asked again only so often: a ping keeps other agent calls waiting.
constexpr Duration kPingPause = 5s;

class BootMachine : public GuardedMachine {
 public:
  BootMachine(const Path& directory, const MachineRecord& record)
      : directory_(directory),
        record_(record),
        agent_(
            [this](const Json& command, Duration limit) { return domain_->agent(command, limit); }),
        commands_(agent_, record.deadline) {}

  void start(const std::optional<MachineStatus>& before) override {
    domain_ = std::make_unique<Domain>(directory_, record_);
    if (domain_->exists()) {
      log_info("found machine {} running", record_.machine_id);
      // libvirt takes a moment to reconnect to an agent; who waits for a command should not notice.
      for (int i = 0; i < 20 && !agent_.answers(); ++i) std::this_thread::sleep_for(200ms);
      return;
    }
    if (before && before->state == MachineState::stopping) return;  // look() says stopped
    if (before && before->state != MachineState::pending) {
      throw Error(ErrorKind::failed, "machine {} is gone without having been stopped",
                  record_.machine_id)
          .hint("the host was restarted, or its QEMU was killed: see console.log");
    }
    domain_->create();
  }

  MachineStatus look() override {
    if (domain_->halted_by_disk()) {
      return {MachineState::failed, "its disk cannot be written: the file system of " +
                                        directory_.string() + " is full or failing"};
    }
    if (domain_->exists()) return {MachineState::running, ""};
    std::string end = domain_->end();
    if (end == "crashed" || end == "failed") return {MachineState::failed, "QEMU " + end};
    return {MachineState::stopped, ""};
  }

  bool reachable() override {
    std::lock_guard lock(ping_mutex_);
    auto now = std::chrono::steady_clock::now();
    if (answered_ && now < answered_at_ + kPingPause) return true;
    answered_ = agent_.answers();
    answered_at_ = now;
    if (answered_ && !armed_) {
      commands_.arm();
      armed_ = true;
    }
    return answered_;
  }

  void stop() override {
    try {
      commands_.remove_traces_and_power_off();
    } catch (const Error& e) {
      log_info("stopping without the agent: {}", e.message());
      domain_->press_power_button();
    }
  }

  void destroy() override {
    if (domain_) domain_->destroy();
  }

  void start_command(const std::string& command_id, const CommandSpec& spec) override {
    if (!reachable()) {
      throw Error(ErrorKind::unavailable, "machine {} is not reachable yet", record_.machine_id);
    }
    commands_.start(command_id, spec);
  }
  CommandStatus read_command(const std::string& command_id, std::uint64_t output_offset) override {
    return commands_.read(command_id, output_offset);
  }
  void cancel_command(const std::string& command_id) override { commands_.cancel(command_id); }

 private:
  Path directory_;
  MachineRecord record_;
  std::unique_ptr<Domain> domain_;
  GuestAgent agent_;
  GuestCommands commands_;
  std::mutex ping_mutex_;
  bool answered_ = false;
  bool armed_ = false;
  std::chrono::steady_clock::time_point answered_at_{};
};

}  // namespace

std::unique_ptr<GuardedMachine> make_boot_machine(const Path& directory,
                                                  const MachineRecord& record) {
  provide_driver_user(record);
  return std::make_unique<BootMachine>(directory, record);
}

}  // namespace hallmark::cloud::libvirt
