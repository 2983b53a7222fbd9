/// Several engines and processes around one database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>

#include "base/error.h"
#include "db/testing.h"
#include "workflow/engine.h"
#include "workflow/lease.h"

namespace hallmark::workflow {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Duration kForEver = std::chrono::hours(24 * 365);

std::unique_ptr<db::Database> open(const TempDir& dir) {
  return db::Database::open(db::test_database_url(dir.path() / "state.db"));
}

TEST(Recovery, TwoEnginesRaceForTheSameRuns) {
  TempDir dir;
  SystemClock clock;
  auto first = open(dir), second = open(dir);
  std::atomic<int> effects = 0;
  std::vector<WorkflowDefinition> flow = {{"flow", 1, [&](workflow::Run& run) -> Json {
                                             for (const char* key : {"a", "b", "c"}) {
                                               run.step(key, [&](Step&) { ++effects; });
                                             }
                                             return 1;
                                           }}};
  Engine one(*first, clock, flow, {}), two(*second, clock, flow, {});
  constexpr int kRuns = 20;
  for (int i = 0; i < kRuns; ++i) one.start("flow", "s", i);
  {
    std::jthread thread_one([&] { one.drive_due(2, {}); });
    std::jthread thread_two([&] { two.drive_due(2, {}); });
  }
  EXPECT_EQ(3 * kRuns, effects);
  EXPECT_EQ(20u, one.list({.states = {RunState::succeeded}}).size());
}

TEST(Recovery, ARunThatIsHeldIsRefusedByName) {
  TempDir dir;
  SystemClock clock;
  auto first = open(dir), second = open(dir);
  std::latch inside(1), done(1);
  std::vector<WorkflowDefinition> flow = {{"flow", 1, [&](workflow::Run& run) -> Json {
                                             run.step("long", [&](Step&) {
                                               inside.count_down();
                                               done.wait();
                                             });
                                             return 1;
                                           }}};
  // A lease that has run out long ago does not matter while the holder is seen to live, if nobody
  // on another machine could be looking.
  EngineOptions short_lease;
  if (!first->shared()) short_lease.lease = Duration(0);
  Engine one(*first, clock, flow, short_lease), two(*second, clock, flow, short_lease);
  one.start("flow", "s", nullptr, "run-1");
  std::jthread thread([&] { one.drive("run-1", kForEver, {}); });
  inside.wait();
  for (Engine* engine : {&one, &two}) {
    try {
      engine->drive("run-1", kForEver, {});
      ADD_FAILURE() << "two drove the same run";
    } catch (const Error& error) {
      EXPECT_EQ(ErrorKind::conflict, error.kind());
      EXPECT_THAT(error.message(), HasSubstr(std::to_string(::getpid())));
    }
  }
  two.drive_due(1, {});
  EXPECT_EQ(RunState::running, two.show("run-1").state);
  done.count_down();
  thread.join();
  EXPECT_EQ(RunState::succeeded, two.show("run-1").state);
}

TEST(Recovery, AnEngineThatLostItsLeaseWritesNothingMore) {
  TempDir dir;
  SystemClock clock;
  auto database = open(dir);
  int later = 0;
  std::vector<WorkflowDefinition> flow = {
      {"flow", 1, [&](workflow::Run& run) -> Json {
         run.step("first", [&](Step&) {
           // As another host would, thinking us dead.
           database->transaction([](db::Connection& c) {
             c.execute("UPDATE runs SET lease_owner = 'elsewhere:1:1:x:engine-1'", {});
           });
         });
         run.step("second", [&](Step&) { ++later; });
         return 1;
       }}};
  Engine engine(*database, clock, flow, {});
  engine.start("flow", "s", nullptr, "run-1");
  EXPECT_THROW(engine.drive("run-1", kForEver, {}), Error);
  EXPECT_EQ(0, later);
  // That it runs may have been shown before.
  for (const StepInfo& step : engine.steps("run-1")) EXPECT_EQ(StepState::running, step.state);
  EXPECT_EQ(RunState::running, engine.show("run-1").state);
}

TEST(Recovery, AProcessKilledInMidRunIsTakenOverAtOnce) {
  TempDir dir;
  const Path effects = dir.path() / "effects";
  int ready[2];
  ASSERT_EQ(0, ::pipe(ready));
  auto flow = [&](bool hang) {
    return std::vector<WorkflowDefinition>{
        {"flow", 1, [&, hang](workflow::Run& run) -> Json {
           run.step("first", [&](Step&) { append_file(effects, "first\n"); });
           run.on_exit("clean", ExitOn::always, [&](Step&) { append_file(effects, "clean\n"); });
           run.step("second", [&](Step&) {
             if (hang && ::write(ready[1], "x", 1) == 1) ::pause();
             append_file(effects, "second\n");
           });
           return "done";
         }}};
  };
  pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    SystemClock clock;
    auto database = open(dir);
    Engine engine(*database, clock, flow(true), {});
    engine.start("flow", "s", nullptr, "run-1");
    engine.drive("run-1", kForEver, {});
    ::_exit(0);
  }
  ::close(ready[1]);
  char byte;
  ASSERT_EQ(1, ::read(ready[0], &byte, 1));
  ::close(ready[0]);
  SystemClock clock;
  auto database = open(dir);
  Engine engine(*database, clock, flow(false), {});
  try {
    engine.drive("run-1", kForEver, {});
    ADD_FAILURE() << "the child still lived";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr(std::to_string(child)));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(std::nullopt, engine.drive_due(2, {}));
  EXPECT_EQ(Json("done"), engine.show("run-1").result);
  EXPECT_EQ("first\nsecond\nclean\n", read_file(effects));
}

