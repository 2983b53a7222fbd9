#include "workflow/crash_everywhere.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "workflow/ledger.h"

namespace hallmark::workflow {

namespace {

using namespace std::chrono_literals;

/// No handler of ours or of a workflow knows it.
struct Died {};

constexpr const char* kRunId = "run-crash";
// A run that needs more drives than this goes in circles.
constexpr int kMostDrives = 200;
// Recoveries are killed at a point between 1 and this, cycling: early points are the interesting
// ones.
constexpr int kAgainCycle = 13;

TimePoint start_of_time() { return from_rfc3339("2026-01-01T00:00:00Z"); }

/// RAM if there is some: the tests are about the order of commits, not about the disk.
Path fast_parent() {
  std::error_code ignored;
  return std::filesystem::is_directory("/dev/shm", ignored) ? Path("/dev/shm") : Path();
}

/// One directory, database and clock: what a computer keeps while processes come and go.
class Computer {
 public:
  Computer(const CrashScenario& scenario, const Path& empty_database)
      : scenario_(scenario), directory_(fast_parent()), clock_(start_of_time()) {
    std::filesystem::create_directory(directory_.path() / "world");
    std::filesystem::copy_file(empty_database, directory_.path() / "state.db");
  }

  std::unique_ptr<db::Database> open() {
    return db::Database::open("sqlite://" + (directory_.path() / "state.db").string() +
                              "?synchronous=off");
  }

  std::unique_ptr<CrashWorld> make_world(db::Database& database, CrashPlan& plan) {
    return scenario_.make_world({directory_.path() / "world", database, clock_, plan});
  }

  /// A process: starts the run, or finds it, and drives it to its end.
  RunInfo live(db::Database& database, CrashWorld& world, CrashPlan& plan) {
    EngineOptions options;
    options.log_directory = directory_.path() / "logs";
    options.hold_thread_below = scenario_.hold_thread_below;
    options.crash_point = [&plan](const std::string& point) { plan.hit(point); };
    Engine engine(database, clock_, world.workflows(), options);
    engine.start(scenario_.workflow, "crash test", scenario_.input, kRunId);
    for (int i = 0; i < kMostDrives; ++i) {
      RunInfo run = engine.drive(kRunId, 24h * 365, {});
      if (ended(run.state)) return run;
      if (!world.answer(engine, run)) {
        throw Error(ErrorKind::failed, "the run waits for something that nobody sends: {}",
                    run.waiting_for);
      }
    }
    throw Error(ErrorKind::failed, "the run did not end within {} drives", kMostDrives);
  }

  const CrashScenario& scenario() const { return scenario_; }

  void check(db::Database& database, CrashWorld& world, const RunInfo& run) {
    std::vector<LedgerEntry> left = Ledger(database, clock_).open();
    if (!left.empty()) {
      throw Error(ErrorKind::failed, "the ledger still has {} entries, first {} {}", left.size(),
                  left[0].kind, left[0].external_id);
    }
    world.check(run);
  }

