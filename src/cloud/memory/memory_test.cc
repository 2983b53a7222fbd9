#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud/contract.h"
#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

class Memory : public ::testing::Test {
 protected:
  Memory() { write_file(disk_, std::string(4096, 'd')); }

  MemoryCloud& cloud(MemoryOptions options = {}) {
    world_ = std::make_shared<MemoryWorld>(clock_, std::move(options));
    cloud_ = std::make_unique<MemoryCloud>(world_);
    return *cloud_;
  }
  std::string import(const std::string& name, const std::string& token) {
    return cloud_->import_image(here_, disk_, {.name = name}, token, {});
  }
  std::string launch(const std::string& image_id, const std::string& token) {
    return cloud_->launch_machine(here_, {.image_id = image_id}, token, {});
  }

  TempDir directory_;
  Path disk_ = directory_.path() / "disk.raw";
  ManualClock clock_{from_rfc3339("2026-11-22T17:05:01Z")};
  Place here_{"111122223333", "us-east-1"};
  std::shared_ptr<MemoryWorld> world_;
  std::unique_ptr<MemoryCloud> cloud_;
};

TEST_F(Memory, NewThingsHideAndThenArePendingForAsManyLooksAsAsked) {
  MemoryCloud& lagging = cloud({.find_lag = 2, .ready_looks = 1});
  std::string id = import("lagging", "t");
  EXPECT_EQ(lagging.find_image(here_, id), std::nullopt);
  EXPECT_THAT(lagging.list_images(here_, {}), IsEmpty());
  EXPECT_EQ(lagging.find_image(here_, id)->state, ImageState::pending);
  EXPECT_EQ(lagging.find_image(here_, id)->state, ImageState::available);
}

TEST_F(Memory, PendingLastsItsTime) {
  MemoryCloud& slow = cloud({.ready_after = 10s});
  std::string id = import("slow", "t");
  EXPECT_EQ(slow.find_image(here_, id)->state, ImageState::pending);
  EXPECT_THAT(error_kind_of([&] { slow.open_image(here_, id); }), Optional(ErrorKind::unavailable));
  EXPECT_THAT(error_kind_of([&] { launch(id, "l"); }), Optional(ErrorKind::unavailable));
  clock_.advance(10s);
  EXPECT_EQ(slow.find_image(here_, id)->state, ImageState::available);
}

TEST_F(Memory, ImageFailsWithItsReason) {
  MemoryCloud& failing = cloud();
  world_->fail_next_image("no space left");
  std::string id = import("failing", "t");
  EXPECT_EQ(failing.find_image(here_, id)->state, ImageState::failed);
  EXPECT_EQ(failing.find_image(here_, id)->state_reason, "no space left");
  EXPECT_THAT(error_kind_of([&] { launch(id, "l"); }), Optional(ErrorKind::failed));
  EXPECT_EQ(failing.find_image(here_, import("next one", "u"))->state, ImageState::available);
}

TEST_F(Memory, ThrottlesOnceTheBucketIsEmpty) {
  MemoryCloud& throttling = cloud({.calls_per_second = 2, .call_burst = 3});
  for (int i = 0; i < 3; ++i) throttling.list_images(here_, {});
  auto list = [&] { return error_kind_of([&] { throttling.list_images(here_, {}); }); };
  EXPECT_THAT(list(), Optional(ErrorKind::throttled));
  clock_.advance(500ms);
  EXPECT_EQ(list(), std::nullopt);
  EXPECT_THAT(list(), Optional(ErrorKind::throttled));
}

TEST_F(Memory, RunsOutOfRoom) {
  cloud({.machine_capacity = 1});
  std::string image_id = import("image", "i");
  std::string first = launch(image_id, "one");
  EXPECT_THAT(error_kind_of([&] { launch(image_id, "two"); }), Optional(ErrorKind::unavailable));
  EXPECT_EQ(launch(image_id, "one"), first);
  cloud_->remove_machine(here_, first);
  launch(image_id, "two");
  world_->set_machine_capacity(std::nullopt);
  launch(image_id, "three");
  EXPECT_EQ(world_->effects("launch_machine"), 3);
}

TEST_F(Memory, PlannedFailuresHitTheirCallOnly) {
  cloud();
  world_->fail("import_image", 2, Error(ErrorKind::unavailable, "planned"));
  import("first", "1");
  EXPECT_THAT(error_kind_of([&] { import("second", "2"); }), Optional(ErrorKind::unavailable));
  EXPECT_EQ(world_->effects("import_image"), 1);
  import("second", "2");
  EXPECT_EQ(world_->effects("import_image"), 2);
  EXPECT_EQ(world_->calls("import_image"), 3);
}