TEST(Recovery, ACancellationFromElsewhereReachesALongStep) {
  TempDir dir;
  SystemClock clock;
  auto first = open(dir), second = open(dir);
  std::latch inside(1);
  std::vector<WorkflowDefinition> flow = {{"flow", 1, [&](workflow::Run& run) -> Json {
                                             run.step("long", [&](Step& step) {
                                               inside.count_down();
                                               std::mutex mutex;
                                               std::unique_lock lock(mutex);
                                               std::condition_variable_any().wait(
                                                   lock, step.stop(), [] { return false; });
                                               throw Error(ErrorKind::cancelled, "stopped");
                                             });
                                             return 1;
                                           }}};
  Engine one(*first, clock, flow, {}), two(*second, clock, flow, {});
  one.start("flow", "s", nullptr, "run-1");
  std::jthread thread([&] { one.drive("run-1", kForEver, {}); });
  inside.wait();
  two.cancel("run-1");
  thread.join();
  EXPECT_EQ(RunState::cancelled, two.show("run-1").state);
}

TEST(Recovery, RunOfADeadProcessIsPending) {
  TempDir dir;
  SystemClock clock;
  auto database = open(dir);
  Engine engine(*database, clock, {{"flow", 1, [](workflow::Run&) -> Json { return 1; }}}, {});
  engine.start("flow", "s", nullptr, "run-1");
  std::string dead;
  {
    LeaseIdentity identity;
    dead = identity.owner();
  }
  database->transaction([&](db::Connection& c) {
    c.execute("UPDATE runs SET state = 'running', lease_owner = :owner, lease_expires_at = :later",
              {{"owner", dead}, {"later", to_rfc3339(clock.now() + 1h)}});
  });
  EXPECT_EQ(RunState::pending, engine.show("run-1").state);
  EXPECT_EQ("", engine.show("run-1").lease_owner);
  EXPECT_EQ(1u, engine.list({.states = {RunState::pending}}).size());
  EXPECT_EQ(0u, engine.list({.states = {RunState::running}}).size());
  EXPECT_EQ(1u, engine.list({}).size());
}

TEST(Lease, KnowsTheLivingFromTheDead) {
  const TimePoint now = from_rfc3339("2026-01-01T00:00:00Z");
  const LeaseTime alone{.now = now};
  const LeaseTime shared{.now = now, .shared = true, .server_started_at = now - 24h};
  const LeaseTime restarted{.now = now, .shared = true, .server_started_at = now - 10s};
  constexpr const char* kElsewhere = "elsewhere:1:1:scope:engine-1";
  std::string owner;
  {
    LeaseIdentity identity;
    owner = identity.owner();
    EXPECT_TRUE(lease_holds(owner, now - 1h, alone, 30s));
    EXPECT_TRUE(lease_holds(owner, now + 1h, shared, 30s));
    EXPECT_FALSE(lease_holds(owner, now - 1h, shared, 30s)) << "it may be frozen";
  }
  EXPECT_FALSE(lease_holds(owner, now + 1h, alone, 30s));
  EXPECT_FALSE(lease_holds(owner, now + 1h, shared, 30s));
  for (const LeaseTime& time : {alone, shared}) {
    EXPECT_TRUE(lease_holds(kElsewhere, now + 1h, time, 30s));
    EXPECT_FALSE(lease_holds(kElsewhere, now - 1h, time, 30s));
    EXPECT_FALSE(lease_holds("", now - 1h, time, 30s));
  }
  EXPECT_TRUE(lease_holds(kElsewhere, now - 1s, restarted, 30s)) << "nobody could renew it";
  EXPECT_FALSE(lease_holds(kElsewhere, now - 1s, restarted, 5s));
}

}  // namespace
}  // namespace hallmark::workflow
