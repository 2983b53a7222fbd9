/// Real machines: QEMU under libvirt's embedded driver, and mounted disks. Needs
/// HALLMARK_TEST_IMAGE, a bootable image with a guest agent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/error.h"
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
    // A process that ends while it is read is a failed read, which a stream keeps to itself.
    std::ostringstream line;
    line << std::ifstream(entry.path() / "cmdline").rdbuf();
    if (line.str().find(word) != std::string::npos) pids.push_back(std::stoi(name));
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
    for (int i = 0; i < 600 && !processes_of(root).empty(); ++i) std::this_thread::sleep_for(100ms);
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
  return path != nullptr && std::filesystem::exists(path) ? path : "";
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

/// Machines beyond the contract: who dies when, and what is left.
class LibvirtMachines : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_image().empty()) {
      GTEST_SKIP() << "HALLMARK_TEST_IMAGE names no bootable image with a guest agent";
    }
    cloud_ = world_.open();
    image_id_ = cloud_->import_image(kHome, test_image(), {.name = "source"}, "import", {});
  }

  std::string launch(MachineKind kind, const std::string& token,
                     std::optional<TimePoint> deadline = {}) {
    MachineSpec spec;
    spec.image_id = image_id_;
    spec.kind = kind;
    spec.deadline = deadline;
    return cloud_->launch_machine(kHome, spec, token, {});
  }

  bool eventually(const std::function<bool()>& condition) {
    auto until = std::chrono::steady_clock::now() + 4min;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(200ms);
    }
    return true;
  }
  MachineState state(const std::string& id) { return cloud_->find_machine(kHome, id)->state; }
  bool reachable(const std::string& id) {
    return eventually([&] { return cloud_->find_machine(kHome, id)->reachable; });
  }

  std::string output_of(const std::string& id, const CommandSpec& spec, const std::string& token) {
    std::string command = cloud_->start_command(kHome, id, spec, token);
    std::string output;
    eventually([&] {
      CommandStatus status = cloud_->read_command(kHome, id, command, output.size(), 1s, {});
      output += status.output;
      return status.state != CommandState::running && status.output.empty();
    });
    return output;
  }

  /// By its directory: tests that run beside each other use the same tokens, and so the same ids.
  int guard_of(const std::string& id) {
    for (int pid :
         processes_of((world_.config.root / "regions/us-east-1/machines" / id).string())) {
      std::string name;
      std::ifstream(Path("/proc") / std::to_string(pid) / "comm") >> name;
      if (name == "machine-guard") return pid;
    }
    return 0;
  }

  World world_;
  std::unique_ptr<Cloud> cloud_;
  std::string image_id_;
};

TEST_F(LibvirtMachines, BootMachineAndItsCommandOutliveAKilledGuardAndLeaveNoTrace) {
  std::string id = launch(MachineKind::boot, "a");
  ASSERT_TRUE(reachable(id));
  CommandSpec spec;
  spec.script = "echo begun; sleep 5; echo done $SECRET | sed s/hunter2-guard/seen/";
  spec.environment = {{"SECRET", "hunter2-guard"}};
  std::string command = cloud_->start_command(kHome, id, spec, "c");
  int guard = guard_of(id);
  ASSERT_GT(guard, 0);
  ASSERT_EQ(::kill(guard, SIGKILL), 0);
  cloud_ = world_.open();

  std::string output;
  CommandStatus status;
  EXPECT_TRUE(eventually([&] {
    status = cloud_->read_command(kHome, id, command, output.size(), 1s, {});
    output += status.output;
    return status.state != CommandState::running && status.output.empty();
  }));
  EXPECT_EQ(status.state, CommandState::finished);
  EXPECT_EQ(output, "begun\ndone seen\n");
  EXPECT_EQ(output_of(id, {.script = "ls /run/hallmark | grep -v pipe; id -u"}, "d"), "0\n");

  // The secret is in no file of ours and in no process's arguments.
  EXPECT_TRUE(processes_of("hunter2-guard").empty());
  EXPECT_EQ(run_process({.argv = {"grep", "-rl", "hunter2-guard", world_.config.root.string(),
                                  "--include=*.json", "--include=*.log", "--include=*.xml"}})
                .out,
            "");

  cloud_->stop_machine(kHome, id);
  ASSERT_TRUE(eventually([&] { return state(id) == MachineState::stopped; }));
  EXPECT_EQ(cloud_->find_machine(kHome, id)->state_reason, "");
  std::string made = cloud_->create_image(kHome, id, {.name = "built"}, "i", {});
  cloud_->remove_machine(kHome, id);

  // Looked at without booting: the new image has nothing of the commands.
  image_id_ = made;
  std::string offline = launch(MachineKind::offline, "o");
  ASSERT_TRUE(reachable(offline));
  EXPECT_EQ(output_of(offline, {.script = "ls -d /var/lib/hallmark 2>&1 | grep -c 'No such'"}, "e"),
            "1\n");
}

