#include "workflow/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/ids.h"
#include "base/testing.h"
#include "db/testing.h"

namespace hallmark::workflow {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Duration kForEver = std::chrono::hours(24 * 365);

/// A computer with one workflow on it; engines come and go.
class EngineTest : public testing::Test {
 protected:
  using Run = workflow::Run;  // testing::Test has a private Run
  Engine& engine(WorkflowFn fn, int version = 1) {
    EngineOptions options;
    options.log_directory = dir_.path() / "logs";
    options.hold_thread_below = hold_;
    engine_.reset();
    engine_ = std::make_unique<Engine>(
        *database_, clock_, std::vector<WorkflowDefinition>{{"flow", version, std::move(fn)}},
        options);
    return *engine_;
  }
  RunInfo run(WorkflowFn fn, Json input = nullptr) {
    Engine& e = engine(std::move(fn));
    e.start("flow", "subject", input, "run-1");
    return e.drive("run-1", kForEver, {});
  }
  std::vector<std::string> keys() {
    std::vector<std::string> keys;
    for (const StepInfo& step : engine_->steps("run-1")) keys.push_back(step.key);
    return keys;
  }

  TempDir dir_;
  std::unique_ptr<db::Database> database_ =
      db::Database::open(db::test_database_url(dir_.path() / "state.db"));
  ManualClock clock_{from_rfc3339("2026-01-01T00:00:00Z")};
  Duration hold_{2000};
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, AStepRecordsARunOfAnotherWorkflowOnce) {
  RunInfo info = run([&](Run& run) -> Json {
    run.step("start", [&](Step& step) {
      const std::string child = id_from_token("run", step.token());
      step.start_run(child, "flow", "child", 1);
      // As a step that is repeated: it may have other input by then.
      step.start_run(child, "flow", "child", 2);
      return child;
    });
    run.step("unknown", [](Step& step) { step.start_run("run-3", "nothing", "child", 1); });
    return {};
  });
  ASSERT_TRUE(info.error);
  EXPECT_EQ(ErrorKind::not_found, info.error->kind());
  const std::vector<RunInfo> children = engine_->list({.subject = "child"});
  ASSERT_EQ(1u, children.size());
  EXPECT_EQ(RunState::pending, children[0].state);
  EXPECT_EQ(Json(1), children[0].input);
}

TEST_F(EngineTest, RunsStepsAndRecordsResults) {
  std::string token;
  RunInfo info = run(
      [&](Run& run) -> Json {
        int doubled = run.step("double", [&](Step& step) {
          token = step.token();
          step.log("doubling\n");
          EXPECT_EQ(1, step.attempt());
          return run.input().at("n").get<int>() * 2;
        });
        run.step("nothing", [](Step&) {});
        run.note("said", "half way");
        return doubled + 1;
      },
      {{"n", 20}});
  EXPECT_EQ(RunState::succeeded, info.state);
  EXPECT_EQ(Json(41), info.result);
  EXPECT_EQ(clock_.now(), info.ended_at);
  EXPECT_EQ(sha256_hex("run-1\ndouble"), token);
  EXPECT_THAT(keys(), ElementsAre("double", "nothing", "said"));
  EXPECT_EQ("doubling\n", engine_->log("run-1", "double"));
  EXPECT_EQ("", engine_->log("run-1", "nothing"));
  EXPECT_EQ(Json(40), engine_->steps("run-1")[0].result);
  EXPECT_EQ(StepState::succeeded, engine_->steps("run-1")[2].state);
}

TEST_F(EngineTest, AnEndedRunIsNotDrivenAgain) {
  int calls = 0;
  auto fn = [&](Run& run) -> Json { return run.step("a", [&](Step&) { return ++calls; }); };
  run(fn);
  EXPECT_EQ(Json(1), run(fn).result);
  EXPECT_EQ(1, calls);
}

TEST_F(EngineTest, StartIsIdempotentForTheSameRun) {
  Engine& e = engine([](Run&) { return Json(); });
  EXPECT_EQ("run-1", e.start("flow", "s", 1, "run-1"));
  EXPECT_EQ("run-1", e.start("flow", "s", 1, "run-1"));
  EXPECT_EQ(ErrorKind::conflict, error_of([&] { e.start("flow", "s", 2, "run-1"); }).kind());
  Error unknown = error_of([&] { e.start("flwo", "s", 1); });
  EXPECT_EQ(ErrorKind::not_found, unknown.kind());
  EXPECT_THAT(unknown.hint(), HasSubstr("flow"));
  EXPECT_EQ(ErrorKind::not_found, error_of([&] { e.show("run-2"); }).kind());
  EXPECT_EQ(ErrorKind::not_found, error_of([&] { e.drive("run-2", kForEver, {}); }).kind());
}

TEST_F(EngineTest, RetriesByKindWithGrowingPauses) {
  hold_ = Duration(0);
  int calls = 0;
  const TimePoint start = clock_.now();
  RunInfo info = run([&](Run& run) -> Json {
    return run.step("flaky", [&](Step& step) {
      EXPECT_EQ(++calls, step.attempt());
      if (calls < 4) throw Error(ErrorKind::throttled, "slow down");
      return calls;
    });
  });
  EXPECT_EQ(Json(4), info.result);
  EXPECT_EQ(4, engine_->steps("run-1")[0].attempts);
  EXPECT_LE(clock_.now() - start, 500ms + 1000ms + 2000ms);
}

TEST_F(EngineTest, GivesUpAfterTheLastAttempt) {
  int calls = 0;
  RunInfo info = run([&](Run& run) -> Json {
    run.step(
        "flaky",
        [&](Step&) {
          ++calls;
          throw Error(ErrorKind::unavailable, "mirror down").hint("try tomorrow");
        },
        RetryPolicy{.max_attempts = 3});
    return 1;
  });
  EXPECT_EQ(3, calls);
  EXPECT_EQ(RunState::failed, info.state);
  EXPECT_EQ(ErrorKind::unavailable, info.error->kind());
  EXPECT_EQ("try tomorrow", info.error->hint());
}

TEST_F(EngineTest, OtherKindsAreNotRetriedAndAreThrownOnReplay) {
  hold_ = Duration(0);
  int calls = 0, seen = 0;
  RunInfo info = run([&](Run& run) -> Json {
    try {
      run.step("no", [&](Step&) {
        ++calls;
        throw Error(ErrorKind::failed, "exit 1");
      });
    } catch (const Error& error) {
      ++seen;
      EXPECT_EQ("exit 1", error.message());
    }
    run.sleep("later", 1h);
    return "went on";
  });
  EXPECT_EQ(1, calls);
  EXPECT_EQ(2, seen);
  EXPECT_EQ(Json("went on"), info.result);
}

TEST_F(EngineTest, OrdinaryExceptionsAreInternalErrors) {
  RunInfo info = run([&](Run& run) -> Json {
    run.step("bug", [](Step&) { throw std::runtime_error("oops"); });
    return 1;
  });
  EXPECT_EQ(ErrorKind::internal, info.error->kind());
  EXPECT_THAT(info.error->message(), HasSubstr("oops"));
}

TEST_F(EngineTest, ADuplicateKeyIsNamed) {
  RunInfo info = run([&](Run& run) -> Json {
    run.step("twice", [](Step&) {});
    run.sleep("twice", 1s);
    return 1;
  });
  EXPECT_EQ(RunState::failed, info.state);
  EXPECT_EQ(ErrorKind::internal, info.error->kind());
  EXPECT_THAT(info.error->message(), HasSubstr("\"twice\""));
}

TEST_F(EngineTest, SleepSuspendsAndKeepsItsDeadline) {
  auto fn = [](Run& run) -> Json {
    run.sleep("nap", 1h);
    return 1;
  };
  Engine& e = engine(fn);
  e.start("flow", "s", nullptr, "run-1");
  const TimePoint start = clock_.now();
  RunInfo info = e.drive("run-1", 10min, {});
  EXPECT_EQ(RunState::waiting, info.state);
  EXPECT_EQ(start + 1h, info.wake_at);
  EXPECT_THAT(info.waiting_for, HasSubstr("nap"));
  EXPECT_EQ("", info.lease_owner);
  EXPECT_EQ(start, clock_.now());
  EXPECT_EQ(start + 1h, e.drive_due(1, {}));
  clock_.advance(50min);
  Engine& second = engine(fn);
  EXPECT_EQ(RunState::succeeded, second.drive("run-1", 10min, {}).state);
  EXPECT_EQ(start + 1h, clock_.now());
}

TEST_F(EngineTest, PollLooksUntilThereIsAValue) {
  for (Duration hold : {Duration(0), Duration(1'000'000)}) {
    hold_ = hold;
    int looks = 0;
    auto fn = [&](Run& run) -> Json {
      return run.poll("ready", 1h, {}, [&](Step&) -> std::optional<std::string> {
        if (++looks == 3) throw Error(ErrorKind::unavailable, "not even there");
        if (looks < 10) return std::nullopt;
        return "yes";
      });
    };
    Engine& e = engine(fn);
    std::string id = e.start("flow", "s", nullptr);
    EXPECT_EQ(Json("yes"), e.drive(id, kForEver, {}).result);
    EXPECT_EQ(10, looks);
  }
}

TEST_F(EngineTest, PollTimesOutAndRemembers) {
  int looks = 0;
  const TimePoint start = clock_.now();
  RunInfo info = run([&](Run& run) -> Json {
    return run.poll("ready", 1min, {}, [&](Step&) -> std::optional<int> {
      ++looks;
      return std::nullopt;
    });
  });
  EXPECT_EQ(RunState::failed, info.state);
  EXPECT_EQ(ErrorKind::timeout, info.error->kind());
  EXPECT_EQ(start + 1min, clock_.now());
  EXPECT_GT(looks, 10);
  EXPECT_LT(looks, 40);
}

TEST_F(EngineTest, PollThrowsWhatIsNotAboutWaiting) {
  RunInfo info = run([&](Run& run) -> Json {
    return run.poll("ready", 1min, {}, [&](Step&) -> std::optional<int> {
      throw Error(ErrorKind::denied, "not yours");
    });
  });
  EXPECT_EQ(ErrorKind::denied, info.error->kind());
}

Json approval(Run& run) {
  auto said = run.wait_for_signal("approval", "decision", 48h, "the approval of Web-1.0");
  return said ? *said : Json("nobody came");
}

TEST_F(EngineTest, ASignalWakesTheRun) {
  RunInfo info = run(approval);
  EXPECT_EQ(RunState::waiting, info.state);
  EXPECT_EQ("the approval of Web-1.0", info.waiting_for);
  engine_->signal("run-1", "gossip", 1);
  EXPECT_EQ(RunState::waiting, engine_->drive("run-1", kForEver, {}).state);
  engine_->signal("run-1", "decision", {{"yes", true}});
  EXPECT_EQ(Json({{"yes", true}}), engine_->drive("run-1", kForEver, {}).result);
  EXPECT_EQ(ErrorKind::conflict, error_of([&] { engine_->signal("run-1", "decision", 2); }).kind());
  EXPECT_EQ(ErrorKind::not_found,
            error_of([&] { engine_->signal("run-2", "decision", 2); }).kind());
}

TEST_F(EngineTest, EarlySignalsAreKeptAndEachIsTakenOnce) {
  auto fn = [](Run& run) -> Json {
    Json all;
    for (const char* key : {"a", "b"}) {
      all.push_back(run.wait_for_signal(key, "number", 1h, "a number").value_or("none"));
    }
    return all;
  };
  Engine& e = engine(fn);
  e.start("flow", "s", nullptr, "run-1");
  e.signal("run-1", "number", 1);
  e.signal("run-1", "number", 2);
  e.signal("run-1", "number", 3);
  EXPECT_EQ(Json({1, 2}), e.drive("run-1", kForEver, {}).result);
}

TEST_F(EngineTest, ASignalThatNeverComesIsNothing) {
  run(approval);
  clock_.advance(48h);
  EXPECT_EQ(Json("nobody came"), engine_->drive("run-1", kForEver, {}).result);
}

TEST_F(EngineTest, ASignalSentWhileTheRunIsBusyIsNotSleptThrough) {
  // It arrives after the wait has looked and before the run is put aside.
  RunInfo info = run([&](Run& run) -> Json {
    std::vector<BranchOutcome> outcomes =
        run.branches({{"wait", approval},
                      {"send",
                       [&](Run& r) -> Json {
                         r.step("send", [&](Step&) { engine_->signal("run-1", "decision", "go"); });
                         return "sent";
                       }}},
                     1);
    return outcomes.at(0).result;
  });
  EXPECT_EQ(Json("go"), info.result);
}

TEST_F(EngineTest, BranchesRunSideBySideAndOneFailingDisturbsNobody) {
  for (int width : {1, 3}) {
    int effects = 0;
    std::mutex mutex;
    Engine& e = engine([&](Run& run) -> Json {
      std::vector<Run::Branch> branches;
      for (std::string region : {"a", "b", "c", "d"}) {
        branches.push_back({region, [&, region](Run& r) -> Json {
                              r.step("copy-" + region, [&](Step&) {
                                std::lock_guard lock(mutex);
                                ++effects;
                                if (region == "b") throw Error(ErrorKind::denied, "no share");
                              });
                              r.sleep("settle-" + region, 1h);
                              return region + "!";
                            }});
      }
      Json all;
      for (const BranchOutcome& outcome : run.branches(branches, width)) {
        all.push_back(outcome.error ? Json(outcome.error->message()) : outcome.result);
      }
      return all;
    });
    std::string id = e.start("flow", "s", nullptr);
    RunInfo waiting = e.drive(id, 1min, {});
    EXPECT_EQ(RunState::waiting, waiting.state);
    EXPECT_EQ(Json({"a!", "no share", "c!", "d!"}), e.drive(id, kForEver, {}).result);
    EXPECT_EQ(4, effects);
  }
}

TEST_F(EngineTest, CleanUpsRunInReverse) {
  for (bool fails : {false, true}) {
    std::vector<std::string> done;
    Engine& e = engine([&](Run& run) -> Json {
      for (std::string key : {"one", "two", "three", "dropped"}) {
        run.on_exit(key, key == "two" ? ExitOn::failure : ExitOn::always, [&, key](Step& step) {
          EXPECT_EQ(key, step.key());
          done.push_back(key);
        });
      }
      run.drop_on_exit("dropped");
      run.sleep("a while", 1h);
      if (fails) throw Error(ErrorKind::failed, "tests failed");
      return 1;
    });
    std::string id = e.start("flow", "s", nullptr);
    RunInfo info = e.drive(id, kForEver, {});
    EXPECT_EQ(fails ? RunState::failed : RunState::succeeded, info.state);
    if (fails) {
      EXPECT_THAT(done, ElementsAre("three", "two", "one"));
    } else {
      EXPECT_THAT(done, ElementsAre("three", "one"));
    }
  }
}

TEST_F(EngineTest, AFailingCleanUpIsSaidAndStopsNoOther) {
  hold_ = Duration(0);
  int last = 0, tries = 0;
  RunInfo info = run([&](Run& run) -> Json {
    run.on_exit("last", ExitOn::always, [&](Step&) { ++last; });
    run.on_exit("flaky", ExitOn::always, [&](Step&) {
      if (++tries < 3) throw Error(ErrorKind::throttled, "slow down");
    });
    run.on_exit("broken", ExitOn::always, [](Step&) { throw Error(ErrorKind::denied, "locked"); });
    return 1;
  });
  EXPECT_EQ(RunState::failed, info.state);
  EXPECT_THAT(info.error->full_text(), HasSubstr("clean-up \"broken\" failed: locked"));
  EXPECT_EQ(1, last);
  EXPECT_EQ(3, tries);
}

TEST_F(EngineTest, CancelWhileWaiting) {
  int cleaned = 0, after = 0;
  auto fn = [&](Run& run) -> Json {
    run.step("make", [](Step&) {});
    run.on_exit("remove", ExitOn::always, [&](Step& step) {
      EXPECT_FALSE(step.stop().stop_requested());
      ++cleaned;
    });
    approval(run);
    run.step("after", [&](Step&) { ++after; });
    return 1;
  };
  run(fn);
  engine_->cancel("run-1");
  EXPECT_TRUE(engine_->show("run-1").cancel_requested);
  engine(fn).drive_due(1, {});
  RunInfo info = engine_->show("run-1");
  EXPECT_EQ(RunState::cancelled, info.state);
  EXPECT_EQ(ErrorKind::cancelled, info.error->kind());
  EXPECT_EQ(1, cleaned);
  EXPECT_EQ(0, after);
  engine_->cancel("run-1");
}

TEST_F(EngineTest, CancelInMidStepIsNotRecorded) {
  bool again = false;
  auto fn = [&](Run& run) -> Json {
    return run.step("long", [&](Step& step) {
      if (again) return 7;
      engine_->cancel("run-1");
      EXPECT_TRUE(step.stop().stop_requested());
      throw Error(ErrorKind::failed, "killed by a signal");
    });
  };
  EXPECT_EQ(RunState::cancelled, run(fn).state);
  again = true;
  engine_->retry("run-1");
  EXPECT_EQ(Json(7), engine_->drive("run-1", kForEver, {}).result);
}

TEST_F(EngineTest, StopGivesTheRunBack) {
  std::stop_source stop;
  int calls = 0;
  auto fn = [&](Run& run) -> Json {
    run.step("first", [](Step&) {});
    return run.step("long", [&](Step& step) {
      if (++calls == 2) return 5;
      stop.request_stop();
      EXPECT_TRUE(step.stop().stop_requested());
      throw Error(ErrorKind::cancelled, "stopped");
    });
  };
  Engine& e = engine(fn);
  e.start("flow", "s", nullptr, "run-1");
  EXPECT_EQ(RunState::pending, e.drive("run-1", kForEver, stop.get_token()).state);
  EXPECT_THAT(keys(), ElementsAre("first"));
  EXPECT_EQ(std::nullopt, e.drive_due(2, {}));
  EXPECT_EQ(Json(5), e.show("run-1").result);
}

TEST_F(EngineTest, RetryStartsFromTheTopWithFreshTokens) {
  int tested = 0, cleaned = 0;
  std::vector<std::string> tokens;
  auto fn = [&](Run& run) -> Json {
    run.on_exit("clean", ExitOn::always, [&](Step&) { ++cleaned; });
    run.step("make", [&](Step& step) {
      tokens.push_back(step.token());
      step.log("round " + std::to_string(tokens.size()));
    });
    run.step("test", [&](Step&) {
      if (++tested == 1) throw Error(ErrorKind::failed, "test failed");
    });
    return "done";
  };
  EXPECT_EQ(RunState::failed, run(fn).state);
  engine_->retry("run-1");
  EXPECT_EQ(RunState::pending, engine_->show("run-1").state);
  EXPECT_EQ(2, engine_->show("run-1").round);
  EXPECT_EQ(Json("done"), engine_->drive("run-1", kForEver, {}).result);
  ASSERT_EQ(2u, tokens.size()) << "what the clean-up removed is made anew";
  EXPECT_NE(tokens[0], tokens[1]);
  EXPECT_EQ("round 2", engine_->log("run-1", "make"));
  EXPECT_EQ(2, tested);
  EXPECT_EQ(2, cleaned);
  EXPECT_EQ(ErrorKind::conflict, error_of([&] { engine_->retry("run-1"); }).kind());
}

TEST_F(EngineTest, AnUnknownVersionIsRefusedAndTheRunIntact) {
  run(approval);
  engine_->signal("run-1", "decision", "yes");
  Engine& newer = engine(approval, 2);
  RunInfo before = newer.show("run-1");
  Error error = error_of([&] { newer.drive("run-1", kForEver, {}); });
  EXPECT_EQ(ErrorKind::conflict, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("workflow flow version 1"));
  newer.drive_due(2, {});
  EXPECT_EQ(before.state, newer.show("run-1").state);
  EXPECT_EQ(before.updated_at, newer.show("run-1").updated_at);
  EXPECT_EQ(Json("yes"), engine(approval).drive("run-1", kForEver, {}).result);
}

TEST_F(EngineTest, AJournalOfOtherCodeIsRefusedAndTheRunIntact) {
  auto old_code = [](Run& run) -> Json {
    run.step("prepare", [](Step&) { return 1; });
    return approval(run);
  };
  run(old_code);
  engine_->signal("run-1", "decision", "yes");
  Engine& changed = engine([](Run& run) -> Json {
    run.on_exit("clean", ExitOn::always,
                [](Step&) { FAIL() << "an intact run is not cleaned up"; });
    run.sleep("prepare", 1h);
    return 1;
  });
  Error error = error_of([&] { changed.drive("run-1", kForEver, {}); });
  EXPECT_EQ(ErrorKind::conflict, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("\"prepare\" as a step"));
  changed.drive_due(1, {});
  EXPECT_EQ(RunState::waiting, changed.show("run-1").state);
  EXPECT_EQ(Json("yes"), engine(old_code).drive("run-1", kForEver, {}).result);
}

TEST_F(EngineTest, ClockJumpsLoseAndDoubleNothing) {
  hold_ = Duration(0);
  int effects = 0, looks = 0;
  auto fn = [&](Run& run) -> Json {
    run.step("effect", [&](Step&) { ++effects; });
    run.sleep("nap", 1h);
    run.step("effect-2", [&](Step&) { ++effects; });
    return run.poll("ready", 2h, {}, [&](Step&) -> std::optional<int> {
      if (++looks < 4) return std::nullopt;
      return 1;
    });
  };
  Engine& e = engine(fn);
  e.start("flow", "s", nullptr, "run-1");
  e.drive("run-1", 1min, {});
  clock_.advance(-48h);
  EXPECT_EQ(RunState::waiting, e.drive("run-1", 1min, {}).state);
  clock_.advance(49h);
  EXPECT_EQ(RunState::waiting, e.drive("run-1", 0ms, {}).state);
  clock_.advance(-24h);
  EXPECT_EQ(RunState::succeeded, e.drive("run-1", kForEver, {}).state);
  EXPECT_EQ(2, effects);
  EXPECT_EQ(4, looks);
}

TEST_F(EngineTest, DriveDueDrivesEverythingThatIsDue) {
  std::atomic<int> effects = 0;
  Engine& e = engine([&](Run& run) -> Json {
    run.step("a", [&](Step&) { ++effects; });
    run.sleep("nap", 1h);
    return 1;
  });
  for (int i = 0; i < 100; ++i) e.start("flow", "s", nullptr);
  EXPECT_EQ(clock_.now() + 1h, e.drive_due(4, {}));
  EXPECT_EQ(100, effects);
  EXPECT_EQ(100u, e.list({.states = {RunState::waiting}}).size());
  EXPECT_EQ(7u, e.list({.limit = 7}).size());
  EXPECT_TRUE(e.list({.workflow = "other"}).empty());
  clock_.advance(1h);
  EXPECT_EQ(std::nullopt, e.drive_due(4, {}));
  EXPECT_EQ(100u,
            e.list({.subject = "s", .states = {RunState::succeeded, RunState::failed}}).size());
}

TEST_F(EngineTest, ObserverHearsInOrder) {
  std::vector<std::string> heard;
  EngineOptions options;
  options.observer.run_changed = [&](const RunInfo& run) {
    heard.push_back(std::string(to_string(run.state)));
  };
  options.observer.step_changed = [&](const std::string&, const StepInfo& step) {
    heard.push_back(step.key + (step.state == StepState::running ? " starts" : " ends"));
  };
  options.observer.progress = [&](const std::string&, const std::string&, std::optional<double>,
                                  const std::string& text) { heard.push_back(text); };
  options.observer.log = [&](const std::string&, const std::string&, std::string_view text) {
    heard.push_back(std::string(text));
  };
  Engine e(*database_, clock_,
           {{"flow", 1,
             [](Run& run) -> Json {
               run.step("a", [](Step& step) {
                 step.progress(0.5, "half");
                 step.log("line");
               });
               return 1;
             }}},
           options);
  e.drive(e.start("flow", "s", nullptr), kForEver, {});
  EXPECT_THAT(heard,
              ElementsAre("pending", "running", "a starts", "half", "line", "a ends", "succeeded"));
}

}  // namespace
}  // namespace hallmark::workflow
