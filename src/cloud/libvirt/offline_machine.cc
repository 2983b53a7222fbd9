/// A machine that never boots: its disk is mounted, and commands run in namespaces on it.

#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "cloud/libvirt/guarded_machine.h"
#include "cloud/libvirt/guest_commands.h"
#include "cloud/libvirt/image_files.h"
#include "cloud/libvirt/offline_root.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

/// One command: its files lie in `commands/<command id>/` as a guest has them, and a thread waits
/// for the shell script that looks after it.
struct RunningCommand {
  CommandSpec spec;
  Path directory;
  std::atomic<bool> ended = false;
  std::atomic<bool> cancelled = false;
  std::jthread thread;
};

class OfflineMachine : public GuardedMachine {
 public:
  OfflineMachine(const Path& directory, const MachineRecord& record)
      : directory_(directory), record_(record) {}

  void start(const std::optional<MachineStatus>& before) override {
    if (before && before->state != MachineState::pending) {
      throw Error(ErrorKind::failed, "the guard of offline machine {} was killed",
                  record_.machine_id)
          .hint("its disk is half-done: remove the machine and build again");
    }
    Path disk = directory_ / "disk.raw";
    hallmark::remove_all(disk);
    expand_disk(directory_ / "base.qcow2", disk, {});
    root_ = std::make_unique<OfflineRoot>(disk, directory_ / "root", processes_, record_.network);
    make_directories(root_->path() / "run/hallmark", 0700);
    log_info("machine {} is mounted", record_.machine_id);
  }

  MachineStatus look() override {
    std::lock_guard lock(mutex_);
    return {end_, reason_};
  }
  bool reachable() override { return root_ != nullptr && look().state == MachineState::running; }

  void stop() override {
    stopping_ = true;
    // Whoever asked does not wait for the unmounting; `look` tells when it is done.
    closer_ = std::jthread([this] {
      MachineState end = MachineState::stopped;
      std::string reason;
      try {
        end_commands();
        processes_.end();
        root_->close();
      } catch (const Error& e) {
        end = MachineState::failed;
        reason = e.full_text();
      }
      std::lock_guard lock(mutex_);
      end_ = end;
      reason_ = reason;
    });
  }

  void destroy() override {
    stopping_ = true;
    if (closer_.joinable()) closer_.join();
    end_commands();
    processes_.end();
    root_.reset();
  }

  void start_command(const std::string& command_id, const CommandSpec& spec) override {
    std::lock_guard lock(mutex_);
    if (stopping_)
      throw Error(ErrorKind::unavailable, "machine {} is stopping", record_.machine_id);
    if (commands_.contains(command_id)) return;
    auto command = std::make_unique<RunningCommand>();
    command->spec = spec;
    command->directory = directory_ / "commands" / command_id;
    write_file(command->directory / "out", "", 0600);
    write_file(command->directory / "script", spec.script, 0700);
    // What runs is a copy on the machine's /run, which is memory: nothing of it gets into the
    // image.
    Path copy = root_->path() / "run/hallmark" / command_id;
    write_file(copy, spec.script, 0700);
    ::chmod(copy.c_str(), 0700);
    RunningCommand* running = command.get();
    commands_[command_id] = std::move(command);
    running->thread = std::jthread([this, running, command_id] { run(*running, command_id); });
  }

  CommandStatus read_command(const std::string& command_id, std::uint64_t output_offset) override {
    RunningCommand& command = find(command_id);
    CommandStatus status;
    // Before the output, so that an ended command's output is all there.
    bool ended = command.ended;
    status.output = read_piece(command.directory / "out", output_offset);
    status.output_offset = output_offset + status.output.size();
    if (!ended || status.output.size() >= kOutputPieceBytes) return status;
    auto exists = [&](const char* name) {
      return std::filesystem::exists(command.directory / name);
    };
    std::optional<std::string> exit = read_file_if_exists(command.directory / "exit");
    status.output_truncated = exists("truncated");
    status.exit_code = exit ? std::stoi(*exit) : -1;
    status.state = CommandState::finished;
    if (!exit || (command.cancelled && stopping_)) status.state = CommandState::interrupted;
    if (exists("timed_out")) status.state = CommandState::timed_out;
    return status;
  }