TEST_F(LibvirtMachines, OfflineMachineVanishesWithItsGuard) {
  std::string id = launch(MachineKind::offline, "a");
  ASSERT_TRUE(reachable(id));
  cloud_->start_command(kHome, id, {.script = "setsid sleep 4321 & sleep 4321"}, "c");
  std::string sleep = "sleep" + std::string(1, 0) + "4321";
  ASSERT_TRUE(eventually([&] { return processes_of(sleep).size() >= 2; }));
  int guard = guard_of(id);
  ASSERT_GT(guard, 0);
  ASSERT_EQ(::kill(guard, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return processes_of(sleep).empty(); }));
  EXPECT_TRUE(eventually([&] { return state(id) == MachineState::failed; }));
  EXPECT_TRUE(eventually([&] {
    return run_process({.argv = {"losetup", "-a"}}).out.find(world_.config.root.string()) ==
           std::string::npos;
  }));
}

TEST_F(LibvirtMachines, OfflineBuildsWorkOnTheDiskAndLeaveItClean) {
  std::string id = launch(MachineKind::offline, "a");
  ASSERT_TRUE(reachable(id));
  EXPECT_EQ(
      output_of(id,
                {.script = "echo kept > /etc/kept; test -x /usr/sbin/policy-rc.d && echo policy;"
                           "echo x > /tmp/gone; test -s /etc/resolv.conf && echo resolves;"
                           "cat /proc/1/comm; echo a > /dev/null && echo devices"},
                "c"),
      "policy\nresolves\noffline-init\ndevices\n");
  cloud_->stop_machine(kHome, id);
  ASSERT_TRUE(eventually([&] { return state(id) == MachineState::stopped; }));
  image_id_ = cloud_->create_image(kHome, id, {.name = "built"}, "i", {});
  std::string second = launch(MachineKind::offline, "b");
  ASSERT_TRUE(reachable(second));
  EXPECT_EQ(
      output_of(second, {.script = "cat /etc/kept; ls -A /tmp /run/hallmark | grep -c gone"}, "d"),
      "kept\n0\n");
  // Only ours is there now: with it removed from view nothing of it may be on the disk.
  EXPECT_EQ(
      output_of(
          second,
          {.script = "rm /usr/sbin/policy-rc.d; ls /usr/sbin/policy-rc.d 2>&1 | grep -c such"},
          "e"),
      "1\n");
}

TEST_F(LibvirtMachines, DeadlineTakesTheMachineAndItsDiskWithNobodyLooking) {
  std::string id = launch(MachineKind::boot, "a", system_clock().now() + 15s);
  cloud_.reset();
  std::string files = (world_.config.root / "regions/us-east-1/machines" / id).string();
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(files); }));
  EXPECT_TRUE(eventually([&] { return processes_of(files).empty(); }));
  cloud_ = world_.open();
  EXPECT_EQ(state(id), MachineState::terminated);
  EXPECT_EQ(launch(MachineKind::boot, "a"), id) << "the token must not launch it again";
}

TEST_F(LibvirtMachines, OfflineWithoutNetworkSeesNone) {
  MachineSpec spec{.image_id = image_id_, .kind = MachineKind::offline, .network = false};
  std::string id = cloud_->launch_machine(kHome, spec, "a", {});
  ASSERT_TRUE(reachable(id));
  EXPECT_EQ(output_of(id, {.script = "grep -c : /proc/net/dev"}, "c"), "1\n");
}

TEST_F(LibvirtMachines, ADiskWithoutLinuxFailsWithItsReason) {
  Path blank = world_.directory.path() / "blank.raw";
  write_file(blank, std::string(4 << 20, '\0'));
  image_id_ = cloud_->import_image(kHome, blank, {.name = "blank"}, "b", {});
  std::string id = launch(MachineKind::offline, "a");
  ASSERT_TRUE(eventually([&] { return state(id) == MachineState::failed; }));
  EXPECT_NE(cloud_->find_machine(kHome, id)->state_reason.find("cannot mount"), std::string::npos);
}

ContractSetup boot_setup() { return contract_setup(MachineKind::boot); }
ContractSetup offline_setup() { return contract_setup(MachineKind::offline); }

}  // namespace
}  // namespace hallmark::cloud

INSTANTIATE_CLOUD_CONTRACT(Libvirt, {"boot", hallmark::cloud::boot_setup},
                           {"offline", hallmark::cloud::offline_setup});
