#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "base/log.h"
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

const Place kHere{"111122223333", "us-east-1"};
const Place kElsewhere{"111122223333", "eu-west-1"};

class Hooks : public ::testing::Test {
 protected:
  ManualClock clock_{from_rfc3339("2026-11-22T17:05:01Z")};
  TimePoint began_ = clock_.now();
  Duration passed() const { return clock_.now() - began_; }
  CallInfo reading_{.operation = "find_image", .place = kHere, .subject_id = "ami-1"};
};

// --- retrying -----------------------------------------------------------------------------------

/// A call that throws errors of these kinds, one after the other, and then succeeds.
struct Flaky {
  std::vector<ErrorKind> kinds;
  int calls = 0;
  void operator()() {
    std::size_t at = static_cast<std::size_t>(calls++);
    if (at < kinds.size()) throw Error(kinds[at], "flaky");
  }
};

TEST_F(Hooks, RetriesWhatPasses) {
  Retrying retrying(clock_, {}, 1);
  Flaky call{{ErrorKind::throttled, ErrorKind::unavailable, ErrorKind::throttled}};
  retrying.around(reading_, [&] { call(); });
  EXPECT_EQ(call.calls, 4);
  EXPECT_GT(passed(), 0s);
  // The longest it may wait: 1 s, 200 ms, 4 s.
  EXPECT_LE(passed(), 5200ms);
}

TEST_F(Hooks, NeverRetriesWhatStays) {
  Retrying retrying(clock_, {}, 1);
  for (ErrorKind kind : {ErrorKind::usage, ErrorKind::not_found, ErrorKind::conflict,
                         ErrorKind::denied, ErrorKind::corrupt, ErrorKind::cancelled}) {
    Flaky call{{kind, kind}};
    EXPECT_THAT(error_kind_of([&] { retrying.around(reading_, [&] { call(); }); }), Optional(kind));
    EXPECT_EQ(call.calls, 1);
  }
  EXPECT_EQ(passed(), 0s);
}

