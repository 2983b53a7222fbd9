#pragma once
/// Runs a workflow once for every point at which it can be killed, kills it there, recovers, and
/// checks that nobody could tell. For tests; links no test library.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "db/database.h"
#include "workflow/engine.h"

namespace hallmark::workflow {

/// Counts the places where a process may die and dies at the chosen one. The engine hits it around
/// every commit; fakes hit it before and after every effect of theirs. Thread-safe.
class CrashPlan {
 public:
  enum class Death {
    none,
    unwind,   ///< throws a private exception that unwinds everything, once
    process,  ///< _exit(kDeadExitCode)
  };
  static constexpr int kDeadExitCode = 86;

  CrashPlan() = default;
  CrashPlan(Death death, int at);
  /// Dies here if it is the chosen point. A process that is unwinding dies at every further point
  /// too.
  void hit(const std::string& point);
  /// Every point passed so far, in order.
  std::vector<std::string> passed() const;
  bool died() const;
  /// The next life: dies again `again_at` points further on (0: never).
  void revive(int again_at);

 private:
  mutable std::mutex mutex_;
  const Death death_ = Death::none;
  std::size_t at_ = 0;
  bool dead_ = false;
  std::vector<std::string> passed_;
};

/// What outlives the crash: a fake cloud, files. Made afresh for each crash point.
class CrashWorld {
 public:
  virtual ~CrashWorld() = default;
  /// The workflows over this world; called anew for each engine, so after a crash nothing but the
  /// world itself remains.
  virtual std::vector<WorkflowDefinition> workflows() = 0;
  /// The run waits for a signal. Sends what is due (also more than once: it may have been sent
  /// before the crash) and returns whether it sent anything.
  virtual bool answer(Engine& engine, const RunInfo& run) = 0;
  /// After the run has ended. Throws Error to say what is wrong: effects missing, doubled, left
  /// over.
  virtual void check(const RunInfo& run) = 0;
};

/// What a world is made from. In process mode it is made once in the process that dies and once,
/// over the same directory, in the one that recovers: state that shall survive belongs into files
/// there.
struct CrashContext {
  Path directory;
  db::Database& database;
  Clock& clock;
  CrashPlan& plan;
};

struct CrashScenario {
  std::string workflow;
  Json input;
  std::function<std::unique_ptr<CrashWorld>(const CrashContext&)> make_world;
  Duration hold_thread_below{2'000};
  /// What of a result must be the same in every life; nothing: all of it.
  std::function<Json(const Json&)> comparable = {};
};

struct CrashReport {
  int points = 0;                  ///< how many deaths were tried
  std::vector<std::string> names;  ///< where, in order
  RunInfo outcome;                 ///< of the run that nobody killed
};

/// Compares each recovered run with one that was not killed (same state, result and kind of error),
/// wants an empty ledger, and asks the world's check(). Throws Error `failed` naming the crash
/// point. With `crash_again`, the recovery of each is killed once more, at a point that differs
/// each time.
CrashReport crash_everywhere(const CrashScenario& scenario, CrashPlan::Death death,
                             bool crash_again = false);

}  // namespace hallmark::workflow