  void cancel_command(const std::string& command_id) override { cancel(find(command_id)); }

 private:
  RunningCommand& find(const std::string& command_id) {
    std::lock_guard lock(mutex_);
    auto found = commands_.find(command_id);
    if (found == commands_.end()) {
      throw Error(ErrorKind::not_found, "command {} does not exist", command_id);
    }
    return *found->second;
  }

  static std::string read_piece(const Path& file, std::uint64_t offset);

  void run(RunningCommand& command, const std::string& command_id) {
    try {
      for (int reboots = 0; reboots <= kMaxReboots; ++reboots) {
        run_once(command, command_id);
        // There is nothing to reboot; what a script wants from it is to be run again.
        if (command.cancelled ||
            std::stoi(read_file(command.directory / "exit")) != kRebootExitCode) {
          break;
        }
      }
    } catch (const Error& e) {
      log_error("command {}: {}", command_id, e.full_text());
    }
    command.ended = true;
  }

  void run_once(RunningCommand& command, const std::string& command_id) {
    for (const char* old : {"exit", "pid"}) hallmark::remove_all(command.directory / old);
    // The environment may hold secrets: in memory, and gone when it was read.
    Path environment = root_->path() / "run/hallmark" / (command_id + ".environment");
    write_file(environment, environment_lines(command.spec), 0600);
    std::string inside = "/run/hallmark/" + command_id;
    ProcessSpec process;
    process.argv = {"sh",
                    "-c",
                    kCommandSupervisor,
                    "hallmark",
                    command.directory.string(),
                    environment.string(),
                    std::to_string(limit_seconds(command.spec)),
                    std::to_string(command.spec.output_limit_bytes),
                    inside};
    for (std::string& argument : processes_.enter(root_->path(), record_.network)) {
      process.argv.push_back(std::move(argument));
    }
    // Tells systemctl to touch files only: there is no systemd to speak to.
    process.environment = {{"SYSTEMD_OFFLINE", "1"}};
    run_process(process);
  }

  /// Ends the script's process group; the shell script then writes down how it ended.
  void cancel(RunningCommand& command) {
    command.cancelled = true;
    for (int i = 0; i < 50 && !command.ended; ++i) {
      if (std::optional<std::string> pid = read_file_if_exists(command.directory / "pid")) {
        // Asked first, forced after a second.
        if (!trim(*pid).empty()) ::kill(-std::stoi(*pid), i < 10 ? SIGTERM : SIGKILL);
      }
      std::this_thread::sleep_for(100ms);
    }
  }

  void end_commands() {
    std::vector<RunningCommand*> running;
    {
      std::lock_guard lock(mutex_);
      for (auto& [id, command] : commands_) running.push_back(command.get());
    }
    for (RunningCommand* command : running) {
      if (!command->ended) cancel(*command);
      if (command->thread.joinable()) command->thread.join();
    }
  }

  Path directory_;
  MachineRecord record_;
  ProcessNamespace processes_;
  std::unique_ptr<OfflineRoot> root_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  MachineState end_ = MachineState::running;
  std::string reason_;
  std::map<std::string, std::unique_ptr<RunningCommand>> commands_;
  std::jthread closer_;
};

std::string OfflineMachine::read_piece(const Path& file, std::uint64_t offset) {
  std::ifstream stream(file, std::ios::binary);
  std::string piece(kOutputPieceBytes, '\0');
  stream.seekg(static_cast<std::streamoff>(offset));
  stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  piece.resize(static_cast<std::size_t>(stream.gcount()));
  return piece;
}

}  // namespace

std::unique_ptr<GuardedMachine> make_offline_machine(const Path& directory,
                                                     const MachineRecord& record) {
  return std::make_unique<OfflineMachine>(directory, record);
}

}  // namespace hallmark::cloud::libvirt
