#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/text.h"
#include "cloud/contract.h"

namespace hallmark::cloud {

namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

bool is_off(const std::optional<Machine>& machine) {
  return !machine || machine->state == MachineState::terminated ||
         machine->state == MachineState::stopped;
}

bool is_gone(const std::optional<Machine>& machine) {
  return !machine || machine->state == MachineState::terminated;
}

std::vector<std::string> ids(const std::vector<Machine>& machines) {
  std::vector<std::string> result;
  for (const Machine& machine : machines) result.push_back(machine.machine_id);
  return result;
}

bool absent(std::optional<ErrorKind> kind) {
  return kind == ErrorKind::not_found || kind == ErrorKind::denied || kind == ErrorKind::usage;
}

}  // namespace

void CloudMachineContract::SetUp() {
  CloudContractBase::SetUp();
  if (IsSkipped()) return;
  if (!setup_.machines) GTEST_SKIP() << "this cloud is tested without machines";
}

std::string CloudMachineContract::launch(const Place& place, const std::string& image_id,
                                         const std::string& once, Tags tags) {
  MachineSpec wanted = setup_.machine;
  wanted.image_id = image_id;
  wanted.name = "contract";
  wanted.tags = std::move(tags);
  return cloud_->launch_machine(place, wanted, once, stop_);
}

Machine CloudMachineContract::wait_machine(const Place& place, const std::string& machine_id,
                                           const std::function<bool(const Machine&)>& good,
                                           const std::string& what) {
  std::optional<Machine> machine;
  bool came = eventually([&] {
    machine = cloud_->find_machine(place, machine_id);
    if (machine && machine->state == MachineState::failed) {
      throw Error(ErrorKind::failed, "machine {} failed: {}", machine_id, machine->state_reason);
    }
    return machine && good(*machine);
  });
  if (!came) {
    throw Error(ErrorKind::timeout, "machine {} is not {} after {} looks; it is {}", machine_id,
                what, setup_.looks, machine ? to_string(machine->state) : "not found");
  }
  return *machine;
}

std::string CloudMachineContract::start(const std::string& machine_id, const CommandSpec& spec) {
  return cloud_->start_command(setup_.home, machine_id, spec, token());
}

CommandSpec CloudMachineContract::script(const std::string& text) {
  // Far beyond what any script of the suite takes, and short enough for a test to end.
  return {.script = text, .time_limit = 5min};
}

CommandStatus CloudMachineContract::read_all(const std::string& machine_id,
                                             const std::string& command_id) {
  CommandStatus all;
  bool ended = eventually([&] {
    CommandStatus part;
    insist([&] {
      part =
          cloud_->read_command(setup_.home, machine_id, command_id, all.output.size(), 1s, stop_);
    });
    EXPECT_EQ(part.output_offset, all.output.size() + part.output.size());
    all.output += part.output;
    all.state = part.state;
    all.exit_code = part.exit_code;
    all.output_offset = part.output_offset;
    all.output_truncated = part.output_truncated;
    return part.state != CommandState::running && part.output.empty();
  });
  EXPECT_TRUE(ended) << "the command did not end; so far: " << all.output.substr(0, 1000);
  return all;
}

CommandStatus CloudMachineContract::run(const std::string& machine_id, const CommandSpec& spec) {
  return read_all(machine_id, start(machine_id, spec));
}

void CloudMachineContract::check_commands(const std::string& machine_id) {
  SCOPED_TRACE("commands: exit codes, output, environment");
  CommandStatus good = run(machine_id, script("echo out; echo err >&2"));
  EXPECT_EQ(good.state, CommandState::finished);
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.output, "out\nerr\n");
  EXPECT_FALSE(good.output_truncated);

  CommandStatus bad = run(machine_id, script("echo no; exit 7"));
  EXPECT_EQ(bad.state, CommandState::finished);
  EXPECT_EQ(bad.exit_code, 7);
  EXPECT_EQ(bad.output, "no\n");
  EXPECT_EQ(run(machine_id, script("no-such-program-here")).exit_code, 127);
  EXPECT_EQ(run(machine_id, script("")).exit_code, 0);

  CommandStatus own_line = run(machine_id, script("#!/bin/cat\nby its own line\n"));
  EXPECT_EQ(own_line.output, "#!/bin/cat\nby its own line\n");

  CommandSpec with_environment = script(R"(printf '[%s][%s]' "$SECRET" "$EMPTY")");
  with_environment.environment = {{"EMPTY", ""}};
  with_environment.secrets = {{"SECRET", "a b 'c' \"d\" $e `f` \\ \xc3\xbc\nnew line"}};
  EXPECT_EQ(run(machine_id, with_environment).output,
            "[a b 'c' \"d\" $e `f` \\ \xc3\xbc\nnew line][]");

  EXPECT_EQ(run(machine_id, script(R"(printf '\000\001\377\r\n\033')")).output,
            std::string("\0\1\xff\r\n\33", 6));

  // The last line without its end must not be lost, nor an interpreter be confused by quotes.
  EXPECT_EQ(run(machine_id, script("cat <<'END'\n'\"$x`y`\\\nEND\nprintf last")).output,
            "'\"$x`y`\\\nlast");
}

