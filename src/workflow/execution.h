#pragma once
/// One drive of one run: the Run that a workflow function sees. Private to workflow/.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "workflow/engine.h"
#include "workflow/journal.h"

namespace hallmark::workflow {

/// What all drives of an engine share.
struct EngineContext {
  db::Database& database;
  Clock& clock;
  EngineOptions options;
  std::string owner;
  std::mutex observer_mutex;
  /// As Step::start_run.
  std::function<void(const std::string& run_id, const std::string& workflow,
                     const std::string& subject, const Json& input)>
      start_run;

  void crash_point(const std::string& point) const {
    if (options.crash_point) options.crash_point(point);
  }
  Path log_path(const std::string& run_id, const std::string& key) const;
};

/// These end a drive without ending the run. Like Suspended, none is a std::exception: a workflow's
/// own handlers must let them pass.
struct Stopping {};  ///< the process was asked to stop
struct Refused {     ///< journal and code do not belong together
  Error error;
};
struct EngineFailure {  ///< the journal could not be written
  Error error;
};

class Execution final : public Run {
 public:
  Execution(EngineContext& context, RunRow run, std::vector<StepRow> steps, std::stop_token stop);

  /// The function, and its clean-ups if it ended. Lets the exceptions above pass.
  Standing drive(const WorkflowFn& fn);
  /// From any thread: a person asked the run to stop.
  void cancel();
  /// From any thread: the lease is lost; nothing more may be done.
  void abandon();
  /// From any thread: the lease was just renewed.
  void confirmed();
  /// Writes down which steps have been running for a while, for people who watch.
  void show_running();
  /// What the drive waits for: a signal of one of these names wakes the run.
  const std::vector<std::string>& waited_signals() const { return waited_signals_; }
  Writer writer() const;

  const std::string& id() const override { return run_.run_id; }
  const std::string& workflow() const override { return run_.workflow; }
  const Json& input() const override { return run_.input; }
  TimePoint started_at() const override { return run_.created_at; }
  void sleep(const std::string& key, Duration duration) override;
  std::optional<Json> wait_for_signal(const std::string& key, const std::string& name,
                                      Duration limit, const std::string& why) override;
  void on_exit(const std::string& key, ExitOn when, std::function<void(Step&)> fn) override;
  void drop_on_exit(const std::string& key) override;
  std::vector<BranchOutcome> branches(const std::vector<Branch>& branches, int width) override;
  void note(const std::string& key, const std::string& text) override;

 protected:
  Json step_json(const std::string& key, const std::function<Json(Step&)>& fn,
                 const RetryPolicy& retry) override;
  Json poll_json(const std::string& key, Duration limit, const PollSchedule& schedule,
                 const std::function<std::optional<Json>(Step&)>& fn) override;

 private:
  struct Wait {
    TimePoint wake_at;
    std::string why;
    bool for_signal;
  };
  struct Exit {
    std::string key;
    ExitOn when;
    std::function<void(Step&)> fn;
  };
  struct RunningStep {
    StepRow row;
    std::chrono::steady_clock::time_point since;
    bool shown = false;
  };
  class RunningMark;

  StepRow enter(const std::string& key, const std::string& kind);
  void gate();
  void confirm_lease(const std::string& key);
  Json run_step(StepRow row, const std::function<Json(Step&)>& fn, const RetryPolicy& retry);
  std::optional<Error> attempt(const StepRow& row, const std::function<void(Step&)>& fn);
  void wait_until(TimePoint deadline, const std::string& why);
  [[noreturn]] void suspend(TimePoint wake_at, const std::string& why, bool for_signal);
  void record(const StepRow& row);
  void write(const std::string& key, const std::function<void(db::Connection&)>& fn);
  void publish(const StepRow& row);
  Standing waiting();
  Standing clean_up(std::optional<Error> error, Json result);
  std::stop_token step_stop() const { return (in_exit_ ? exit_stop_ : body_stop_).get_token(); }

  EngineContext& context_;
  const RunRow run_;
  std::stop_token stop_;
  std::stop_source body_stop_, exit_stop_;
  std::stop_callback<std::function<void()>> stop_both_;
  std::atomic<bool> cancel_requested_;
  std::atomic<bool> cancel_delivered_ = false;
  std::atomic<bool> abandoned_ = false;
  std::atomic<bool> in_exit_ = false;
  std::atomic<std::chrono::steady_clock::time_point> confirmed_;

  std::mutex mutex_;  // guards what follows; branches run in threads
  std::map<std::string, StepRow> rows_;
  std::set<std::string> seen_;
  std::set<std::string> seen_branches_;
  std::int64_t last_ordinal_ = 0;
  std::vector<Exit> exits_;
  std::vector<Wait> waits_;
  std::vector<std::string> waited_signals_;
  std::map<std::string, RunningStep> running_;
};

}  // namespace hallmark::workflow
