#include <algorithm>

#include "base/ids.h"
#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {

namespace {

// https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-reboot.html
constexpr int kRebootExitCode = 194;
// A script that never stops asking is a bug of the test.
constexpr int kMostReboots = 50;
// What a shell says of a process that was ended by SIGKILL.
constexpr int kKilledExitCode = 128 + 9;

bool is_on(MachineState state) {
  return state == MachineState::pending || state == MachineState::running ||
         state == MachineState::stopping;
}

}  // namespace

void MemoryCloud::check_launch(const Place& place, const MachineSpec& spec, std::stop_token stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before it began");
  Call call = world_->enter("check_launch", place);
  usable_image(call, place, spec.image_id);
  call.done();
}

std::string MemoryCloud::launch_machine(const Place& place, const MachineSpec& spec,
                                        const std::string& token, std::stop_token stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before it began");
  Call call = world_->enter("launch_machine", place);
  std::string key = fmt::format("launch_machine {} {}", to_string(place), token);
  if (auto made = call.state().tokens.find(key); made != call.state().tokens.end()) {
    std::string machine_id = made->second;
    call.done();
    return machine_id;
  }
  if (spec.kind == MachineKind::offline && !world_->options().offline_builds) {
    throw Error(ErrorKind::usage, "this cloud has no offline machines");
  }
  const MemoryImage& image = usable_image(call, place, spec.image_id);
  if (!may_use(call, image, place)) {
    throw Error(ErrorKind::denied, "{} may not use the keys of image {}", place.account_id,
                spec.image_id);
  }
  auto on = std::count_if(call.state().machines.begin(), call.state().machines.end(),
                          [&](const auto& entry) {
                            const Machine& machine = entry.second.machine;
                            return machine.region == place.region && is_on(machine.state);
                          });
  if (world_->options().machine_capacity && on >= *world_->options().machine_capacity) {
    throw Error(ErrorKind::unavailable, "no room for another machine in {}", place.region);
  }
  MemoryMachine record;
  record.machine.machine_id = random_id("i");
  record.machine.image_id = spec.image_id;
  record.machine.kind = spec.kind;
  record.machine.name = spec.name;
  record.machine.account_id = place.account_id;
  record.machine.region = place.region;
  // Machines of this cloud are far fewer than addresses.
  const std::size_t number = call.state().machines.size() + 1;
  record.machine.ip = fmt::format("10.0.{}.{}", number / 256 % 256, number % 256);
  record.machine.tags = spec.tags;
  record.machine.launched_at = call.now();
  record.disk = image.disk;
  record.deadline = spec.deadline;
  record.phase_began = call.now();
  std::string machine_id = record.machine.machine_id;
  call.state().machines[machine_id] = std::move(record);
  call.state().tokens[key] = machine_id;
  call.changed();
  call.done();
  return machine_id;
}

std::optional<Machine> MemoryCloud::find_machine(const Place& place,
                                                 const std::string& machine_id) {
  Call call = world_->enter("find_machine", place);
  auto found = call.state().machines.find(machine_id);
  std::optional<Machine> machine;
  if (found != call.state().machines.end()) machine = world_->look_at(call, found->second, place);
  call.done();
  return machine;
}

std::vector<Machine> MemoryCloud::list_machines(const Place& place, const MachineFilter& filter) {
  Call call = world_->enter("list_machines", place);
  std::vector<Machine> machines;
  for (auto& [id, record] : call.state().machines) {
    std::optional<Machine> machine = world_->look_at(call, record, place);
    if (!machine) continue;
    if (machine->state == MachineState::terminated && !filter.include_terminated) continue;
    if (matches(machine->tags, filter.tags, filter.tag_keys)) machines.push_back(*machine);
  }
  call.done();
  return machines;
}

MemoryMachine& MemoryCloud::visible_machine(Call& call, const Place& place,
                                            const std::string& machine_id) {
  auto found = call.state().machines.find(machine_id);
  if (found == call.state().machines.end() || !world_->look_at(call, found->second, place)) {
    throw Error(ErrorKind::not_found, "machine {} does not exist in {}", machine_id,
                to_string(place));
  }
  return found->second;
}

void MemoryCloud::stop_machine(const Place& place, const std::string& machine_id) {
  Call call = world_->enter("stop_machine", place);
  MemoryMachine& record = visible_machine(call, place, machine_id);
  if (record.machine.state == MachineState::terminated) {
    throw Error(ErrorKind::not_found, "machine {} is terminated", machine_id);
  }
  if (record.machine.state == MachineState::pending ||
      record.machine.state == MachineState::running) {
    world_->switch_off(call, record, MachineState::stopping, "asked to stop");
    call.changed();
  }
  call.done();
}

void MemoryCloud::remove_machine(const Place& place, const std::string& machine_id) {
  Call call = world_->enter("remove_machine", place);
  auto found = call.state().machines.find(machine_id);
  if (found != call.state().machines.end()) {
    MemoryMachine& record = found->second;
    bool here =
        record.machine.account_id == place.account_id && record.machine.region == place.region;
    if (here && record.machine.state != MachineState::terminated) {
      world_->switch_off(call, record, MachineState::terminated, "removed");
      call.changed();
    }
  }
  call.done();
}

// --- commands -----------------------------------------------------------------------------------

