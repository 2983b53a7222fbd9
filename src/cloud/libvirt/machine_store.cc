#include "cloud/libvirt/machine_store.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "cloud/libvirt/command_codec.h"
#include "cloud/libvirt/guard_socket.h"
#include "cloud/libvirt/image_files.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

// What a builder's disk may grow by before we refuse to start it: a package update and its caches.
constexpr std::uint64_t kWorkingSpaceBytes = 1u << 30;
// Memory the host keeps for itself.
constexpr std::uint64_t kHostMemoryKib = 256 * 1024;
// How long the tombstone of a removed machine is kept, as EC2 shows terminated instances.
constexpr Duration kTombstoneAge = 1h;
constexpr Duration kStatusTimeLimit = 10s;
// A guard that is starting has not opened its socket yet: the time it may take on a busy machine.
constexpr Duration kGuardStartLimit = 20s;

void require_memory(const MachineRecord& record) {
  if (record.kind == MachineKind::offline) return;
  std::ifstream meminfo("/proc/meminfo");
  std::string line;
  while (std::getline(meminfo, line)) {
    if (!line.starts_with("MemAvailable:")) continue;
    std::uint64_t available = std::stoull(line.substr(13));
    std::uint64_t needed = static_cast<std::uint64_t>(record.size.memory_mib) * 1024;
    if (available >= needed + kHostMemoryKib) return;
    throw Error(ErrorKind::unavailable,
                "no memory for a {} machine: {} MiB are free, {} MiB needed", record.size.name,
                available / 1024, (needed + kHostMemoryKib) / 1024)
        .hint("wait for another machine to end, or choose a smaller size");
  }
}

/// Short, because libvirt puts sockets there and their addresses have at most 108 bytes; and in a
/// place that a reboot of the host clears, as it ends the machines.
Path runtime_directory_for(const Path& directory) {
  Path base = "/run/hallmark";
  if (::geteuid() != 0) {
    const char* user_runtime = std::getenv("XDG_RUNTIME_DIR");
    base = user_runtime != nullptr && Path(user_runtime).string().size() < 30
               ? Path(user_runtime) / "hallmark"
               : Path(fmt::format("/tmp/hallmark-{}", ::geteuid()));
  }
  return base / id_from_token("m", directory.string()).substr(2);
}

/// Detached from us: a session of its own, our terminal's signals do not reach it, and no file of
/// ours stays open in it.
void start_guard(const std::vector<std::string>& command, const Path& directory) {
  std::vector<std::string> arguments = command;
  arguments.push_back(directory.string());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::string log = (directory / "guard.log").string();

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  int failure = ::posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), ::environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) throw_errno(failure, "cannot start a machine's guard");
  // The guard forks once more and its first process ends at once, so that it is nobody's child.
  ::waitpid(pid, nullptr, 0);
}

bool is_over(MachineState state) {
  return state == MachineState::stopped || state == MachineState::failed ||
         state == MachineState::terminated;
}

}  // namespace

Path MachineStore::directory(const Place& place, const std::string& machine_id) const {
  return layout_.machines(place) / machine_id;
}

std::optional<MachineRecord> MachineStore::read(const Place& place,
                                                const std::string& machine_id) const {
  Path at = directory(place, machine_id);
  if (!is_id(machine_id, "i")) return std::nullopt;
  std::optional<MachineRecord> record = read_machine_record(at);
  if (record && record->account_id != place.account_id) return std::nullopt;
  return record;
}

MachineRecord MachineStore::require(const Place& place, const std::string& machine_id) const {
  std::optional<MachineRecord> record = read(place, machine_id);
  if (record) return *record;
  throw Error(ErrorKind::not_found, "machine {} does not exist in {}", machine_id,
              to_string(place));
}

void MachineStore::clear_debris(const Place& place, const std::string& except_id) {
  std::vector<Path> debris;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(layout_.machines(place), missing)) {
    std::string id = entry.path().stem().string();
    if (!is_id(id, "i") || id == except_id) continue;
    if (entry.path().extension() == ".json") {
      auto age = std::filesystem::file_time_type::clock::now() - entry.last_write_time(missing);
      if (age > kTombstoneAge) debris.push_back(entry.path());
    } else if (!std::filesystem::exists(entry.path() / "machine.json") &&
               FileLock::try_lock(layout_.lock(place, id))) {
      debris.push_back(entry.path());
    }
  }
  for (const Path& path : debris) hallmark::remove_all(path);
}