void CloudMachineContract::check_streaming(const std::string& machine_id) {
  SCOPED_TRACE("commands: output while running, other readers, cancel, tokens");
  std::string once = token();
  CommandSpec slow = script("echo first; echo second; sleep 600; echo never");
  std::string command_id = cloud_->start_command(setup_.home, machine_id, slow, once);
  EXPECT_EQ(cloud_->start_command(setup_.home, machine_id, slow, once), command_id);
  std::string output;
  EXPECT_TRUE(eventually([&] {
    CommandStatus part;
    insist([&] {
      part = cloud_->read_command(setup_.home, machine_id, command_id, output.size(), 1s, stop_);
    });
    EXPECT_EQ(part.state, CommandState::running);
    output += part.output;
    return output.size() >= 13 || !setup_.output_while_running;
  }));

  // Another process asks about a command it never started, from any offset.
  std::unique_ptr<Cloud> other = setup_.open();
  CommandStatus seen = other->read_command(setup_.home, machine_id, command_id, 6, 0ms, stop_);
  EXPECT_EQ(seen.state, CommandState::running);
  if (setup_.output_while_running) {
    EXPECT_EQ(output, "first\nsecond\n");
    EXPECT_EQ(seen.output, "second\n");
    EXPECT_EQ(seen.output_offset, 13u);
  }
  EXPECT_EQ(other->start_command(setup_.home, machine_id, slow, once), command_id);
  // Past the end there is nothing, and nothing breaks.
  auto past = error_kind_of([&] {
    EXPECT_EQ(other->read_command(setup_.home, machine_id, command_id, 1u << 30, 0ms, stop_).output,
              "");
  });
  EXPECT_THAT(past, AnyOf(Eq(std::nullopt), Optional(ErrorKind::usage)));

  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_THAT(error_kind_of([&] {
                cloud_->read_command(setup_.home, machine_id, command_id, 13, 60s,
                                     stopped.get_token());
              }),
              Optional(ErrorKind::cancelled));

  other->cancel_command(setup_.home, machine_id, command_id);
  CommandStatus killed = read_all(machine_id, command_id);
  EXPECT_NE(killed.state, CommandState::running);
  EXPECT_FALSE(killed.state == CommandState::finished && killed.exit_code == 0);
  EXPECT_EQ(killed.output, "first\nsecond\n");
  cloud_->cancel_command(setup_.home, machine_id, command_id);

  // Started twice is run once.
  std::string mark = setup_.machine_directory + "/hallmark-contract-once";
  CommandSpec marking = script(fmt::format("echo ran >> {0}; cat {0}", shell_quote(mark)));
  once = token();
  command_id = cloud_->start_command(setup_.home, machine_id, marking, once);
  EXPECT_EQ(read_all(machine_id, command_id).output, "ran\n");
  EXPECT_EQ(other->start_command(setup_.home, machine_id, marking, once), command_id);
  EXPECT_EQ(read_all(machine_id, command_id).output, "ran\n");
}

