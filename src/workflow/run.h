#pragma once
/// Durable workflows by replay. A workflow is an ordinary function of a Run and its input. What
/// must not happen twice goes into a step; what a step returned is in the journal, and after a
/// crash or a wait the function is called again from its top and recorded steps answer from there.
///
/// Rules (docs/workflow.md): keys are explicit and unique within a run; code between steps is pure
/// and cheap; every effect inside a step passes `Step::token()` or finds before it creates; no
/// effects in destructors; never catch(...) around a step (Suspended must pass).
///
/// Knows nothing of images.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

namespace hallmark::workflow {

/// Thrown by waits to give the thread back; caught by the engine only. Not a std::exception, so
/// that ordinary handlers let it pass.
struct Suspended {
  TimePoint wake_at;  ///< look again not later than this
};

/// When a failed attempt of a step is tried again: only kinds whose traits say `retry`, with full
/// jitter between 0 and min(base * 2^(attempt-1), cap). The wait between attempts is durable.
struct RetryPolicy {
  int max_attempts = 6;
  Duration base{500};
  Duration cap{30'000};
};

/// Inside a step.
class Step {
 public:
  virtual ~Step() = default;
  virtual const std::string& key() const = 0;
  /// The same on every attempt and in every process: SHA-256 of (run id, key), 64 hex digits.
  virtual const std::string& token() const = 0;
  virtual int attempt() const = 0;  ///< from 1
  virtual std::stop_token stop() const = 0;
  /// 0..1 or nothing if unknown, and what is being done: for people, not recorded.
  virtual void progress(std::optional<double> fraction, const std::string& text) = 0;
  /// Appends to the step's log (guest output, tool output), kept with the run.
  virtual void log(std::string_view text) = 0;
  /// Bytes in the step's log, of earlier attempts too: where to resume reading an output.
  virtual std::uint64_t log_size() const = 0;
  /// Records a run of another workflow of this engine; nothing drives it yet. `run_id` comes from
  /// token(): if there is a run of that id it stays as it is. Throws `not_found` for an unknown
  /// workflow.
  virtual void start_run(const std::string& run_id, const std::string& workflow,
                         const std::string& subject, const Json& input) = 0;
};

/// How often a poll looks: starts at `first`, grows by half each time up to `most`.
struct PollSchedule {
  Duration first{50};
  Duration most{5'000};
};

/// When an on_exit clean-up runs.
enum class ExitOn { always, failure };

/// What a branch of `branches` came to.
struct BranchOutcome {
  std::string key;
  Json result;                 ///< if it succeeded
  std::optional<Error> error;  ///< if it failed
};

class Run {
 public:
  virtual ~Run() = default;
  virtual const std::string& id() const = 0;
  virtual const std::string& workflow() const = 0;
  virtual const Json& input() const = 0;
  virtual TimePoint started_at() const = 0;

  /// Runs `fn(Step&)` once and records what it returns, or answers from the journal. The result
  /// must convert to and from Json, or be void. An error that is not retried (or retried to the
  /// end) is recorded too and is thrown here on every replay; `cancelled` is never recorded. After
  /// fn succeeds, a crash before the record is written means fn runs again with the same token.
  template <typename Fn>
  auto step(const std::string& key, Fn&& fn, const RetryPolicy& retry = {}) {
    using Result = std::invoke_result_t<Fn, Step&>;
    if constexpr (std::is_void_v<Result>) {
      step_json(
          key,
          [&](Step& step) {
            fn(step);
            return Json();
          },
          retry);
    } else {
      return step_json(
                 key, [&](Step& step) { return Json(fn(step)); }, retry)
          .template get<Result>();
    }
  }

  /// A recorded deadline `duration` from the first time this is reached; returns once it has
  /// passed.
  virtual void sleep(const std::string& key, Duration duration) = 0;

  /// Calls `fn(Step&)`, which returns std::optional<T>, until it returns a value, which is
  /// recorded. Throws `timeout` (recorded) when `limit` after the first look has passed. Errors
  /// whose kind retries count as "not yet"; others are recorded and thrown. Short waits may keep
  /// the thread.
  template <typename Fn>
  auto poll(const std::string& key, Duration limit, const PollSchedule& schedule, Fn&& fn) {
    using Result = typename std::invoke_result_t<Fn, Step&>::value_type;
    return poll_json(key, limit, schedule,
                     [&](Step& step) -> std::optional<Json> {
                       auto value = fn(step);
                       if (!value) return std::nullopt;
                       return Json(*value);
                     })
        .template get<Result>();
  }

  /// The payload of the next unread signal of that name, or nothing when `limit` after the first
  /// wait has passed (recorded either way). Holds no thread meanwhile. `why` is shown to people
  /// ("waiting for approval of ..."). Each key takes one signal; signals sent early are kept.
  virtual std::optional<Json> wait_for_signal(const std::string& key, const std::string& name,
                                              Duration limit, const std::string& why) = 0;

  /// Registers a clean-up that runs, as a recorded and retried step of that key, when the run ends:
  /// in reverse order of registration, after success, failure and cancellation alike (or only if it
  /// did not succeed). A clean-up that fails does not stop the others; the run then ends failed and
  /// says so.
  virtual void on_exit(const std::string& key, ExitOn when, std::function<void(Step&)> fn) = 0;
  /// Forgets a clean-up registered earlier under that key.
  virtual void drop_on_exit(const std::string& key) = 0;

  /// Runs each branch (a part of the workflow with its own steps, waits and keys, prefixed by
  /// nothing: use distinct keys) until it ends or must wait, at most `width` at a time. Returns
  /// when all have ended, in the given order; while any waits the run is suspended. One failing
  /// branch does not disturb the others.
  struct Branch {
    std::string key;
    std::function<Json(Run&)> fn;
  };
  virtual std::vector<BranchOutcome> branches(const std::vector<Branch>& branches, int width) = 0;

  /// A line in the run's history for people ("building in us-east-1"). Recorded once per key.
  virtual void note(const std::string& key, const std::string& text) = 0;

 protected:
  virtual Json step_json(const std::string& key, const std::function<Json(Step&)>& fn,
                         const RetryPolicy& retry) = 0;
  virtual Json poll_json(const std::string& key, Duration limit, const PollSchedule& schedule,
                         const std::function<std::optional<Json>(Step&)>& fn) = 0;
};

/// A workflow: its result, as JSON, is recorded with the run.
using WorkflowFn = std::function<Json(Run&)>;

/// `version` changes when the keys or the order of steps change in a way that old journals cannot
/// replay; a run recorded under a version that is not registered is refused and stays intact.
struct WorkflowDefinition {
  std::string name;
  int version = 1;
  WorkflowFn fn;
};

}  // namespace hallmark::workflow