TEST_F(Hooks, RetriesOnlySoOften) {
  Retrying retrying(clock_, {.attempts = 3}, 1);
  Flaky call{std::vector(10, ErrorKind::unavailable)};
  try {
    retrying.around(reading_, [&] { call(); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.notes(), ElementsAre("after 3 attempts of find_image"));
  }
  EXPECT_EQ(call.calls, 3);
}

TEST_F(Hooks, RetriesOnlySoLong) {
  Retrying retrying(clock_, {.attempts = 1000, .total_time = 30s}, 1);
  Flaky call{std::vector(1000, ErrorKind::throttled)};
  EXPECT_THAT(error_kind_of([&] { retrying.around(reading_, [&] { call(); }); }),
              Optional(ErrorKind::throttled));
  EXPECT_LE(passed(), 30s);
  EXPECT_GT(call.calls, 3);
}

TEST_F(Hooks, BacksOffDifferentlyForDifferentCallers) {
  std::vector<Duration> waits;
  for (std::uint64_t seed : {1, 2, 3}) {
    TimePoint before = clock_.now();
    Retrying retrying(clock_, {}, seed);
    Flaky call{{ErrorKind::throttled}};
    retrying.around(reading_, [&] { call(); });
    waits.push_back(clock_.now() - before);
    EXPECT_LE(waits.back(), 1s);
  }
  EXPECT_NE(waits[0], waits[1]);
  EXPECT_NE(waits[1], waits[2]);
}

TEST_F(Hooks, UnrepeatableCallsAreRepeatedOnlyIfTheyCannotHaveHappened) {
  Retrying retrying(clock_, {}, 1);
  CallInfo info{
      .operation = "put_parameter", .place = kHere, .mutating = true, .repeatable = false};
  Flaky throttled{{ErrorKind::throttled}};
  retrying.around(info, [&] { throttled(); });
  EXPECT_EQ(throttled.calls, 2);
  Flaky lost{{ErrorKind::unavailable}};
  EXPECT_THAT(error_kind_of([&] { retrying.around(info, [&] { lost(); }); }),
              Optional(ErrorKind::unavailable));
  EXPECT_EQ(lost.calls, 1);
}

TEST_F(Hooks, StoppingEndsTheWait) {
  std::stop_source source;
  Retrying retrying(clock_, {}, 1);
  CallInfo info{.operation = "import_image", .place = kHere, .stop = source.get_token()};
  Flaky call{std::vector(10, ErrorKind::unavailable)};
  EXPECT_THAT(error_kind_of([&] {
                retrying.around(info, [&] {
                  if (call.calls == 2) source.request_stop();
                  call();
                });
              }),
              Optional(ErrorKind::cancelled));
  EXPECT_EQ(call.calls, 3);
}

// --- limited ------------------------------------------------------------------------------------

TEST_F(Hooks, LimitsToTheRateAfterTheBurst) {
  Limited limited(clock_, {.operations = {{"find_image", {.burst = 3, .per_second = 2}}}});
  int calls = 0;
  for (int i = 0; i < 3; ++i) limited.around(reading_, [&] { ++calls; });
  EXPECT_EQ(passed(), 0s);
  for (int i = 0; i < 4; ++i) limited.around(reading_, [&] { ++calls; });
  EXPECT_EQ(passed(), 2s);
  EXPECT_EQ(calls, 7);
  // A long pause fills the bucket, and not more than that.
  clock_.advance(1h);
  TimePoint later = clock_.now();
  for (int i = 0; i < 5; ++i) limited.around(reading_, [&] { ++calls; });
  EXPECT_EQ(clock_.now() - later, 1s);
}

TEST_F(Hooks, EachAccountRegionAndOperationHasItsOwnBucket) {
  Limited limited(clock_, {.reading = {.burst = 1, .per_second = 0.1},
                           .mutating = {.burst = 1, .per_second = 0.01}});
  Place other_account{"444455556666", kHere.region};
  limited.around({.operation = "find_image", .place = kHere}, [] {});
  limited.around({.operation = "find_image", .place = kElsewhere}, [] {});
  limited.around({.operation = "find_image", .place = other_account}, [] {});
  limited.around({.operation = "list_images", .place = kHere}, [] {});
  limited.around({.operation = "set_tags", .place = kHere, .mutating = true}, [] {});
  EXPECT_EQ(passed(), 0s);
  limited.around({.operation = "find_image", .place = kHere}, [] {});
  EXPECT_EQ(passed(), 10s);
  limited.around({.operation = "set_tags", .place = kHere, .mutating = true}, [] {});
  EXPECT_EQ(passed(), 100s);
}

TEST_F(Hooks, StoppingWhileLimitedMakesNoCallAndTakesNoTurn) {
  Limited limited(clock_, {.reading = {.burst = 1, .per_second = 1}});
  std::stop_source source;
  source.request_stop();
  CallInfo stopped{.operation = "find_image", .place = kHere, .stop = source.get_token()};
  limited.around(reading_, [] {});
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(error_kind_of([&] { limited.around(stopped, [] { FAIL(); }); }),
                Optional(ErrorKind::cancelled));
  }
  limited.around(reading_, [] {});
  EXPECT_EQ(passed(), 1s);
}

TEST_F(Hooks, RatesThatLetNothingPassAreRefused) {
  for (Rate rate : {Rate{0, 1}, Rate{1, 0}, Rate{-1, 5}, Rate{5, -1}, Rate{0.5, 1}}) {
    EXPECT_THAT(error_kind_of([&] {
                  Limited(clock_, {.operations = {{"find_image", rate}}});
                }),
                Optional(ErrorKind::usage));
    EXPECT_THAT(error_kind_of([&] { Limited(clock_, {.mutating = rate}); }),
                Optional(ErrorKind::usage));
  }
}

TEST_F(Hooks, ThreadsShareABucketWithoutLosingCalls) {
  Limited limited(clock_, {.reading = {.burst = 10, .per_second = 10}});
  std::atomic<int> calls = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 25; ++j) limited.around(reading_, [&] { ++calls; });
      });
    }
  }
  EXPECT_EQ(calls, 100);
  EXPECT_GE(passed(), 8900ms);
  EXPECT_LE(passed(), 9100ms);
}

// --- logged -------------------------------------------------------------------------------------

