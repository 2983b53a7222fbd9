#pragma once
/// Starts runs, drives them, recovers them, and answers questions about them.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "db/database.h"
#include "workflow/run.h"

namespace hallmark::workflow {

enum class RunState {
  pending,  ///< never started, or given back by a process that died
  running,  ///< a live process holds its lease
  waiting,  ///< suspended: for a time, a poll or a signal
  succeeded,
  failed,
  cancelled,
};
std::string_view to_string(RunState state);
inline bool ended(RunState state) { return state >= RunState::succeeded; }

struct RunInfo {
  std::string run_id;
  std::string workflow;
  int workflow_version = 1;
  int round = 1;        ///< how often it was started from the top: one more with each retry
  std::string subject;  ///< what it is about, for people and look-ups ("Web-1.0/Debian-12/3")
  RunState state = RunState::pending;
  Json input;
  Json result;                 ///< when succeeded
  std::optional<Error> error;  ///< when failed or cancelled
  std::string waiting_for;     ///< when waiting: why
  std::optional<TimePoint> wake_at;
  bool cancel_requested = false;
  std::string lease_owner;  ///< when running: "host:pid:..." of the process
  TimePoint created_at{}, updated_at{};
  std::optional<TimePoint> ended_at;
};

enum class StepState { running, succeeded, failed, waiting };

/// One row of the journal.
struct StepInfo {
  std::string key;
  std::int64_t ordinal = 0;  ///< order of first start, for display
  std::string kind;          ///< "step", "sleep", "poll", "signal", "on_exit", "note"
  StepState state = StepState::running;
  int attempts = 0;
  Json result;
  std::optional<Error> error;
  TimePoint started_at{};
  std::optional<TimePoint> ended_at;
  std::optional<TimePoint> deadline;
};

struct RunFilter {
  std::optional<std::string> workflow;
  std::optional<std::string> subject;
  std::vector<RunState> states;  ///< empty: any
  int limit = 1000;              ///< newest first
};

/// Live news for a terminal; called from worker threads, one call at a time.
struct Observer {
  std::function<void(const RunInfo&)> run_changed;
  std::function<void(const std::string& run_id, const StepInfo&)> step_changed;
  std::function<void(const std::string& run_id, const std::string& key,
                     std::optional<double> fraction, const std::string& text)>
      progress;
  std::function<void(const std::string& run_id, const std::string& key, std::string_view text)> log;
};

/// Where tests make the engine die; every name ("before-commit/<key>", ...) is called in order.
/// Throwing from it, or _exit, is a crash. Empty in production.
using CrashPoint = std::function<void(const std::string& point)>;

struct EngineOptions {
  Path log_directory;  ///< step logs: <log_directory>/<run_id>/<key>.log
  /// A process on another machine that misses its heartbeat this long has died. On the same machine
  /// the kernel is asked instead: a dead process is noticed at once, and, if the database is of
  /// this machine alone, a live one is never taken for dead.
  Duration lease{30'000};
  Duration hold_thread_below{
      2'000};  ///< waits shorter than this keep the thread; 0: always suspend
  Observer observer;
  CrashPoint crash_point;
};

class Engine {
 public:
  /// Does not take ownership of the database or clock. Creates nothing; the database is migrated.
  Engine(db::Database& database, Clock& clock, std::vector<WorkflowDefinition> workflows,
         EngineOptions options);
  ~Engine();

  /// Records a new run; nothing runs yet. With `run_id` given, a second call with the same id and
  /// input returns it unchanged. Throws `not_found` for an unknown workflow.
  std::string start(const std::string& workflow, const std::string& subject, const Json& input,
                    std::optional<std::string> run_id = {});

  /// Drives that run in this thread until it ends, or waits for a signal or longer than
  /// `wait_at_most`, or `stop` is requested (the run goes back to pending, resumable). Returns how
  /// it stands. If another live process holds it, throws `conflict` that names it. A run whose
  /// workflow or version is not registered throws `conflict` and is left intact.
  RunInfo drive(const std::string& run_id, Duration wait_at_most, std::stop_token stop);

  /// Drives everything that is due with up to `width` threads until nothing is (or `stop`). Returns
  /// the earliest time something becomes due, if any. This is also crash recovery.
  std::optional<TimePoint> drive_due(int width, std::stop_token stop);

  /// Drives whatever is due whenever it is, with `width` threads, until `stop`; what it drives then
  /// goes back. One of any number of such workers on any number of machines: each run is driven by
  /// one of them, and by another if that one dies. Told of new work by the database, and looks now
  /// and then in any case. Runs of workflows or versions that are not registered are left to
  /// others. A database that is away is waited for; what goes wrong is logged and no end of it.
  void work(int width, std::stop_token stop);

  /// Throws `not_found`; `conflict` if the run has ended.
  void signal(const std::string& run_id, const std::string& name, const Json& payload);
  /// The run stops at its next step or wait, its clean-ups run, and it ends cancelled.
  void cancel(const std::string& run_id);
  /// Starts a failed or cancelled run from the top: fresh journal and tokens, the same input,
  /// signals that came before forgotten, logs of the round before kept beside. What its clean-ups
  /// removed is made anew; workflows look before they make, so what is in place stays. Throws
  /// `conflict` if it has not ended so.
  void retry(const std::string& run_id);

  RunInfo show(const std::string& run_id);  ///< throws `not_found`
  std::vector<RunInfo> list(const RunFilter& filter);
  std::vector<StepInfo> steps(const std::string& run_id);
  /// The step's log, empty if there is none.
  std::string log(const std::string& run_id, const std::string& key);
  Path log_path(const std::string& run_id, const std::string& key) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hallmark::workflow
