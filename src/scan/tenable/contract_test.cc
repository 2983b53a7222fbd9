#include "scan/scanner_contract.h"
#include "scan/stand_in.h"
#include "scan/tenable/tenable.h"

namespace hallmark::scan {
namespace {

struct World {
  StandIn service{"tenable"};
  ManualClock clock{from_rfc3339("2026-11-22T10:00:00Z")};
};

void set_machine(const World& world, MachineIs state) {
  Json host = world.service.control("hosts").at("hosts").at(0);
  host["alive"] = state != MachineIs::dead;
  host["login_works"] = state != MachineIs::blind;
  for (Json& finding : host["findings"]) finding.erase("id");
  world.service.control("hosts", Json{{"hosts", Json::array({host})}});
}

ScannerSetup make_setup() {
  auto world = std::make_shared<World>();
  TenableConfig config{.url = world->service.url(),
                       .access_key = std::string(63, 'a') + "1",
                       .secret_key = std::string(63, 'b') + "2",
                       .ssh_user = "admin",
                       .ssh_private_key =
                           "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkq\n"
                           "-----END ENCRYPTED PRIVATE KEY-----\n",
                       .ssh_passphrase = "correct horse battery"};
  TenableConfig wrong = config;
  wrong.secret_key = std::string(64, 'c');
  ScannerSetup setup;
  setup.keep = world;
  setup.clock = &world->clock;
  World& in = *world;
  setup.open = [&in, config] { return make_tenable_scanner(config, in.clock); };
  setup.open_denied = [&in, wrong] { return make_tenable_scanner(wrong, in.clock); };
  setup.target = {.title = "hallmark run-1 web",
                  .machine_id = "i-0c0ffee0000000001",
                  .ip = "10.0.0.9",
                  .launched_at = in.clock.now()};
  setup.set_machine = [&in](MachineIs state) { set_machine(in, state); };
  setup.never_end = [&in] {
    in.service.control("walk", Json{{"steps", Json::array({Json{{"status", "running"}}})}});
  };
  setup.lose_launch_answer = [&in] {
    in.service.control("faults", Json{{"kind", "drop-after"}, {"operation", "scan.launch"}});
  };
  setup.launches = [&in] {
    return static_cast<int>(in.service.control("state").at("launches").size());
  };
  setup.scans_left = [&in] {
    return static_cast<int>(in.service.control("state").at("scans").size());
  };
  return setup;
}

}  // namespace
}  // namespace hallmark::scan

INSTANTIATE_SCANNER_CONTRACT(Tenable, make_setup);