TEST_F(Hooks, LogsOutcomesAndNoSecrets) {
  TempDir directory;
  Path log = directory.path() / "log";
  log_to_file(log);
  auto world = std::make_shared<MemoryWorld>(clock_);
  write_file(directory.path() / "disk", std::string(512, 'd'));
  HookedCloud cloud(std::make_shared<MemoryCloud>(world), {std::make_shared<Logged>(clock_)});
  std::string image_id =
      cloud.import_image(kHere, directory.path() / "disk", {.name = "logged"}, "t", {});
  std::string machine_id = cloud.launch_machine(kHere, {.image_id = image_id}, "m", {});
  cloud.find_machine(kHere, machine_id);
  cloud.start_command(kHere, machine_id,
                      {.script = "script-with-secret", .environment = {{"KEY", "hidden-value"}}},
                      "c");
  cloud.put_parameter(kHere, "/a", "parameter-secret", 0);
  EXPECT_THAT(error_kind_of([&] { cloud.put_parameter(kHere, "/a", "parameter-secret", 0); }),
              Optional(ErrorKind::conflict));
  log_error("flushes the log");
  std::string text = read_file(log);
  EXPECT_THAT(text, HasSubstr("import_image in 111122223333/us-east-1 of logged: ok"));
  EXPECT_THAT(text, HasSubstr("start_command in 111122223333/us-east-1 of " + machine_id + ": ok"));
  EXPECT_THAT(text, HasSubstr("put_parameter in 111122223333/us-east-1 of /a: conflict: "));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_THAT(text, Not(HasSubstr("hidden-value")));
}

// --- faulty -------------------------------------------------------------------------------------

TEST_F(Hooks, FailsBeforeAndAfterAsPlanned) {
  Faulty faulty({{.operation = "find_image",
                  .nth = 2,
                  .moment = FaultMoment::before,
                  .error = Error(ErrorKind::throttled, "planned")},
                 {.operation = "find_image", .nth = 3, .moment = FaultMoment::after}});
  int calls = 0;
  auto kind = [&] { return error_kind_of([&] { faulty.around(reading_, [&] { ++calls; }); }); };
  EXPECT_EQ(kind(), std::nullopt);
  EXPECT_THAT(kind(), Optional(ErrorKind::throttled));
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(kind(), Optional(ErrorKind::unavailable));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(kind(), std::nullopt);
}