void CloudMachineContract::check_limits(const std::string& machine_id) {
  SCOPED_TRACE("commands: time limit, output limit, large output");
  CommandSpec hanging = script("echo begun; sleep 600 & sleep 600; echo never");
  hanging.time_limit = 2s;
  CommandStatus killed = run(machine_id, hanging);
  EXPECT_EQ(killed.state, CommandState::timed_out);
  EXPECT_EQ(killed.output, "begun\n");

  std::string expected;
  for (int i = 1; i <= 100'000; ++i) expected += fmt::format("{}\n", i);
  CommandStatus large = run(machine_id, script("seq 1 100000"));
  EXPECT_EQ(large.exit_code, 0);
  EXPECT_FALSE(large.output_truncated);
  EXPECT_TRUE(large.output == expected)
      << large.output.size() << " bytes came of " << expected.size();

  CommandSpec flooding = script("seq 1 100000; exit 3");
  flooding.output_limit_bytes = 10'000;
  CommandStatus cut = run(machine_id, flooding);
  EXPECT_EQ(cut.state, CommandState::finished);
  EXPECT_EQ(cut.exit_code, 3);
  EXPECT_TRUE(cut.output_truncated);
  EXPECT_TRUE(cut.output == expected.substr(0, 10'000)) << cut.output.size() << " bytes came";
}

void CloudMachineContract::check_reboot(const std::string& machine_id) {
  if (!setup_.reboots) return;
  SCOPED_TRACE("commands: exit code 194");
  std::string mark = shell_quote(setup_.machine_directory + "/hallmark-contract-reboot");
  // The file counts the starts: the second start ends.
  CommandStatus status = run(machine_id, script(fmt::format("echo x >> {0}\n"
                                                            "starts=$(wc -l < {0})\n"
                                                            "echo \"start $starts\"\n"
                                                            "[ $starts -ge 2 ] || exit 194\n"
                                                            "exit 5\n",
                                                            mark)));
  EXPECT_EQ(status.state, CommandState::finished);
  EXPECT_EQ(status.exit_code, 5);
  EXPECT_THAT(status.output, HasSubstr("start 1\n"));
  EXPECT_THAT(status.output, HasSubstr("start 2\n"));
  wait_machine(
      setup_.home, machine_id, [](const Machine& m) { return m.reachable; }, "reachable");
  EXPECT_EQ(run(machine_id, script("echo back")).output, "back\n");
}

void CloudMachineContract::check_bad_commands(const std::string& machine_id) {
  SCOPED_TRACE("commands: what is not there");
  std::vector<std::string> strange = {"", "cmd-0123456789abcdef0", "../..", "nonsense", "a\nb"};
  for (const std::string& command_id : strange) {
    EXPECT_TRUE(absent(error_kind_of([&] {
      cloud_->read_command(setup_.home, machine_id, command_id, 0, 0ms, stop_);
    }))) << command_id;
  }
  EXPECT_TRUE(absent(error_kind_of(
      [&] { cloud_->start_command(setup_.guest, machine_id, script("echo stolen"), token()); })));
  EXPECT_TRUE(absent(error_kind_of(
      [&] { cloud_->start_command(setup_.away, machine_id, script("echo elsewhere"), token()); })));
  CommandSpec bad_name = script("true");
  bad_name.environment = {{"NOT A NAME; reboot", "x"}};
  EXPECT_THAT(error_kind_of([&] { start(machine_id, bad_name); }), Optional(ErrorKind::usage));
}

void CloudMachineContract::check_machine_listing(const std::string& machine_id,
                                                 const std::string& launch_token) {
  SCOPED_TRACE("machines: found, listed, launched once");
  EXPECT_TRUE(machine_id.starts_with("i-")) << machine_id;
  Machine machine = wait_machine(
      setup_.home, machine_id, [](const Machine& m) { return m.state == MachineState::running; },
      "running");
  EXPECT_EQ(machine.machine_id, machine_id);
  EXPECT_EQ(machine.name, "contract");
  EXPECT_EQ(machine.kind, setup_.machine.kind);
  EXPECT_EQ(machine.account_id, setup_.home.account_id);
  EXPECT_EQ(machine.region, setup_.home.region);
  EXPECT_EQ(machine.tags, (Tags{{"run", "r1"}, {"step", "build"}}));
  EXPECT_EQ(launch(setup_.home, machine.image_id, launch_token), machine_id);
  std::unique_ptr<Cloud> other = setup_.open();
  EXPECT_EQ(other->find_machine(setup_.home, machine_id)->image_id, machine.image_id);
  auto listed = [&](const MachineFilter& filter) {
    return ids(other->list_machines(setup_.home, filter));
  };
  EXPECT_THAT(listed({}), ElementsAre(machine_id));
  EXPECT_THAT(listed({.tags = {{"run", "r1"}}, .tag_keys = {"step"}}), ElementsAre(machine_id));
  EXPECT_THAT(listed({.tags = {{"run", "r2"}}}), ElementsAre());
  EXPECT_THAT(listed({.tag_keys = {"run", "other"}}), ElementsAre());
  EXPECT_THAT(ids(cloud_->list_machines(setup_.guest, {})), ElementsAre());
  EXPECT_THAT(ids(cloud_->list_machines(setup_.away, {})), ElementsAre());
  EXPECT_EQ(cloud_->find_machine(setup_.guest, machine_id), std::nullopt);
}

void CloudMachineContract::check_machine_tags(const std::string& machine_id) {
  SCOPED_TRACE("machines: tags");
  cloud_->set_tags(setup_.home, machine_id, {{"step", "capture"}, {"more", "yes"}});
  cloud_->remove_tags(setup_.home, machine_id, {"run", "never there"});
  EXPECT_TRUE(eventually([&] {
    return cloud_->find_machine(setup_.home, machine_id)->tags ==
           Tags{{"more", "yes"}, {"step", "capture"}};
  }));
}

void CloudMachineContract::check_stopping(const std::string& machine_id) {
  SCOPED_TRACE("machines: stop, under a command");
  EXPECT_THAT(error_kind_of([&] {
                cloud_->create_image(setup_.home, machine_id, spec("too early"), token(), stop_);
              }),
              Optional(ErrorKind::conflict));
  wait_machine(
      setup_.home, machine_id, [](const Machine& m) { return m.reachable; }, "reachable");
  std::string command_id = start(machine_id, script("echo working; sleep 600"));
  EXPECT_TRUE(eventually([&] {
    std::string output;
    insist([&] {
      output = cloud_->read_command(setup_.home, machine_id, command_id, 0, 1s, stop_).output;
    });
    return output == "working\n" || !setup_.output_while_running;
  }));
  cloud_->stop_machine(setup_.home, machine_id);
  Machine machine = wait_machine(
      setup_.home, machine_id, [](const Machine& m) { return m.state == MachineState::stopped; },
      "stopped");
  EXPECT_FALSE(machine.reachable);
  cloud_->stop_machine(setup_.home, machine_id);
  EXPECT_THAT(error_kind_of([&] { start(machine_id, script("echo off")); }),
              Optional(ErrorKind::unavailable));
  EXPECT_EQ(cloud_->read_command(setup_.home, machine_id, command_id, 0, 0ms, stop_).state,
            CommandState::interrupted);
  EXPECT_THAT(ids(cloud_->list_machines(setup_.home, {})), Contains(machine_id));
}

void CloudMachineContract::check_image_of(const std::string& machine_id) {
  SCOPED_TRACE("images of a stopped machine");
  Machine machine = *cloud_->find_machine(setup_.home, machine_id);
  std::string once = token();
  ImageSpec wanted = spec("captured", {{"AMI-Type", "Golden"}});
  std::string image_id = cloud_->create_image(setup_.home, machine_id, wanted, once, stop_);
  EXPECT_EQ(setup_.open()->create_image(setup_.home, machine_id, wanted, once, stop_), image_id);
  Image image = wait_available(setup_.home, image_id);
  EXPECT_EQ(cloud_->create_image(setup_.home, machine_id, wanted, once, stop_), image_id);
  EXPECT_EQ(image.name, "captured");
  EXPECT_EQ(image.tags, (Tags{{"AMI-Type", "Golden"}}));
  EXPECT_EQ(image.source_image_id, machine.image_id);
  EXPECT_EQ(image.owner_id, setup_.home.account_id);
  EXPECT_EQ(cloud_->list_images(setup_.home, {.name = "captured"}).size(), 1u);
  EXPECT_GE(image.disk_size_bytes, wait_available(setup_.home, machine.image_id).disk_size_bytes);
  EXPECT_THAT(
      error_kind_of([&] { cloud_->create_image(setup_.home, machine_id, wanted, token(), stop_); }),
      Optional(ErrorKind::conflict));
  EXPECT_THAT(error_kind_of([&] {
                cloud_->create_image(setup_.home, machine_id, spec("a;b"), token(), stop_);
              }),
              Optional(ErrorKind::usage));
  EXPECT_TRUE(absent(error_kind_of(
      [&] { cloud_->create_image(setup_.guest, machine_id, spec("stolen"), token(), stop_); })));
}

void CloudMachineContract::check_machine_removal(const std::string& machine_id) {
  SCOPED_TRACE("machines: removal");
  EXPECT_THAT(error_kind_of([&] { cloud_->remove_machine(setup_.guest, machine_id); }),
              AnyOf(Eq(std::nullopt), Optional(ErrorKind::denied), Optional(ErrorKind::not_found)));
  EXPECT_FALSE(is_gone(cloud_->find_machine(setup_.home, machine_id)));
  cloud_->remove_machine(setup_.home, machine_id);
  cloud_->remove_machine(setup_.home, machine_id);
  EXPECT_TRUE(eventually([&] { return is_gone(cloud_->find_machine(setup_.home, machine_id)); }));
  EXPECT_THAT(ids(cloud_->list_machines(setup_.home, {})), Not(Contains(machine_id)));
  setup_.open()->remove_machine(setup_.home, machine_id);
  EXPECT_THAT(error_kind_of([&] { start(machine_id, script("echo gone")); }),
              AnyOf(Optional(ErrorKind::not_found), Optional(ErrorKind::unavailable)));
}

TEST_P(CloudMachineContract, RunsCommands) {
  std::string image_id = available_image(setup_.home, "to boot");
  std::string machine_id = launch(setup_.home, image_id, token());
  EXPECT_THAT(
      error_kind_of([&] { start(machine_id, script("echo too early")); }),
      AnyOf(Eq(std::nullopt), Optional(ErrorKind::unavailable), Optional(ErrorKind::not_found)));
  wait_machine(
      setup_.home, machine_id, [](const Machine& m) { return m.reachable; }, "reachable");
  check_commands(machine_id);
  check_streaming(machine_id);
  check_limits(machine_id);
  check_bad_commands(machine_id);
  check_reboot(machine_id);
  cloud_->remove_machine(setup_.home, machine_id);
}

TEST_P(CloudMachineContract, LivesStopsIsCapturedAndGoes) {
  std::string image_id = available_image(setup_.home, "to capture");
  std::string once = token();
  std::string machine_id = launch(setup_.home, image_id, once, {{"run", "r1"}, {"step", "build"}});
  check_machine_listing(machine_id, once);
  check_machine_tags(machine_id);
  check_stopping(machine_id);
  check_image_of(machine_id);
  check_machine_removal(machine_id);
  EXPECT_TRUE(eventually([&] { return cloud_->list_machines(setup_.home, {}).empty(); }));
}

TEST_P(CloudMachineContract, GuestLaunchesWhatIsSharedAndTheDeadlineEndsIt) {
  std::string image_id = available_image(setup_.home, "to share");
  EXPECT_TRUE(absent(error_kind_of([&] { launch(setup_.guest, image_id, token()); })));
  EXPECT_TRUE(absent(error_kind_of([&] { launch(setup_.away, image_id, token()); })));
  cloud_->share_image(setup_.home, image_id, setup_.guest.account_id);
  setup_.machine.deadline = setup_.clock->now() + setup_.deadline_after;
  std::string machine_id;
  std::string once = token();
  insist([&] { machine_id = launch(setup_.guest, image_id, once); });
  Machine machine = wait_machine(
      setup_.guest, machine_id, [](const Machine& m) { return m.state == MachineState::running; },
      "running");
  EXPECT_EQ(machine.account_id, setup_.guest.account_id);
  EXPECT_EQ(machine.image_id, image_id);
  EXPECT_EQ(cloud_->find_machine(setup_.home, machine_id), std::nullopt);
  EXPECT_TRUE(eventually([&] { return is_off(cloud_->find_machine(setup_.guest, machine_id)); }))
      << "still on after its deadline";
  EXPECT_GE(setup_.clock->now(), *setup_.machine.deadline);
  cloud_->remove_machine(setup_.guest, machine_id);

  cloud_->unshare_image(setup_.home, image_id, setup_.guest.account_id);
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.guest, image_id); }));
  EXPECT_TRUE(absent(error_kind_of([&] { launch(setup_.guest, image_id, token()); })));
}

}  // namespace hallmark::cloud
