#include "cloud/memory/world.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "base/ids.h"

namespace hallmark::cloud {

namespace {

/// Not write_file: what ends in tests is a process, not the machine, so nothing needs syncing.
void write_unsynced(const Path& file, std::string_view content) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << content << std::flush;
  if (!out) throw Error(ErrorKind::unavailable, "cannot write {}", file.string());
}

}  // namespace

CommandStatus echo_script(const Machine&, const CommandSpec& spec) {
  return {.state = CommandState::finished, .exit_code = 0, .output = spec.script};
}

MemoryWorld::MemoryWorld(Clock& clock, MemoryOptions options)
    : clock_(clock),
      options_(std::move(options)),
      bucket_(options_.call_burst),
      bucket_filled_(clock.now()) {
  if (options_.state_file.empty()) {
    own_directory_.emplace();
    files_ = own_directory_->path();
  } else {
    files_ = options_.state_file.string() + ".files";
  }
  make_directories(files_ / "disks");
  make_directories(files_ / "outputs");
}

void MemoryWorld::fail(std::string operation, int nth, Error error, FailureMoment moment) {
  std::lock_guard lock(mutex_);
  failures_.emplace(std::move(operation), PlannedFailure{nth, std::move(error), moment});
}

void MemoryWorld::refuse_account(std::string account_id, Error error) {
  std::lock_guard lock(mutex_);
  refused_.insert_or_assign(std::move(account_id), std::move(error));
}

void MemoryWorld::fail_next_image(std::string reason) {
  std::lock_guard lock(mutex_);
  image_failure_ = std::move(reason);
}

void MemoryWorld::set_machine_capacity(std::optional<int> capacity) {
  std::lock_guard lock(mutex_);
  options_.machine_capacity = capacity;
}

void MemoryWorld::change_image(const std::string& image_id,
                               const std::function<void(Image&)>& change) {
  Call call = enter();
  auto found = state_.images.find(image_id);
  if (found == state_.images.end()) {
    throw Error(ErrorKind::not_found, "image {} does not exist", image_id);
  }
  change(found->second.image);
  call.changed(false);
  call.done();
}

void MemoryWorld::encrypt_image(const std::string& image_id, const std::string& key_id) {
  Call call = enter();
  auto found = state_.images.find(image_id);
  if (found == state_.images.end()) {
    throw Error(ErrorKind::not_found, "image {} does not exist", image_id);
  }
  found->second.key_ids.insert(key_id);
  call.changed(false);
  call.done();
}

void MemoryWorld::set_image_uses(const Place& place, std::vector<ImageUse> uses) {
  Call call = enter();
  image_uses_[place] = std::move(uses);
}

void MemoryWorld::leave_snapshot(const Place& place, const LooseSnapshot& snapshot) {
  Call call = enter();
  call.state().loose_snapshots[snapshot.snapshot_id] = {place, snapshot};
  call.changed(false);
  call.done();
}

void MemoryWorld::power_off(const std::string& machine_id) {
  Call call = enter();
  auto found = state_.machines.find(machine_id);
  if (found == state_.machines.end()) {
    throw Error(ErrorKind::not_found, "machine {} does not exist", machine_id);
  }
  switch_off(call, found->second, MachineState::stopped, "power failed");
  call.done();
}

int MemoryWorld::effects(std::string_view operation) {
  Call call = enter();
  auto found = state_.effects.find(std::string(operation));
  return found == state_.effects.end() ? 0 : found->second;
}

