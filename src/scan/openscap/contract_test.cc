#include "scan/openscap/fixture.h"
#include "scan/scanner_contract.h"

namespace hallmark::scan {
namespace {

struct World {
  openscap::LocalMachine machine;
  ManualClock clock{from_rfc3339("2026-11-22T10:00:00Z")};
};

ScannerSetup make_setup() {
  auto world = std::make_shared<World>();
  World& in = *world;
  OpenscapConfig config{.content = openscap::testdata("sample-ds.xml"), .profile = "stig"};
  ScannerSetup setup;
  setup.keep = world;
  setup.clock = &world->clock;
  setup.open = [&in, config] {
    return make_openscap_scanner(config, in.machine.commands(), in.clock);
  };
  setup.open_denied = [&in, config] {
    MachineCommands commands = in.machine.commands();
    commands.check = [] { throw Error(ErrorKind::denied, "no permission for commands"); };
    commands.start = [](const ScanTarget&, const std::string&, Duration) -> std::string {
      throw Error(ErrorKind::denied, "no permission for commands");
    };
    return make_openscap_scanner(config, commands, in.clock);
  };
  setup.target = {.title = "hallmark run-1 web", .machine_id = "i-0c0ffee0000000001"};
  setup.set_machine = [&in](MachineIs state) {
    in.machine.dead = state == MachineIs::dead;
    // There is no login; but a command may be started as somebody who may not see everything.
    if (state == MachineIs::blind) in.machine.add_program("id", "#!/bin/sh\necho 1000\n");
  };
  setup.never_end = [&in] { in.machine.never_ends = true; };
  setup.lose_launch_answer = [&in] { in.machine.lose_answer = true; };
  setup.launches = [&in] { return in.machine.starts; };
  setup.scans_left = [&in] { return static_cast<int>(in.machine.scripts.size()); };
  return setup;
}

}  // namespace
}  // namespace hallmark::scan

INSTANTIATE_SCANNER_CONTRACT(Openscap, make_setup);