TEST_F(Memory, LostAnswersLeaveTheirEffect) {
  cloud();
  std::string image_id = import("image", "i");
  world_->fail("launch_machine", 1, Error(ErrorKind::unavailable, "lost"), FailureMoment::after);
  EXPECT_THAT(error_kind_of([&] { launch(image_id, "t"); }), Optional(ErrorKind::unavailable));
  std::string id = cloud_->list_machines(here_, {}).at(0).machine_id;
  EXPECT_EQ(launch(image_id, "t"), id);
  EXPECT_EQ(world_->effects("launch_machine"), 1);
  // A command whose answer was lost has run all the same.
  cloud_->find_machine(here_, id);
  world_->fail("start_command", 1, Error(ErrorKind::unavailable, "lost"), FailureMoment::after);
  auto start = [&] { return cloud_->start_command(here_, id, {.script = "said"}, "c"); };
  EXPECT_THAT(error_kind_of(start), Optional(ErrorKind::unavailable));
  CommandStatus status = cloud_->read_command(here_, id, start(), 0, 0ms, {});
  EXPECT_EQ(status.output, "said");
  EXPECT_EQ(world_->effects("start_command"), 1);
}

TEST_F(Memory, DeadlineEndsAMachineNobodyLooksAfter) {
  cloud();
  std::string image_id = import("image", "i");
  MachineSpec spec{.image_id = image_id, .deadline = clock_.now() + 1h};
  std::string id = cloud_->launch_machine(here_, spec, "t", {});
  clock_.advance(59min);
  EXPECT_NE(cloud_->find_machine(here_, id)->state, MachineState::terminated);
  clock_.advance(1min);
  EXPECT_THAT(world_->leftovers(), ElementsAre(HasSubstr("image " + image_id)));
  EXPECT_EQ(cloud_->find_machine(here_, id)->state, MachineState::terminated);
  EXPECT_THAT(cloud_->list_machines(here_, {}), IsEmpty());
  EXPECT_EQ(cloud_->list_machines(here_, {.include_terminated = true}).size(), 1u);
}

TEST_F(Memory, ListsWhatIsLeft) {
  cloud();
  std::string image_id = import("image", "i");
  std::string machine_id = launch(image_id, "m");
  cloud_->put_parameter(here_, "/GoldenAMI/latest", image_id, 0);
  EXPECT_THAT(world_->leftovers(),
              ElementsAre("image " + image_id + " \"image\" in 111122223333/us-east-1",
                          "machine " + machine_id + " \"\" pending in 111122223333/us-east-1",
                          "parameter /GoldenAMI/latest in 111122223333/us-east-1"));
  cloud_->remove_machine(here_, machine_id);
  cloud_->remove_image(here_, image_id);
  cloud_->remove_parameter(here_, "/GoldenAMI/latest", 1);
  EXPECT_THAT(world_->leftovers(), IsEmpty());
}

TEST_F(Memory, HangingCommandEndsAtItsTimeLimitOrWithItsMachine) {
  MemoryOptions options;
  options.execute = [](const Machine&, const CommandSpec&) {
    return CommandStatus{.state = CommandState::running, .output = "begun"};
  };
  cloud(options);
  std::string id = launch(import("image", "i"), "m");
  cloud_->find_machine(here_, id);
  std::string limited =
      cloud_->start_command(here_, id, {.script = "x", .time_limit = 1min}, "limited");
  std::string endless = cloud_->start_command(here_, id, {.script = "x"}, "endless");
  auto state = [&](const std::string& command_id, Duration wait) {
    return cloud_->read_command(here_, id, command_id, 5, wait, {}).state;
  };
  EXPECT_EQ(state(limited, 59s), CommandState::running);
  EXPECT_EQ(state(limited, 59s), CommandState::timed_out);
  EXPECT_EQ(state(endless, 1h), CommandState::running);
  world_->power_off(id);
  EXPECT_EQ(state(endless, 1h), CommandState::interrupted);
  EXPECT_EQ(state(limited, 0s), CommandState::timed_out);
  EXPECT_EQ(cloud_->find_machine(here_, id)->state, MachineState::stopped);
}