 private:
  const CrashScenario& scenario_;
  TempDir directory_;
  ManualClock clock_;
};

void compare(const CrashScenario& scenario, const RunInfo& expected, const RunInfo& run) {
  auto comparable = [&](const Json& result) {
    return scenario.comparable ? scenario.comparable(result) : result;
  };
  if (run.state != expected.state) {
    throw Error(ErrorKind::failed, "it ended {} instead of {}{}", to_string(run.state),
                to_string(expected.state), run.error ? ": " + run.error->full_text() : "");
  }
  if (comparable(run.result) != comparable(expected.result)) {
    throw Error(ErrorKind::failed, "its result is {} instead of {}", compact(run.result),
                compact(expected.result));
  }
  if (run.error && run.error->kind() != expected.error->kind()) {
    throw Error(ErrorKind::failed, "it failed with: {}\ninstead of: {}", run.error->full_text(),
                expected.error->full_text());
  }
}

/// Whether the run got as far as dying at point `at`; checked if so.
bool crash_unwinding(Computer& computer, int at, int again_at, const RunInfo& expected) {
  CrashPlan plan(CrashPlan::Death::unwind, at);
  auto database = computer.open();
  auto world = computer.make_world(*database, plan);
  RunInfo run;
  bool died_before = false;
  while (true) {
    try {
      run = computer.live(*database, *world, plan);
      break;
    } catch (const Died&) {
      plan.revive(died_before ? 0 : again_at);
      died_before = true;
    }
  }
  if (!died_before) return false;
  compare(computer.scenario(), expected, run);
  computer.check(*database, *world, run);
  return true;
}

/// A life in a process of its own. Returns whether it died at point `at`.
bool live_in_child(Computer& computer, int at) {
  pid_t child = ::fork();
  if (child < 0) throw_errno(errno, "cannot fork");
  if (child == 0) {
    try {
      CrashPlan plan(CrashPlan::Death::process, at);
      auto database = computer.open();
      auto world = computer.make_world(*database, plan);
      computer.live(*database, *world, plan);
    } catch (const std::exception&) {
      // The parent, which goes on from here, meets the same problem and reports it.
    }
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw_errno(errno, "cannot wait for a child");
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == CrashPlan::kDeadExitCode;
}

bool crash_process(Computer& computer, int at, int again_at, const RunInfo& expected) {
  if (!live_in_child(computer, at)) return false;
  if (again_at > 0) live_in_child(computer, again_at);
  CrashPlan plan;
  auto database = computer.open();
  auto world = computer.make_world(*database, plan);
  RunInfo run = computer.live(*database, *world, plan);
  compare(computer.scenario(), expected, run);
  computer.check(*database, *world, run);
  return true;
}

}  // namespace

CrashPlan::CrashPlan(Death death, int at) : death_(death), at_(static_cast<std::size_t>(at)) {}

void CrashPlan::hit(const std::string& point) {
  std::lock_guard lock(mutex_);
  if (dead_) throw Died();
  passed_.push_back(point);
  if (death_ == Death::none || passed_.size() != at_) return;
  if (death_ == Death::process) ::_exit(kDeadExitCode);
  dead_ = true;
  throw Died();
}

std::vector<std::string> CrashPlan::passed() const {
  std::lock_guard lock(mutex_);
  return passed_;
}

bool CrashPlan::died() const {
  std::lock_guard lock(mutex_);
  return dead_;
}

void CrashPlan::revive(int again_at) {
  std::lock_guard lock(mutex_);
  dead_ = false;
  at_ = again_at > 0 ? passed_.size() + static_cast<std::size_t>(again_at) : 0;
}

CrashReport crash_everywhere(const CrashScenario& scenario, CrashPlan::Death death,
                             bool crash_again) {
  TempDir origin(fast_parent());
  const Path empty_database = origin.path() / "empty.db";
  db::Database::open("sqlite://" + empty_database.string() + "?synchronous=off");

  CrashReport report;
  {
    Computer computer(scenario, empty_database);
    CrashPlan plan;
    auto database = computer.open();
    auto world = computer.make_world(*database, plan);
    report.outcome = computer.live(*database, *world, plan);
    computer.check(*database, *world, report.outcome);
    report.names = plan.passed();
  }
  for (int at = 1;; ++at) {
    const int again_at = crash_again ? 1 + at % kAgainCycle : 0;
    try {
      Computer computer(scenario, empty_database);
      bool died = death == CrashPlan::Death::process
                      ? crash_process(computer, at, again_at, report.outcome)
                      : crash_unwinding(computer, at, again_at, report.outcome);
      if (!died) break;
    } catch (Error& error) {
      // With branches in threads the order differs a little from run to run; the name is a hint.
      const std::size_t index = static_cast<std::size_t>(at - 1);
      error.note(
          fmt::format("after a crash at point {} of {} ({}){}", at, report.names.size(),
                      index < report.names.size() ? report.names[index] : "?",
                      again_at > 0 ? fmt::format(" and again {} points later", again_at) : ""));
      throw;
    }
    report.points = at;
  }
  return report;
}

}  // namespace hallmark::workflow
