#include "workflow/crash_everywhere.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "workflow/ledger.h"

namespace hallmark::workflow {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A cloud of files: a thing is a file named by its token, so creating twice is creating once. It
/// dies before and after each effect.
class FileWorld : public CrashWorld {
 public:
  FileWorld(const CrashContext& context, bool careless)
      : context_(context), careless_(careless), ledger_(context.database, context.clock) {}

  std::vector<WorkflowDefinition> workflows() override {
    return {{"build", 1, [this](Run& run) { return build(run); }}};
  }

  bool answer(Engine& engine, const RunInfo& run) override {
    engine.signal(run.run_id, "decision", "yes");
    return true;
  }

  void check(const RunInfo& run) override {
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(context_.directory)) {
      left.push_back(entry.path().filename());
    }
    std::size_t expected = run.state == RunState::succeeded ? 3 : 0;
    if (left.size() != expected) {
      throw Error(ErrorKind::failed, "{} things are left instead of {}", left.size(), expected);
    }
  }

 private:
  std::string create(const std::string& kind, Step& step) {
    std::string id = careless_ ? random_id(kind) : id_from_token(kind, step.token());
    ledger_.plan({.entry_id = step.token(), .run_id = "run-crash", .kind = kind});
    context_.plan.hit("before create " + kind);
    write_file(context_.directory / id, kind);
    context_.plan.hit("after create " + kind);
    ledger_.created(step.token(), id);
    return id;
  }

  void remove(const std::string& id) {
    context_.plan.hit("before remove");
    hallmark::remove_all(context_.directory / id);
    context_.plan.hit("after remove");
    ledger_.released_external(id);
  }

  Json build(Run& run) {
    auto machine = run.step("launch", [&](Step& step) { return create("machine", step); });
    run.on_exit("remove-machine", ExitOn::always, [this, machine](Step&) { remove(machine); });
    run.poll("machine-ready", 1min, PollSchedule{.first = 1s}, [&](Step&) -> std::optional<bool> {
      bool ready = context_.clock.now() - run.started_at() >= 20s;
      return ready ? std::optional(true) : std::nullopt;
    });
    auto image = run.step("capture", [&](Step& step) { return create("image", step); });
    run.on_exit("remove-image", ExitOn::failure, [this, image](Step&) { remove(image); });
    if (run.input().value("fail", false)) {
      run.step("test", [](Step&) { throw Error(ErrorKind::failed, "a test failed"); });
    }
    auto said = run.wait_for_signal("approval", "decision", 48h, "approval");
    if (!said || *said != "yes") throw Error(ErrorKind::rejected, "no");
    std::vector<Run::Branch> branches;
    for (std::string region : {"a", "b"}) {
      branches.push_back(
          {region, [this, region](Run& r) -> Json {
             auto copy = r.step("copy-" + region,
                                [&](Step& step) { return create("copy" + region, step); });
             r.sleep("settle-" + region, 1h);
             r.step("release-" + region, [&](Step&) { ledger_.released_external(copy); });
             return copy;
           }});
    }
    Json copies = Json::array();
    for (const BranchOutcome& outcome : run.branches(branches, 2)) {
      if (outcome.error) throw *outcome.error;
      copies.push_back(outcome.result);
    }
    run.step("release", [&](Step&) { ledger_.released_external(image); });
    return {{"image", image}, {"copies", copies}};
  }

  CrashContext context_;
  const bool careless_;
  Ledger ledger_;
};

CrashScenario scenario(bool fail, bool careless = false) {
  return {.workflow = "build",
          .input = {{"fail", fail}},
          .make_world = [careless](const CrashContext& context) {
            return std::make_unique<FileWorld>(context, careless);
          }};
}

TEST(CrashEverywhere, ARunThatSucceeds) {
  CrashReport report = crash_everywhere(scenario(false), CrashPlan::Death::unwind);
  EXPECT_EQ(RunState::succeeded, report.outcome.state);
  EXPECT_GT(report.points, 40);
}

TEST(CrashEverywhere, ARunThatFailsByItself) {
  CrashReport report = crash_everywhere(scenario(true), CrashPlan::Death::unwind);
  EXPECT_EQ(RunState::failed, report.outcome.state);
  EXPECT_GT(report.points, 20);
}

TEST(CrashEverywhere, RecoveriesThatCrashAsWell) {
  CrashReport report = crash_everywhere(scenario(true), CrashPlan::Death::unwind, true);
  EXPECT_GT(report.points, 20);
}

TEST(CrashEverywhere, RealProcesses) {
  CrashReport report = crash_everywhere(scenario(true), CrashPlan::Death::process, true);
  EXPECT_EQ(RunState::failed, report.outcome.state);
  EXPECT_GT(report.points, 20);
}

TEST(CrashEverywhere, NothingHeldInThreads) {
  CrashScenario suspending = scenario(false);
  suspending.hold_thread_below = 0ms;
  CrashReport report = crash_everywhere(suspending, CrashPlan::Death::unwind);
  EXPECT_GT(report.points, 60);
}

TEST(CrashEverywhere, FindsAWorkflowThatIsCareless) {
  try {
    crash_everywhere(scenario(true, true), CrashPlan::Death::unwind);
    FAIL() << "creating under a new name each time leaks, and that went unnoticed";
  } catch (const Error& error) {
    EXPECT_THAT(error.full_text(), HasSubstr("after a crash at point"));
  }
}

}  // namespace
}  // namespace hallmark::workflow
