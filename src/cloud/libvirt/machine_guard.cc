/// The guard of one machine: see machine_guard_main in libvirt_cloud.h.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/sync.h"
#include "cloud/libvirt/command_codec.h"
#include "cloud/libvirt/guard_socket.h"
#include "cloud/libvirt/guarded_machine.h"
#include "cloud/libvirt/libvirt_cloud.h"

namespace hallmark::cloud {
namespace libvirt {
namespace {

using namespace std::chrono_literals;

// Between two looks at the machine: how late its end may be noticed.
constexpr Duration kLookPause = 200ms;
// How long a clean shutdown may take before the machine is forced off.
constexpr Duration kStopLimit = 60s;

// Asking from here on gives a command's state without its output.
constexpr std::uint64_t kPastAnyOutput = std::uint64_t{1} << 40;

class Guard {
 public:
  Guard(Path directory, MachineRecord record, std::unique_ptr<GuardedMachine> machine)
      : directory_(std::move(directory)),
        record_(std::move(record)),
        machine_(std::move(machine)) {}

  void run() {
    std::optional<MachineStatus> before = read_machine_status(directory_);
    resuming_ = before && before->state != MachineState::pending;
    GuardSocket socket(directory_);
    std::jthread server([&](std::stop_token stop) {
      socket.serve([this](const Json& request) { return answer(request); }, stop);
    });
    if (before && before->state == MachineState::stopping) note_stop();
    try {
      if (!past_deadline()) {
        machine_->start(before);
        started_ = true;
        set_status(machine_->look());
      }
    } catch (const Error& e) {
      log_error("{}", e.full_text());
      destroy_quietly();
      set_status({MachineState::failed, e.full_text()});
      over_ = true;
      return;
    }
    while (!step()) {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kLookPause, [&] { return woken_; });
      woken_ = false;
    }
  }

 private:
  /// On the way out: what cannot be ended now must not keep the status from being written.
  void destroy_quietly() {
    try {
      machine_->destroy();
    } catch (const Error& e) {
      log_error("{}", e.full_text());
    }
  }

  bool past_deadline() const { return record_.deadline && clock_.now() >= *record_.deadline; }

  /// Returns whether the machine has come to its end.
  bool step() {
    if (terminate_asked_ || past_deadline()) {
      machine_->destroy();
      set_status({MachineState::terminated, terminate_asked_ ? "removed" : "its deadline passed"});
      // Whoever asked for the end also clears the directory away; at the deadline nobody else
      // would.
      if (!terminate_asked_) bury_machine(directory_, record_, "its deadline passed");
      return true;
    }
    MachineStatus status = machine_->look();
    if (stop_asked_ && status.state == MachineState::running) {
      status.state = MachineState::stopping;
      if (clock_.now() > stop_asked_at_.load() + kStopLimit) {
        machine_->destroy();
        status = {MachineState::stopped, "forced off: it did not shut down in time"};
      }
    }
    if (status.state == MachineState::failed) destroy_quietly();
    set_status(status);
    return status.state == MachineState::stopped || status.state == MachineState::failed;
  }

  void set_status(const MachineStatus& status) {
    auto known = status_.lock();
    if (known->state == status.state && known->reason == status.reason && written_) return;
    *known = status;
    written_ = true;
    write_machine_status(directory_, status);
  }

  Json answer(const Json& request) {
    std::string operation = member<std::string>(request, "operation");
    if (operation == "status") {
      MachineStatus status = *status_.lock();
      bool reachable = started_ && status.state == MachineState::running && machine_->reachable();
      return {{"state", std::string(to_string(status.state))},
              {"reason", status.reason},
              {"reachable", reachable}};
    }
    if (operation == "terminate") {
      terminate_asked_ = true;
      wake();
      return {};
    }
    // Finding a running machine again takes a moment; only a new one is worth coming back for.
    for (int i = 0; i < 200 && resuming_ && !started_ && !over_; ++i)
      std::this_thread::sleep_for(50ms);
    if (!started_) {
      throw Error(ErrorKind::unavailable, "machine {} is still starting", record_.machine_id);
    }
    if (operation == "stop") {
      if (note_stop()) {
        set_status({MachineState::stopping, ""});
        settle_commands();
        machine_->stop();
      }
      wake();
      return {};
    }
    std::string command_id = member<std::string>(request, "command_id");
    check_command_id(command_id);
    if (operation == "start_command") {
      if (stop_asked_) {
        throw Error(ErrorKind::unavailable, "machine {} is stopping", record_.machine_id);
      }
      machine_->start_command(command_id, command_spec_from(request));
      remember(command_id, {});
      return {};
    }
    if (operation == "read_command") {
      CommandStatus status =
          machine_->read_command(command_id, member<std::uint64_t>(request, "output_offset"));
      if (status.state != CommandState::running) remember(command_id, status);
      return to_json(status);
    }
    if (operation == "cancel_command") {
      machine_->cancel_command(command_id);
      return {};
    }
    throw Error(ErrorKind::usage, "a guard knows no operation \"{}\"", operation);
  }