std::string MachineStore::launch(const Place& place, const MachineSpec& spec,
                                 const Path& image_file, const std::string& token,
                                 std::stop_token stop) {
  std::string id = created_id("i", place, token);
  Path at = directory(place, id);
  FileLock making = lock_unless_stopped(layout_.lock(place, id), clock_, stop);
  std::string reason;
  if (read_machine_record(at) || read_tombstone(at, reason)) return id;
  clear_debris(place, id);

  if (spec.kind == MachineKind::offline && ::geteuid() != 0) {
    throw Error(ErrorKind::denied, "offline builds mount the disk, which takes root")
        .hint("run hallmark as root, or choose build mode boot");
  }
  MachineRecord record;
  record.machine_id = id;
  record.image_id = spec.image_id;
  record.kind = spec.kind;
  record.size = machine_size(spec.machine_size);
  record.name = spec.name;
  record.account_id = place.account_id;
  record.region = place.region;
  record.uri = uris_.contains(place.region) ? uris_.at(place.region) : "";
  record.runtime_directory = runtime_directory_for(at);
  record.deadline = spec.deadline;
  record.network = spec.network;
  record.tags = spec.tags;
  record.launched_at = clock_.now();

  hallmark::remove_all(at);
  make_directories(at, 0700);
  try {
    require_memory(record);
    require_space(at, kWorkingSpaceBytes);
    // A second name of the image's file: removing the image does not pull the disk from under us.
    copy_image_file(image_file, at / "base.qcow2", stop);
    if (record.kind == MachineKind::boot) create_overlay(at / "disk.qcow2", "base.qcow2", stop);
    write_machine_record(at, record);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(at, ignored);
    throw;
  }
  ensure_guard(at, record);
  return id;
}

void MachineStore::ensure_guard(const Path& directory, const MachineRecord& record) {
  // The guard holds this lock as long as it lives; whoever finds it held need not start another.
  if (!FileLock::try_lock(guard_lock_file(directory))) return;
  log_info("starting the guard of machine {}", record.machine_id);
  start_guard(guard_command_, directory);
}

Json MachineStore::ask(const Place& place, const std::string& machine_id, const Json& request,
                       Duration time_limit) {
  MachineRecord record = require(place, machine_id);
  Path at = directory(place, machine_id);
  auto until = std::chrono::steady_clock::now() + kGuardStartLimit;
  while (true) {
    std::optional<MachineStatus> status = read_machine_status(at);
    if (status && is_over(status->state)) {
      throw Error(ErrorKind::unavailable, "machine {} is {}", machine_id, to_string(status->state));
    }
    if (std::optional<Json> answer = ask_guard(at, request, time_limit)) return *answer;
    if (std::chrono::steady_clock::now() > until) {
      throw Error(ErrorKind::unavailable, "the guard of machine {} does not start", machine_id)
          .hint("see " + (at / "guard.log").string());
    }
    ensure_guard(at, record);
    std::this_thread::sleep_for(50ms);
  }
}

Machine MachineStore::look(const Path& directory, const MachineRecord& record) {
  MachineStatus status = read_machine_status(directory).value_or(MachineStatus{});
  if (is_over(status.state)) return to_machine(record, status);
  std::optional<Json> answer;
  try {
    answer = ask_guard(directory, {{"operation", "status"}}, kStatusTimeLimit);
  } catch (const Error& e) {
    log_info("machine {}: {}", record.machine_id, e.message());
  }
  if (!answer) {
    // It ended between the two looks, is starting, or was killed and is started anew here.
    status = read_machine_status(directory).value_or(status);
    if (!is_over(status.state)) ensure_guard(directory, record);
    return to_machine(record, status);
  }
  status.state = machine_state_from(member<std::string>(*answer, "state"));
  status.reason = member<std::string>(*answer, "reason");
  Machine machine = to_machine(record, status);
  machine.reachable = member<bool>(*answer, "reachable");
  return machine;
}

