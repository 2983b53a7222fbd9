#include <csignal>
#include <fstream>

#include "base/process.h"
#include "cloud/contract.h"
#include "cloud/hooks/faulty.h"
#include "cloud/hooks/hooked_cloud.h"
#include "cloud/hooks/limited.h"
#include "cloud/hooks/logged.h"
#include "cloud/hooks/retrying.h"
#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;

/// Runs scripts with this machine's shell, in which `sleep` ends the shell at once with a signal
/// that says "this one hangs", so that no test sleeps.
CommandStatus run_in_shell(const Path& directory, const CommandSpec& spec) {
  Path file = directory / "script";
  // Closed before the shell runs it, and not synced as write_file would: nothing is to last here.
  std::ofstream(file) << (spec.script.starts_with("#!")
                              ? ""
                              : "#!/bin/sh\nsleep() { kill -s USR1 $$; }\n")
                      << spec.script;
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::map<std::string, std::string> environment = spec.environment;
  environment.insert(spec.secrets.begin(), spec.secrets.end());
  CommandStatus status;
  ProcessSpec process{.argv = {"/bin/sh", "-c", "exec \"$0\" 2>&1", file.string()},
                      .environment = environment,
                      .time_limit = 20s,
                      .keep_bytes = 1};
  process.on_output = [&](std::string_view piece) { status.output += piece; };
  status.exit_code = run_process(process).exit_code;
  bool hangs = status.exit_code == 128 + SIGUSR1;
  status.state = hangs ? CommandState::running : CommandState::finished;
  return status;
}

struct Ground {
  TempDir directory;
  ManualClock clock{from_rfc3339("2026-11-22T17:05:01Z")};
  std::shared_ptr<MemoryWorld> world;
};

ContractSetup setup_on(std::shared_ptr<Ground> ground, MemoryOptions options) {
  Path directory = ground->directory.path();
  options.execute = [directory](const Machine&, const CommandSpec& spec) {
    return run_in_shell(directory, spec);
  };
  ground->world = std::make_shared<MemoryWorld>(ground->clock, options);
  Path disk = directory / "disk.raw";
  std::string bytes(1 << 17, 'x');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 512);
  std::ofstream(disk, std::ios::binary) << bytes;
  Ground* base = ground.get();
  return {.keep = ground,
          .open = [base] { return std::make_unique<MemoryCloud>(base->world); },
          .clock = &ground->clock,
          .home = {"111122223333", "us-east-1"},
          .away = {"111122223333", "eu-west-1"},
          .guest = {"444455556666", "us-east-1"},
          .disk_file = disk,
          .settle = [base] { base->clock.advance(1s); },
          .machine_directory = directory.string(),
          .deadline_after = 2min};
}

ContractSetup prompt() { return setup_on(std::make_shared<Ground>(), {}); }

MemoryOptions lag() {
  return {.find_lag = 2,
          .ready_looks = 2,
          .ready_after = 5s,
          .boot_looks = 2,
          .stop_looks = 2,
          .command_looks = 2};
}

ContractSetup lagging() {
  ContractSetup setup = setup_on(std::make_shared<Ground>(), lag());
  setup.looks = 3000;
  return setup;
}

/// Each Cloud object has a world of its own, and only the file in common.
ContractSetup in_a_file() {
  auto ground = std::make_shared<Ground>();
  MemoryOptions options = lag();
  options.state_file = ground->directory.path() / "world.json";
  ContractSetup setup = setup_on(ground, options);
  Ground* base = ground.get();
  setup.open = [base] {
    auto world = std::make_shared<MemoryWorld>(base->clock, base->world->options());
    return std::make_unique<MemoryCloud>(world);
  };
  return setup;
}

/// All hooks at once over a world that lags, throttles and loses answers.
ContractSetup hooked() {
  auto ground = std::make_shared<Ground>();
  MemoryOptions options = lag();
  options.calls_per_second = 2;
  options.call_burst = 3;
  ContractSetup setup = setup_on(ground, options);
  Ground* base = ground.get();
  std::vector<Fault> faults;
  for (std::string operation : {"import_image", "create_image", "copy_image", "find_image",
                                "launch_machine", "start_command", "read_command", "share_image"}) {
    faults.push_back({.operation = operation, .nth = 1, .moment = FaultMoment::before});
    faults.push_back({.operation = operation, .nth = 3, .moment = FaultMoment::after});
  }
  std::vector<std::shared_ptr<CallHook>> hooks = {
      std::make_shared<Logged>(base->clock),
      std::make_shared<Retrying>(base->clock, RetryPolicy{.attempts = 30, .total_time = 30min}, 1),
      std::make_shared<Limited>(base->clock, RateTable{.reading = {.burst = 10, .per_second = 10},
                                                       .mutating = {.burst = 5, .per_second = 5}}),
      std::make_shared<Faulty>(faults)};
  setup.open = [base, hooks] {
    return std::make_unique<HookedCloud>(std::make_shared<MemoryCloud>(base->world), hooks);
  };
  setup.looks = 3000;
  setup.deadline_after = 4h;
  setup.settle = [base] { base->clock.advance(10s); };
  return setup;
}

}  // namespace

INSTANTIATE_CLOUD_CONTRACT(Memory, {"prompt", prompt}, {"lagging", lagging},
                           {"in_a_file", in_a_file}, {"hooked", hooked});

}  // namespace hallmark::cloud