std::string MemoryCloud::start_command(const Place& place, const std::string& machine_id,
                                       const CommandSpec& spec, const std::string& token) {
  check_command(spec);
  Machine machine;
  std::string command_id;
  std::optional<Error> lost_answer;
  {
    Call call = world_->enter("start_command", place);
    std::string key = fmt::format("start_command {} {} {}", to_string(place), machine_id, token);
    if (auto made = call.state().tokens.find(key); made != call.state().tokens.end()) {
      command_id = made->second;
      call.done();
      return command_id;
    }
    machine = visible_machine(call, place, machine_id).machine;
    if (!machine.reachable) {
      throw Error(ErrorKind::unavailable, "machine {} ({}) cannot be reached", machine_id,
                  to_string(machine.state));
    }
    MemoryCommand record;
    record.command_id = command_id = random_id("cmd");
    record.machine_id = machine_id;
    record.executing = true;
    if (spec.time_limit > Duration::zero()) record.time_limit = call.now() + spec.time_limit;
    call.state().commands[command_id] = std::move(record);
    call.state().tokens[key] = command_id;
    call.changed();
    try {
      call.done();
    } catch (const Error& error) {
      lost_answer = error;
    }
  }
  execute(command_id, machine, spec);
  if (lost_answer) throw Error(*lost_answer);
  return command_id;
}

CommandStatus MemoryCloud::read_command(const Place& place, const std::string& machine_id,
                                        const std::string& command_id, std::uint64_t output_offset,
                                        Duration wait, std::stop_token stop) {
  CommandStatus status;
  std::optional<TimePoint> until;
  while (true) {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped while reading a command");
    std::optional<TimePoint> time_limit;
    bool executing = false;
    {
      // One call, however often it looks.
      Call call = until ? world_->enter() : world_->enter("read_command", place);
      MemoryCommand& record = command_in(call, place, machine_id, command_id);
      time_limit = record.time_limit;
      executing = record.executing;
      status = record.result;
      if (!record.executing) status.output = world_->output_of(command_id);
      if (status.state == CommandState::running && time_limit && call.now() >= *time_limit) {
        status.state = record.result.state = CommandState::timed_out;
        call.changed(false);
      }
      std::size_t shown = status.output.size();
      int slow = world_->options().command_looks;
      bool ends_by_itself = record.result.state == CommandState::finished;
      if (record.executing) {
        status.state = CommandState::running;
      } else if (ends_by_itself && record.looks < slow) {
        shown = shown * static_cast<std::size_t>(record.looks) / static_cast<std::size_t>(slow);
        ++record.looks;
        call.changed(false);
        status.state = CommandState::running;
        status.exit_code = -1;
      }
      std::size_t from = std::min<std::size_t>(output_offset, shown);
      status.output = status.output.substr(from, shown - from);
      status.output_offset = from + status.output.size();
      call.done();
      if (!until) until = call.now() + wait;
      if (!status.output.empty() || status.state != CommandState::running || call.now() >= *until ||
          (ends_by_itself && slow > 0)) {
        return status;
      }
    }
    // What an executor is at work on in another thread may end at any time; what hangs does so
    // until its time limit.
    constexpr Duration kLook = std::chrono::milliseconds(20);
    TimePoint next = *until;
    if (executing) next = std::min(next, world_->clock().now() + kLook);
    if (time_limit) next = std::min(next, *time_limit);
    if (!world_->clock().sleep_until(next, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while reading a command");
    }
  }
}

void MemoryCloud::cancel_command(const Place& place, const std::string& machine_id,
                                 const std::string& command_id) {
  Call call = world_->enter("cancel_command", place);
  MemoryCommand& record = command_in(call, place, machine_id, command_id);
  bool unfinished = record.executing || record.looks < world_->options().command_looks;
  if (record.result.state == CommandState::running ||
      (unfinished && record.result.state == CommandState::finished)) {
    record.result.state = CommandState::finished;
    record.result.exit_code = kKilledExitCode;
    record.executing = false;
    record.looks = world_->options().command_looks;
    call.changed();
  }
  call.done();
}

MemoryCommand& MemoryCloud::command_in(Call& call, const Place& place,
                                       const std::string& machine_id,
                                       const std::string& command_id) {
  visible_machine(call, place, machine_id);
  auto found = call.state().commands.find(command_id);
  if (found == call.state().commands.end() || found->second.machine_id != machine_id) {
    throw Error(ErrorKind::not_found, "machine {} has no command {}", machine_id, command_id);
  }
  return found->second;
}

void MemoryCloud::execute(const std::string& command_id, const Machine& machine,
                          const CommandSpec& spec) {
  CommandStatus result;
  int reboots = 0;
  std::string output;
  do {
    result = world_->options().execute(machine, spec);
    output += result.output;
  } while (result.state == CommandState::finished && result.exit_code == kRebootExitCode &&
           ++reboots < kMostReboots);
  result.output = std::move(output);
  if (result.output.size() > spec.output_limit_bytes) {
    result.output.resize(spec.output_limit_bytes);
    result.output_truncated = true;
  }
  world_->keep_output(command_id, std::exchange(result.output, {}));
  Call call = world_->enter();
  auto found = call.state().commands.find(command_id);
  // It may have been cancelled, or its machine switched off, meanwhile.
  if (found == call.state().commands.end() || !found->second.executing) return;
  found->second.executing = false;
  found->second.result = std::move(result);
  if (reboots > 0) {
    MemoryMachine& record = call.state().machines.at(machine.machine_id);
    record.machine.reachable = false;
    record.phase_looks = 0;
    record.phase_began = call.now();
  }
  call.changed(false);
  call.done();
}

}  // namespace hallmark::cloud