std::optional<Machine> MachineStore::find(const Place& place, const std::string& machine_id) {
  if (std::optional<MachineRecord> record = read(place, machine_id)) {
    Path at = directory(place, machine_id);
    Machine machine = look(at, *record);
    // Nobody watches the deadline of a machine that is off: its disk goes when somebody looks.
    bool due = record->deadline && SystemClock().now() >= *record->deadline;
    if (due && is_over(machine.state) && FileLock::try_lock(guard_lock_file(at))) {
      bury_machine(at, *record, "its deadline passed");
      machine = to_machine(*record, {MachineState::terminated, "its deadline passed"});
    }
    return machine;
  }
  if (!is_id(machine_id, "i")) return std::nullopt;
  std::string reason;
  std::optional<MachineRecord> gone = read_tombstone(directory(place, machine_id), reason);
  if (!gone || gone->account_id != place.account_id) return std::nullopt;
  return to_machine(*gone, {MachineState::terminated, reason});
}

std::vector<Machine> MachineStore::list(const Place& place, const MachineFilter& filter) {
  std::set<std::string> ids;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(layout_.machines(place), missing)) {
    ids.insert(entry.path().stem().string());
  }
  std::vector<Machine> found;
  for (const std::string& id : ids) {
    std::optional<Machine> machine = find(place, id);
    if (!machine || !matches(machine->tags, filter.tags, filter.tag_keys)) continue;
    if (machine->state == MachineState::terminated && !filter.include_terminated) continue;
    found.push_back(std::move(*machine));
  }
  return found;
}

void MachineStore::stop(const Place& place, const std::string& machine_id) {
  require(place, machine_id);
  try {
    ask(place, machine_id, {{"operation", "stop"}}, kStatusTimeLimit);
  } catch (const Error& e) {
    std::optional<MachineStatus> status = read_machine_status(directory(place, machine_id));
    if (!status || status->state != MachineState::stopped) throw;
  }
}

void MachineStore::remove(const Place& place, const std::string& machine_id) {
  if (!is_id(machine_id, "i") || !read(place, machine_id)) return;
  FileLock lock(layout_.lock(place, machine_id));
  std::optional<MachineRecord> record = read(place, machine_id);
  if (!record) return;
  Path at = directory(place, machine_id);
  std::optional<MachineStatus> status = read_machine_status(at);
  if (!status || !is_over(status->state)) {
    try {
      ask(place, machine_id, {{"operation", "terminate"}}, kGuardStartLimit);
    } catch (const Error& e) {
      // Its deadline, or an end by itself, may have come first; then there is nothing to end.
      status = read_machine_status(at);
      if (status && !is_over(status->state)) throw;
    }
  }
  FileLock guard = lock_unless_stopped(guard_lock_file(at), clock_, {});
  if (read(place, machine_id)) bury_machine(at, *record, "removed");
  hallmark::remove_all(guard_lock_file(at));
  hallmark::remove_all(layout_.lock(place, machine_id));
}

void MachineStore::change_tags(const Place& place, const std::string& machine_id,
                               const std::function<void(Tags&)>& change) {
  require(place, machine_id);
  FileLock lock(layout_.lock(place, machine_id));
  MachineRecord record = require(place, machine_id);
  change(record.tags);
  write_machine_record(directory(place, machine_id), record);
}

std::optional<CommandStatus> MachineStore::ended_command(const Place& place,
                                                         const std::string& machine_id,
                                                         const std::string& command_id) {
  require(place, machine_id);
  Path at = directory(place, machine_id);
  std::optional<MachineStatus> status = read_machine_status(at);
  if (!status || !is_over(status->state)) return std::nullopt;
  Path file = command_file(at, command_id);
  std::optional<std::string> text = read_file_if_exists(file);
  if (!text) throw Error(ErrorKind::not_found, "command {} does not exist", command_id);
  CommandStatus command = command_status_from(parse_json(*text, file.string()));
  if (command.state == CommandState::running) command.state = CommandState::interrupted;
  return command;
}

MachineStore::StoppedDisk MachineStore::stopped_disk(const Place& place,
                                                     const std::string& machine_id) {
  MachineRecord record = require(place, machine_id);
  Path at = directory(place, machine_id);
  std::optional<MachineStatus> status = read_machine_status(at);
  if (!status || status->state != MachineState::stopped) {
    throw Error(ErrorKind::conflict, "machine {} is not stopped", machine_id)
        .hint("stop it first and wait until it is");
  }
  if (record.kind == MachineKind::boot) return {at / "disk.qcow2", "qcow2", record.image_id};
  return {at / "disk.raw", "raw", record.image_id};
}

}  // namespace hallmark::cloud::libvirt