  /// For those who ask when the machine is off.
  void remember(const std::string& command_id, CommandStatus status) {
    status.output.clear();
    std::string text = pretty(to_json(status));
    Path file = command_file(directory_, command_id);
    std::lock_guard lock(mutex_);
    std::optional<std::string> known = read_file_if_exists(file);
    bool starting = status.state == CommandState::running;
    if (known == text || (known && starting)) return;
    write_file(file, text);
  }

  /// Commands that ended without anybody having read so: nobody can ask for them later.
  void settle_commands() {
    std::error_code missing;
    for (const auto& entry :
         std::filesystem::directory_iterator(directory_ / "commands", missing)) {
      if (entry.path().extension() != ".json") continue;
      std::string command_id = entry.path().stem().string();
      try {
        CommandStatus known = command_status_from(parse_json(read_file(entry.path()), command_id));
        if (known.state != CommandState::running) continue;
        CommandStatus status = machine_->read_command(command_id, kPastAnyOutput);
        if (status.state != CommandState::running) remember(command_id, status);
      } catch (const Error& e) {
        log_info("command {}: {}", command_id, e.message());
      }
    }
  }

  /// Returns whether this is the first time.
  bool note_stop() {
    stop_asked_at_ = clock_.now();
    return !stop_asked_.exchange(true);
  }

  void wake() {
    std::lock_guard lock(mutex_);
    woken_ = true;
    wake_.notify_all();
  }

  Path directory_;
  MachineRecord record_;
  std::unique_ptr<GuardedMachine> machine_;
  SystemClock clock_;
  Sync<MachineStatus> status_;
  bool written_ = false;  // guarded by status_
  std::atomic<bool> started_ = false;
  std::atomic<bool> over_ = false;
  bool resuming_ = false;
  std::atomic<bool> terminate_asked_ = false;
  std::atomic<bool> stop_asked_ = false;
  std::atomic<TimePoint> stop_asked_at_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

/// Scripts must not see what the caller of hallmark had in the environment, secrets included.
void clean_environment() {
  const char* own_home = std::getenv("HOME");
  std::string home = ::geteuid() == 0 || own_home == nullptr ? "/root" : own_home;
  ::clearenv();
  ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  ::setenv("HOME", home.c_str(), 1);
  ::setenv("LANG", "C.UTF-8", 1);
}

}  // namespace
}  // namespace libvirt

int machine_guard_main(const std::vector<std::string>& arguments) {
  using namespace libvirt;
  if (arguments.size() != 1) return traits(ErrorKind::usage).exit_code;
  // Our parent waits for this process only; the guard itself becomes a child of init.
  if (::fork() != 0) ::_exit(0);
  Path directory = arguments[0];
  if (::chdir("/") != 0) return 1;
  clean_environment();
  ::signal(SIGPIPE, SIG_IGN);
  log_to_stderr(LogLevel::info);
  try {
    std::optional<FileLock> lock = FileLock::try_lock(guard_lock_file(directory));
    if (!lock) return 0;
    std::optional<MachineRecord> record = read_machine_record(directory);
    if (!record) return 0;
    ::prctl(PR_SET_NAME, "machine-guard");
    std::unique_ptr<GuardedMachine> machine = record->kind == MachineKind::boot
                                                  ? make_boot_machine(directory, *record)
                                                  : make_offline_machine(directory, *record);
    Guard(directory, *record, std::move(machine)).run();
    return 0;
  } catch (const Error& e) {
    log_error("{}", e.full_text());
    return traits(e.kind()).exit_code;
  }
}

}  // namespace hallmark::cloud
