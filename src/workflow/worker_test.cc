/// Workers side by side, and what each may do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>

#include "base/testing.h"
#include "db/testing.h"
#include "workflow/duty.h"
#include "workflow/engine.h"

namespace hallmark::workflow {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Duration kForEver = std::chrono::hours(24 * 365);
constexpr auto kSoon = 20s;

std::unique_ptr<db::Database> open(const TempDir& dir) {
  return db::Database::open(db::test_database_url(dir.path() / "state.db"));
}

/// Looks, in real time, until it is so.
bool comes_about(const std::function<bool()>& is_so) {
  const auto late = std::chrono::steady_clock::now() + kSoon;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > late) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

/// An engine that works until it goes.
struct Worker {
  Worker(db::Database& database, Clock& clock, std::vector<WorkflowDefinition> flows)
      : engine(database, clock, std::move(flows), {}),
        thread([this](std::stop_token stop) { engine.work(2, stop); }) {}
  Engine engine;
  std::jthread thread;
};

TEST(Worker, SeveralShareWhatThereIs) {
  TempDir dir;
  SystemClock clock;
  auto first = open(dir), second = open(dir);
  std::atomic<int> effects = 0;
  const std::vector<WorkflowDefinition> flow = {{"flow", 1, [&](workflow::Run& run) -> Json {
                                                   for (const char* key : {"a", "b"})
                                                     run.step(key, [&](Step&) { ++effects; });
                                                   run.wait_for_signal("go", "go", kForEver,
                                                                       "the word");
                                                   run.step("c", [&](Step&) { ++effects; });
                                                   return 1;
                                                 }}};
  Engine starter(*first, clock, flow, {});
  Worker one(*first, clock, flow), two(*second, clock, flow);
  constexpr int kRuns = 20;
  std::vector<std::string> runs;
  for (int i = 0; i < kRuns; ++i) runs.push_back(starter.start("flow", "s", i));
  EXPECT_TRUE(comes_about([&] { return effects == 2 * kRuns; }));
  for (const std::string& run : runs) starter.signal(run, "go", 1);
  EXPECT_TRUE(
      comes_about([&] { return starter.list({.states = {RunState::succeeded}}).size() == kRuns; }));
  EXPECT_EQ(3 * kRuns, effects);
}

TEST(Worker, LeavesRunsOfOtherVersionsToOthers) {
  TempDir dir;
  SystemClock clock;
  auto database = open(dir);
  auto flow = [](int version) {
    return std::vector<WorkflowDefinition>{
        {"flow", version, [version](workflow::Run&) -> Json { return version; }}};
  };
  Engine older(*database, clock, flow(1), {}), newer(*database, clock, flow(2), {});
  const std::string old_run = older.start("flow", "s", 1), new_run = newer.start("flow", "s", 1);
  {
    Worker worker(*database, clock, flow(2));
    EXPECT_TRUE(comes_about([&] { return newer.show(new_run).state == RunState::succeeded; }));
  }
  EXPECT_EQ(RunState::pending, newer.show(old_run).state);
  Worker worker(*database, clock, flow(1));
  EXPECT_TRUE(comes_about([&] { return newer.show(old_run).state == RunState::succeeded; }));
}

TEST(Worker, GivesBackWhatItDrivesWhenItIsStopped) {
  TempDir dir;
  SystemClock clock;
  auto database = open(dir);
  std::latch inside(1);
  const std::vector<WorkflowDefinition> flow = {{"flow", 1, [&](workflow::Run& run) -> Json {
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
  Engine starter(*database, clock, flow, {});
  const std::string run = starter.start("flow", "s", 1);
  {
    Worker worker(*database, clock, flow);
    inside.wait();
  }
  EXPECT_EQ(RunState::pending, starter.show(run).state);
}

TEST(Worker, AFrozenOneLosesItsRunsOnlyWhereOthersCannotSeeThatItLives) {
  TempDir dir;
  const Path effects = dir.path() / "effects";
  int ready[2];
  ASSERT_EQ(0, ::pipe(ready));
  EngineOptions options;
  options.lease = 500ms;
  auto flow = [&](bool hang) {
    return std::vector<WorkflowDefinition>{
        {"flow", 1, [&, hang](workflow::Run& run) -> Json {
           run.step("first", [&](Step&) {
             if (hang && ::write(ready[1], "x", 1) == 1) std::this_thread::sleep_for(200ms);
             append_file(effects, hang ? "first of the frozen\n" : "first\n");
           });
           run.step("second", [&](Step&) { append_file(effects, hang ? "bad\n" : "second\n"); });
           return hang ? "frozen" : "done";
         }}};
  };
  open(dir);
  pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    int code = 1;
    try {
      SystemClock clock;
      auto database = open(dir);
      Engine engine(*database, clock, flow(true), options);
      engine.start("flow", "s", nullptr, "run-1");
      engine.drive("run-1", kForEver, {});
      code = 0;
    } catch (const Error& error) {
      code = error.message().find("taken over") == std::string::npos ? 2 : 3;
    }
    ::_exit(code);
  }
  char byte;
  ASSERT_EQ(1, ::read(ready[0], &byte, 1));
  ::kill(child, SIGSTOP);
  std::this_thread::sleep_for(1s);
  SystemClock clock;
  auto database = open(dir);
  Engine engine(*database, clock, flow(false), options);
  const bool shared = database->shared();
  if (shared) {
    EXPECT_TRUE(comes_about([&] {
      engine.drive_due(1, {});
      return ended(engine.show("run-1").state);
    }));
    EXPECT_EQ(Json("done"), engine.show("run-1").result);
  } else {
    EXPECT_EQ(ErrorKind::conflict, kind_of([&] { engine.drive("run-1", kForEver, {}); }));
  }
  ::kill(child, SIGCONT);
  int status = -1;
  ::waitpid(child, &status, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_EQ(shared ? 3 : 0, WEXITSTATUS(status));
  EXPECT_EQ(Json(shared ? "done" : "frozen"), engine.show("run-1").result);
  EXPECT_EQ(shared ? "first\nsecond\nfirst of the frozen\n" : "first of the frozen\nbad\n",
            read_file(effects));
}

TEST(Worker, TheDatabasesTimeDecidesLeasesWhereItHasOne) {
  TempDir dir;
  SystemClock real;
  ManualClock ahead(real.now() + 24h);
  auto database = open(dir);
  const std::vector<WorkflowDefinition> flow = {
      {"flow", 1, [](workflow::Run&) -> Json { return 1; }}};
  Engine engine(*database, ahead, flow, {});
  const std::string run = engine.start("flow", "s", 1);
  database->transaction([&](db::Connection& c) {
    c.execute(
        "UPDATE runs SET state = 'running', lease_owner = 'elsewhere:1:1:x:engine-1',"
        " lease_expires_at = :later",
        {{"later", to_rfc3339(real.now() + 1h)}});
  });
  engine.drive_due(1, {});
  EXPECT_EQ(database->shared() ? RunState::running : RunState::succeeded, engine.show(run).state);
}

TEST(Duty, IsOnesAtATime) {
  TempDir dir;
  SystemClock clock;
  auto database = open(dir);
  Duty other(*database, clock, "reaper", 1h);
  {
    Duty first(*database, clock, "reaper", 1h);
    EXPECT_TRUE(first.mine());
    EXPECT_TRUE(first.mine());
    EXPECT_FALSE(other.mine());
    EXPECT_TRUE(Duty(*database, clock, "something else", 1h).mine());
  }
  EXPECT_TRUE(other.mine());
  // Who has died, or is frozen elsewhere, loses it with its term.
  database->transaction([&](db::Connection& c) {
    c.execute("UPDATE duties SET owner = 'elsewhere:1:1:x:engine-1', expires_at = :past",
              {{"past", to_rfc3339(clock.now() - 24h * 365)}});
  });
  Duty heir(*database, clock, "reaper", 1ms);
  EXPECT_TRUE(heir.mine());
  EXPECT_FALSE(other.mine());
}

}  // namespace
}  // namespace hallmark::workflow
