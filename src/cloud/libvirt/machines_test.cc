/// Real machines: QEMU under libvirt's embedded driver, and mounted disks. Needs
/// HALLMARK_TEST_IMAGE, a bootable image with a guest agent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/process.h"
#include "base/text.h"
#include "cloud/contract.h"
#include "cloud/libvirt/libvirt_cloud.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;

const Place kHome{"111122223333", "us-east-1"};

SystemClock& system_clock() {
  static SystemClock clock;
  return clock;
}

/// The processes whose command line mentions `word`.
std::vector<int> processes_of(const std::string& word) {
  std::vector<int> pids;
  std::error_code vanished;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", vanished)) {
    std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline");
    std::string line(std::istreambuf_iterator<char>(file), {});
    if (line.find(word) != std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

/// A cloud in a directory of its own. Whatever a test leaves running is removed, and what then is
/// left on the host fails the test.
struct World {
  World() {
    config.root = directory.path() / "cloud";
    config.account_id = kHome.account_id;
    config.regions = {"us-east-1", "eu-west-1"};
    config.guard_command = {HALLMARK_GUARD};
  }
  ~World() {
    auto cloud = open();
    for (const std::string& region : config.regions) {
      for (const char* account : {"111122223333", "444455556666"}) {
        for (const Machine& machine : cloud->list_machines({account, region}, {})) {
          cloud->remove_machine({account, region}, machine.machine_id);
        }
      }
    }
    std::string root = config.root.string();
    for (int i = 0; i < 50 && !processes_of(root).empty(); ++i) std::this_thread::sleep_for(100ms);
    EXPECT_TRUE(processes_of(root).empty()) << "processes are left behind";
    EXPECT_EQ(read_file("/proc/mounts").find(root), std::string::npos) << "a mount is left behind";
    EXPECT_EQ(run_process({.argv = {"losetup", "-a"}}).out.find(root), std::string::npos)
        << "a loop device is left behind";
  }
  std::unique_ptr<Cloud> open() const { return make_libvirt_cloud(config, system_clock()); }

  TempDir directory{"/var/tmp"};
  LibvirtCloudConfig config;
};

std::string test_image() {
  const char* path = std::getenv("HALLMARK_TEST_IMAGE");
  return path != nullptr ? path : "";
}

ContractSetup contract_setup(MachineKind kind) {
  auto world = std::make_shared<World>();
  ContractSetup setup;
  setup.keep = world;
  setup.open = [world] { return world->open(); };
  setup.clock = &system_clock();
  setup.home = kHome;
  setup.away = {kHome.account_id, "eu-west-1"};
  setup.guest = {"444455556666", "us-east-1"};
  setup.settle = [] { std::this_thread::sleep_for(200ms); };
  setup.looks = 1500;  // five minutes: an emulated guest on a busy host
  setup.machine.kind = kind;
  setup.machines = !test_image().empty() && (kind == MachineKind::boot || ::geteuid() == 0);
  if (setup.machines) {
    setup.disk_file = test_image();
  } else {
    setup.disk_file = world->directory.path() / "small.raw";
    write_file(setup.disk_file, std::string(1 << 20, '\0'));
  }
  return setup;
}

ContractSetup boot_setup() { return contract_setup(MachineKind::boot); }
ContractSetup offline_setup() { return contract_setup(MachineKind::offline); }

}  // namespace
}  // namespace hallmark::cloud

INSTANTIATE_CLOUD_CONTRACT(Libvirt, {"boot", hallmark::cloud::boot_setup},
                           {"offline", hallmark::cloud::offline_setup});