int MemoryWorld::calls(std::string_view operation) {
  std::lock_guard lock(mutex_);
  auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

std::vector<std::string> MemoryWorld::leftovers() {
  Call call = enter();
  pass_deadlines(call);
  call.done();
  std::vector<std::string> lines;
  for (const auto& [id, record] : state_.images) {
    lines.push_back(fmt::format("image {} \"{}\" in {}/{}", id, record.image.name,
                                record.image.owner_id, record.image.region));
  }
  for (const auto& [id, record] : state_.machines) {
    if (record.machine.state == MachineState::terminated) continue;
    lines.push_back(fmt::format("machine {} \"{}\" {} in {}/{}", id, record.machine.name,
                                to_string(record.machine.state), record.machine.account_id,
                                record.machine.region));
  }
  for (const auto& [place, parameters] : state_.parameters) {
    for (const auto& [name, parameter] : parameters) {
      lines.push_back(fmt::format("parameter {} in {}", name, to_string(place)));
    }
  }
  for (const auto& [id, record] : state_.templates) {
    for (const TemplateVersion& version : record.versions) {
      // The first one was there before anybody added to it.
      if (version.version == 1) continue;
      lines.push_back(fmt::format("version {} of launch template {} in {}", version.version,
                                  record.launch_template.name, to_string(record.place)));
    }
  }
  for (const auto& [grant, accounts] : state_.key_grants) {
    for (const std::string& account : accounts) {
      lines.push_back(fmt::format("key grant {} for {}", grant, account));
    }
  }
  for (const auto& [name, archive] : state_.archives) lines.push_back("archive " + name);
  for (const auto& [id, fast] : state_.fast_launches) {
    if (fast.state != FastLaunchState::off) lines.push_back("fast launch of " + id);
  }
  for (const auto& [id, loose] : state_.loose_snapshots) {
    lines.push_back(fmt::format("snapshot {} in {}", id, to_string(loose.place)));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void MemoryWorld::change_units(const std::function<void(UnitList&)>& change) {
  Call call = enter();
  change(state_.units);
  call.changed(false);
  call.done();
}

UnitList MemoryWorld::units() {
  Call call = enter();
  UnitList units = state_.units;
  call.done();
  return units;
}

std::string MemoryWorld::make_template(const Place& place, const std::string& name,
                                       const std::string& image_id) {
  Call call = enter();
  const std::string id = id_from_token("lt", to_string(place) + name);
  state_.templates.try_emplace(
      id,
      MemoryTemplate{
          .launch_template = {.template_id = id, .name = name, .tags = {}, .default_version = 1},
          .place = place,
          .versions = {{.version = 1, .image_id = image_id, .description = ""}},
          .newest_version = 1});
  call.changed(false);
  call.done();
  return id;
}

// --- one call -----------------------------------------------------------------------------------

MemoryWorld::Call::Call(MemoryWorld& world, std::string operation)
    : world_(world), operation_(std::move(operation)), lock_(world.mutex_) {
  const Path& file = world_.options_.state_file;
  if (file.empty()) return;
  file_lock_.emplace(file.string() + ".lock");
  world_.load();
}

void MemoryWorld::Call::changed(bool effect) {
  dirty_ = true;
  if (effect) ++world_.state_.effects[operation_];
}

void MemoryWorld::Call::done() {
  if (dirty_ && !world_.options_.state_file.empty()) world_.save();
  dirty_ = false;
  if (late_failure_) throw Error(*late_failure_);
}

MemoryWorld::Call MemoryWorld::enter(std::string operation, const Place& place) {
  Call call(*this, operation);
  ++calls_[operation];
  check_account_id(place.account_id);
  if (std::find(options_.regions.begin(), options_.regions.end(), place.region) ==
      options_.regions.end()) {
    throw Error(ErrorKind::usage, "this cloud has no region \"{}\"", place.region);
  }
  if (auto refused = refused_.find(place.account_id); refused != refused_.end()) {
    throw Error(refused->second);
  }
  throttle();
  pass_deadlines(call);
  for (auto [at, end] = failures_.equal_range(operation); at != end; ++at) {
    if (--at->second.calls_left > 0) continue;
    PlannedFailure failure = std::move(at->second);
    failures_.erase(at);
    if (failure.moment == FailureMoment::before) throw Error(failure.error);
    call.late_failure_ = std::move(failure.error);
    break;
  }
  return call;
}

MemoryWorld::Call MemoryWorld::enter() { return Call(*this, {}); }

void MemoryWorld::throttle() {
  if (options_.calls_per_second <= 0) return;
  TimePoint now = clock_.now();
  double passed = std::chrono::duration<double>(now - bucket_filled_).count();
  bucket_ = std::min(options_.call_burst, bucket_ + passed * options_.calls_per_second);
  bucket_filled_ = now;
  if (bucket_ < 1) throw Error(ErrorKind::throttled, "request limit exceeded");
  bucket_ -= 1;
}

void MemoryWorld::pass_deadlines(Call& call) {
  for (auto& [id, record] : state_.machines) {
    if (record.machine.state == MachineState::terminated || !record.deadline ||
        call.now() < *record.deadline) {
      continue;
    }
    switch_off(call, record, MachineState::terminated, "its deadline passed");
  }
}

// --- looks --------------------------------------------------------------------------------------

std::optional<Image> MemoryWorld::look_at(Call& call, MemoryImage& record, const Place& place) {
  const Image& stored = record.image;
  bool owned = stored.owner_id == place.account_id;
  if (stored.region != place.region ||
      (!owned && !is_recipient(state_.units, record.shares, place.account_id))) {
    return std::nullopt;
  }
  int settled_after = options_.find_lag + options_.ready_looks;
  if (record.looks <= settled_after) {
    ++record.looks;
    call.changed(false);
  }
  if (record.looks <= options_.find_lag) return std::nullopt;
  Image seen = stored;
  seen.is_encrypted = owned && !record.key_ids.empty();
  bool ready =
      record.looks > settled_after && call.now() >= stored.created_at + options_.ready_after;
  if (ready && record.failure.empty()) {
    seen.state = ImageState::available;
  } else if (ready) {
    seen.state = ImageState::failed;
    seen.state_reason = record.failure;
  }
  if (stored.state == ImageState::disabled) seen.state = ImageState::disabled;
  // As on AWS, tags are their owner's and do not travel with a share.
  if (!owned) seen.tags.clear();
  return seen;
}

std::optional<Machine> MemoryWorld::look_at(Call& call, MemoryMachine& record, const Place& place) {
  Machine& machine = record.machine;
  if (machine.region != place.region || machine.account_id != place.account_id) return std::nullopt;
  if (machine.state == MachineState::terminated) return machine;
  if (record.looks < options_.find_lag) {
    ++record.looks;
    call.changed(false);
    return std::nullopt;
  }
  auto next_phase = [&](MachineState state) {
    machine.state = state;
    record.phase_looks = 0;
    record.phase_began = call.now();
  };
  auto phase_lasted = [&](int looks, Duration time) {
    call.changed(false);
    return ++record.phase_looks > looks && call.now() >= record.phase_began + time;
  };
  if (machine.state == MachineState::pending &&
      phase_lasted(options_.ready_looks, options_.ready_after)) {
    next_phase(MachineState::running);
  }
  if (machine.state == MachineState::running && !machine.reachable &&
      phase_lasted(options_.boot_looks, Duration(0))) {
    machine.reachable = true;
  }
  if (machine.state == MachineState::stopping && phase_lasted(options_.stop_looks, Duration(0))) {
    next_phase(MachineState::stopped);
  }
  return machine;
}

void MemoryWorld::switch_off(Call& call, MemoryMachine& record, MachineState state,
                             std::string reason) {
  record.machine.state = state;
  record.machine.state_reason = std::move(reason);
  record.machine.reachable = false;
  record.phase_looks = 0;
  record.phase_began = call.now();
  for (auto& [id, command] : state_.commands) {
    if (command.machine_id != record.machine.machine_id) continue;
    bool hangs = command.result.state == CommandState::running;
    bool unfinished = command.executing || command.looks < options_.command_looks;
    if (hangs || unfinished) {
      command.result.state = CommandState::interrupted;
      command.result.exit_code = -1;
      command.executing = false;
    }
  }
  call.changed(false);
  if (state == MachineState::terminated) {
    record.disk.clear();
    drop_unused_disks(call);
  }
}

// --- disks and the file -------------------------------------------------------------------------

std::string MemoryWorld::keep_disk(const Path& file) {
  std::string disk = random_id("disk");
  std::error_code error;
  std::filesystem::copy_file(file, disk_path(disk), error);
  if (error) throw_errno(error.value(), fmt::format("copying {}", file.string()));
  return disk;
}

void MemoryWorld::drop_unused_disks(Call& call) {
  std::set<std::string> used;
  for (const auto& [id, record] : call.state().images) used.insert(record.disk);
  for (const auto& [id, record] : call.state().machines) used.insert(record.disk);
  for (const auto& [name, archive] : call.state().archives) used.insert(archive.image.disk);
  for (const auto& entry : std::filesystem::directory_iterator(files_ / "disks")) {
    if (!used.contains(entry.path().filename().string())) hallmark::remove_all(entry.path());
  }
}

std::string MemoryWorld::output_of(const std::string& command_id) const {
  return read_file_if_exists(files_ / "outputs" / command_id).value_or("");
}

void MemoryWorld::keep_output(const std::string& command_id, std::string_view output) {
  write_unsynced(files_ / "outputs" / command_id, output);
}

std::string MemoryWorld::take_image_failure() { return std::exchange(image_failure_, {}); }

void MemoryWorld::load() {
  std::optional<std::string> text = read_file_if_exists(options_.state_file);
  if (!text) return;
  if (kept_text_ != text) {
    kept_ = world_state_from_json(parse_json(*text, options_.state_file.string()));
    kept_text_ = std::move(*text);
  }
  state_ = kept_;
}

void MemoryWorld::save() {
  Path fresh = options_.state_file.string() + ".new";
  std::string text = compact(world_state_to_json(state_));
  write_unsynced(fresh, text);
  std::filesystem::rename(fresh, options_.state_file);
  kept_ = state_;
  kept_text_ = std::move(text);
}

}  // namespace hallmark::cloud