TEST_F(Hooks, VisitsThePointsAroundEachCall) {
  std::vector<std::string> points;
  Faulty faulty({}, [&](std::string point) { points.push_back(point); });
  CallInfo launching{.operation = "launch_machine", .place = kHere};
  faulty.around(reading_, [] {});
  faulty.around(launching, [] {});
  EXPECT_THAT(error_kind_of([&] {
                faulty.around(reading_, [] { throw Error(ErrorKind::denied, "by itself"); });
              }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(points,
              ElementsAre("find_image#1 before", "find_image#1 after", "launch_machine#1 before",
                          "launch_machine#1 after", "find_image#2 before"));
}

// --- the wrapper --------------------------------------------------------------------------------

class Recording : public CallHook {
 public:
  struct Seen {
    std::string operation;
    Place place;
    std::string subject_id;
    bool mutating;
  };
  void around(const CallInfo& info, const std::function<void()>& call) override {
    seen.push_back(
        {std::string(info.operation), info.place, std::string(info.subject_id), info.mutating});
    call();
  }
  std::vector<Seen> seen;
};

TEST_F(Hooks, EveryCallOfTheInterfaceGoesThroughWithWhatItIsAbout) {
  TempDir directory;
  Path disk = directory.path() / "disk";
  write_file(disk, std::string(512, 'd'));
  auto world = std::make_shared<MemoryWorld>(clock_);
  auto hook = std::make_shared<Recording>();
  HookedCloud cloud(std::make_shared<MemoryCloud>(world), {hook});
  EXPECT_EQ(cloud.properties().name, "memory");

  std::string image = cloud.import_image(kHere, disk, {.name = "one"}, "t", {});
  cloud.find_image(kHere, image);
  cloud.list_images(kHere, {});
  std::string copy = cloud.copy_image(kElsewhere, image, kHere.region, {.name = "two"}, "t", {});
  cloud.open_image(kHere, image);
  cloud.share_image(kHere, image, "444455556666");
  cloud.list_shares(kHere, image);
  cloud.unshare_image(kHere, image, "444455556666");
  cloud.set_tags(kHere, image, {{"a", "b"}});
  cloud.remove_tags(kHere, image, {"a"});
  std::string machine = cloud.launch_machine(kHere, {.image_id = image}, "t", {});
  cloud.find_machine(kHere, machine);
  cloud.list_machines(kHere, {});
  std::string command = cloud.start_command(kHere, machine, {.script = "x"}, "t");
  cloud.read_command(kHere, machine, command, 0, 0ms, {});
  cloud.cancel_command(kHere, machine, command);
  cloud.stop_machine(kHere, machine);
  cloud.find_machine(kHere, machine);
  cloud.create_image(kHere, machine, {.name = "three"}, "t", {});
  cloud.remove_machine(kHere, machine);
  cloud.remove_image(kElsewhere, copy);
  cloud.put_parameter(kHere, "/a", "b", 0);
  cloud.get_parameter(kHere, "/a");
  cloud.list_parameters(kHere, "/");
  cloud.remove_parameter(kHere, "/a", 1);

  std::vector<std::string> seen;
  for (const Recording::Seen& each : hook->seen) {
    seen.push_back(each.operation + (each.mutating ? "! " : " ") + each.subject_id);
    bool copied = each.operation == "copy_image" || each.subject_id == copy;
    EXPECT_EQ(each.place, copied ? kElsewhere : kHere) << each.operation;
  }
  EXPECT_THAT(seen,
              ::testing::ElementsAreArray(std::vector<std::string>{"import_image! one",
                                                                   "find_image " + image,
                                                                   "list_images ",
                                                                   "copy_image! " + image,
                                                                   "open_image " + image,
                                                                   "share_image! " + image,
                                                                   "list_shares " + image,
                                                                   "unshare_image! " + image,
                                                                   "set_tags! " + image,
                                                                   "remove_tags! " + image,
                                                                   "launch_machine! " + image,
                                                                   "find_machine " + machine,
                                                                   "list_machines ",
                                                                   "start_command! " + machine,
                                                                   "read_command " + command,
                                                                   "cancel_command! " + command,
                                                                   "stop_machine! " + machine,
                                                                   "find_machine " + machine,
                                                                   "create_image! " + machine,
                                                                   "remove_machine! " + machine,
                                                                   "remove_image! " + copy,
                                                                   "put_parameter! /a",
                                                                   "get_parameter /a",
                                                                   "list_parameters /",
                                                                   "remove_parameter! /a"}));
}

TEST_F(Hooks, FirstHookIsOutermostAndLostAnswersOfCreatesAreSafe) {
  TempDir directory;
  Path disk = directory.path() / "disk";
  write_file(disk, std::string(512, 'd'));
  auto world = std::make_shared<MemoryWorld>(clock_);
  auto faulty = std::make_shared<Faulty>(
      std::vector<Fault>{{.operation = "import_image", .nth = 1, .moment = FaultMoment::after},
                         {.operation = "import_image", .nth = 2, .moment = FaultMoment::before}});
  auto memory = std::make_shared<MemoryCloud>(world);
  HookedCloud cloud(memory, {std::make_shared<Retrying>(clock_, RetryPolicy{}, 1), faulty});
  std::string image_id = cloud.import_image(kHere, disk, {.name = "one"}, "t", {});
  EXPECT_EQ(cloud.list_images(kHere, {}).at(0).image_id, image_id);
  EXPECT_EQ(world->effects("import_image"), 1);
  EXPECT_EQ(world->calls("import_image"), 2);
  // The other way round the faults are not retried.
  HookedCloud wrong(memory,
                    {std::make_shared<Faulty>(std::vector<Fault>{{.operation = "find_image"}}),
                     std::make_shared<Retrying>(clock_, RetryPolicy{}, 1)});
  EXPECT_THAT(error_kind_of([&] { wrong.find_image(kHere, image_id); }),
              Optional(ErrorKind::unavailable));
}

}  // namespace
}  // namespace hallmark::cloud