TEST_F(Memory, ExitCode194RunsTheScriptAgainAfterABoot) {
  int runs = 0;
  MemoryOptions options{.boot_looks = 1};
  options.execute = [&](const Machine&, const CommandSpec&) {
    int exit_code = ++runs < 3 ? 194 : 0;
    return CommandStatus{
        .state = CommandState::finished, .exit_code = exit_code, .output = std::to_string(runs)};
  };
  cloud(options);
  std::string id = launch(import("image", "i"), "m");
  while (!cloud_->find_machine(here_, id)->reachable) {
  }
  std::string command_id = cloud_->start_command(here_, id, {.script = "x"}, "c");
  EXPECT_FALSE(cloud_->find_machine(here_, id)->reachable);
  CommandStatus status = cloud_->read_command(here_, id, command_id, 0, 0ms, {});
  EXPECT_EQ(status.output, "123");
  EXPECT_EQ(status.exit_code, 0);
}

TEST_F(Memory, ImageOfAMachineMayHaveAnotherDisk) {
  MemoryOptions options;
  Path changed = directory_.path() / "changed.raw";
  write_file(changed, std::string(8192, 'c'));
  options.captured_disk = [&](const Machine&) { return std::optional<Path>(changed); };
  cloud(options);
  std::string machine_id = launch(import("image", "i"), "m");
  cloud_->find_machine(here_, machine_id);
  cloud_->stop_machine(here_, machine_id);
  cloud_->find_machine(here_, machine_id);
  std::string id = cloud_->create_image(here_, machine_id, {.name = "captured"}, "c", {});
  EXPECT_EQ(cloud_->open_image(here_, id)->size_bytes(), 8192u);
}

TEST_F(Memory, WorldInAFileOutlivesItsProcess) {
  MemoryOptions options{.state_file = directory_.path() / "world.json"};
  // What is still in the buffer would be printed twice.
  std::fflush(stdout);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Ends at once after the launch happened, with its answer still on the way.
    cloud(options);
    std::string image_id = import("survivor", "i");
    cloud_->put_parameter(here_, "/a", std::string("bytes \xff\n"), 0);
    launch(image_id, "m");
    _exit(17);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 17);
  cloud(options);
  Image image = cloud_->list_images(here_, {.name = "survivor"}).at(0);
  std::string machine_id = launch(image.image_id, "m");
  EXPECT_EQ(cloud_->find_machine(here_, machine_id)->launched_at, clock_.now());
  EXPECT_EQ(world_->effects("launch_machine"), 1);
  EXPECT_EQ(cloud_->get_parameter(here_, "/a")->value, "bytes \xff\n");
  EXPECT_EQ(cloud_->open_image(here_, image.image_id)->size_bytes(), 4096u);
}

TEST_F(Memory, DisksGoWithTheLastThatUsesThem) {
  MemoryOptions options{.state_file = directory_.path() / "world.json"};
  cloud(options);
  auto disks = [&] {
    return std::distance(
        std::filesystem::directory_iterator(directory_.path() / "world.json.files/disks"),
        std::filesystem::directory_iterator());
  };
  std::string image_id = import("image", "i");
  std::string machine_id = launch(image_id, "m");
  cloud_->remove_image(here_, image_id);
  EXPECT_EQ(disks(), 1);
  cloud_->remove_machine(here_, machine_id);
  EXPECT_EQ(disks(), 0);
}

TEST_F(Memory, BrokenStateFileIsCorrupt) {
  Path file = directory_.path() / "world.json";
  for (std::string text : {"", "{", "[]", "{\"images\": 3}", "{\"images\": [{}]}"}) {
    write_file(file, text);
    cloud({.state_file = file});
    EXPECT_THAT(error_kind_of([&] { cloud_->list_images(here_, {}); }),
                Optional(ErrorKind::corrupt))
        << text;
  }
}

TEST_F(Memory, TagsDoNotTravelWithAShare) {
  cloud();
  Place guest{"444455556666", here_.region};
  std::string id =
      cloud_->import_image(here_, disk_, {.name = "img", .tags = {{"a", "b"}}}, "t", {});
  cloud_->share_image(here_, id, guest.account_id);
  EXPECT_THAT(cloud_->find_image(guest, id)->tags, IsEmpty());
  EXPECT_THAT(cloud_->list_images(guest, {.tags = {{"a", "b"}}, .owned_only = false}), IsEmpty());
}

}  // namespace
}  // namespace hallmark::cloud
