#include "workflow/execution.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::workflow {

namespace {

// Quicker steps than this cost no extra write only to be seen running.
constexpr std::chrono::milliseconds kShownAfter{300};

Error cancelled() { return Error(ErrorKind::cancelled, "the run was cancelled"); }

/// Full jitter, taken from the step's token: spread over runs and attempts, yet the same when a
/// test repeats the run.
Duration jittered(const RetryPolicy& retry, const std::string& token, int attempt) {
  Duration most = retry.base;
  for (int i = 1; i < attempt && most < retry.cap; ++i) most *= 2;
  most = std::min(most, retry.cap);
  auto digest = sha256_hex(token + "/" + std::to_string(attempt));
  std::uint64_t random = std::stoull(digest.substr(0, 15), nullptr, 16);
  return Duration(random %
                  static_cast<std::uint64_t>(std::max<Duration::rep>(most.count(), 0) + 1));
}

std::string token_of(const RunInfo& run, const std::string& key) {
  // No part contains a line feed in practice; the separator keeps (a, bc) and (ab, c) apart. A
  // retry must not get back what the clean-ups of the round before have removed.
  std::string round = run.round == 1 ? "" : fmt::format("\n{}", run.round);
  return sha256_hex(run.run_id + "\n" + key + round);
}

class EngineStep final : public Step {
 public:
  EngineStep(EngineContext& context, const RunInfo& run, const std::string& key, int attempt,
             std::stop_token stop)
      : context_(context),
        run_id_(run.run_id),
        key_(key),
        token_(token_of(run, key)),
        attempt_(attempt),
        stop_(std::move(stop)) {}

  const std::string& key() const override { return key_; }
  const std::string& token() const override { return token_; }
  int attempt() const override { return attempt_; }
  std::stop_token stop() const override { return stop_; }
  void progress(std::optional<double> fraction, const std::string& text) override {
    if (!context_.options.observer.progress) return;
    std::lock_guard lock(context_.observer_mutex);
    context_.options.observer.progress(run_id_, key_, fraction, text);
  }
  void log(std::string_view text) override {
    const std::string shown = redacted(std::string(text));
    if (!context_.options.log_directory.empty()) {
      append_file(context_.log_path(run_id_, key_), shown);
    }
    if (!context_.options.observer.log) return;
    std::lock_guard lock(context_.observer_mutex);
    context_.options.observer.log(run_id_, key_, shown);
  }
  std::uint64_t log_size() const override {
    std::error_code missing;
    auto size = std::filesystem::file_size(context_.log_path(run_id_, key_), missing);
    return missing ? 0 : size;
  }
  void start_run(const std::string& run_id, const std::string& workflow, const std::string& subject,
                 const Json& input) override {
    context_.start_run(run_id, workflow, subject, input);
  }

 private:
  EngineContext& context_;
  const std::string& run_id_;
  const std::string& key_;
  const std::string token_;
  const int attempt_;
  const std::stop_token stop_;
};

}  // namespace

/// Keeps a step in the list of running ones while an attempt lasts.
class Execution::RunningMark {
 public:
  RunningMark(Execution& execution, const StepRow& row) : execution_(execution), key_(row.key) {
    std::lock_guard lock(execution_.mutex_);
    execution_.running_[key_] = {row, std::chrono::steady_clock::now()};
  }
  RunningMark(const RunningMark&) = delete;
  RunningMark& operator=(const RunningMark&) = delete;
  ~RunningMark() {
    std::lock_guard lock(execution_.mutex_);
    execution_.running_.erase(key_);
  }

 private:
  Execution& execution_;
  const std::string key_;
};

Execution::Execution(EngineContext& context, RunRow run, std::vector<StepRow> steps,
                     std::stop_token stop)
    : context_(context),
      run_(std::move(run)),
      stop_(std::move(stop)),
      stop_both_(stop_,
                 [this] {
                   body_stop_.request_stop();
                   exit_stop_.request_stop();
                 }),
      cancel_requested_(run_.cancel_requested),
      confirmed_(std::chrono::steady_clock::now()) {
  for (StepRow& step : steps) {
    last_ordinal_ = std::max(last_ordinal_, step.ordinal);
    rows_.emplace(step.key, std::move(step));
  }
}

void Execution::cancel() {
  cancel_requested_ = true;
  body_stop_.request_stop();
}

void Execution::confirmed() { confirmed_ = std::chrono::steady_clock::now(); }

void Execution::abandon() {
  abandoned_ = true;
  body_stop_.request_stop();
  exit_stop_.request_stop();
}

Writer Execution::writer() const {
  return {run_.run_id, context_.owner, context_.clock.now(), context_.options.lease};
}

void Execution::show_running() {
  std::vector<StepRow> show;
  {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    for (auto& [key, running] : running_) {
      if (running.shown || now - running.since < kShownAfter) continue;
      running.shown = true;
      show.push_back(running.row);
    }
  }
  if (show.empty()) return;
  context_.database.transaction(
      [&](db::Connection& c) {
        assert_lease(c, writer());
        for (const StepRow& row : show) show_step_running(c, writer(), row);
      },
      db::Isolation::committed);
}

StepRow Execution::enter(const std::string& key, const std::string& kind) {
  std::lock_guard lock(mutex_);
  if (!seen_.insert(key).second) {
    throw Error(ErrorKind::internal, "the key \"{}\" is used twice in workflow {}", key,
                run_.workflow)
        .hint("give each step, wait, note and clean-up of a run a key of its own");
  }
  auto found = rows_.find(key);
  if (found == rows_.end()) {
    StepRow row;
    row.key = key;
    row.kind = kind;
    row.ordinal = ++last_ordinal_;
    row.started_at = context_.clock.now();
    return row;
  }
  if (found->second.kind != kind) {
    throw Refused{
        Error(ErrorKind::conflict,
              "run {} recorded \"{}\" as a {}, but workflow {} version {} now makes it a {}",
              run_.run_id, key, found->second.kind, run_.workflow, run_.workflow_version, kind)
            .hint("the run is intact: drive it with the hallmark that started it, or start "
                  "a new one")};
  }
  return found->second;
}

void Execution::gate() {
  if (abandoned_) throw LeaseLost();
  if (stop_.stop_requested()) throw Stopping();
  if (cancel_requested_ && !in_exit_) {
    cancel_delivered_ = true;
    throw cancelled();
  }
}

/// A process that was frozen, or cut off from the database, begins nothing before it has made sure
/// that the run is still its own.
void Execution::confirm_lease(const std::string& key) {
  if (!context_.database.shared()) return;
  const auto age = std::chrono::steady_clock::now() - confirmed_.load();
  if (age > context_.options.lease / 2) write(key, [](db::Connection&) {});
}

void Execution::write(const std::string& key, const std::function<void(db::Connection&)>& fn) {
  if (abandoned_) throw LeaseLost();
  context_.crash_point("before-commit/" + key);
  try {
    // Whoever changes a run changes its row first, so these need no more than that row's lock.
    context_.database.transaction(
        [&](db::Connection& c) {
          if (assert_lease(c, writer())) cancel();
          fn(c);
        },
        db::Isolation::committed);
    confirmed();
  } catch (const Error& error) {
    abandon();
    throw EngineFailure{error};
  }
  context_.crash_point("after-commit/" + key);
}

void Execution::publish(const StepRow& row) {
  if (!context_.options.observer.step_changed) return;
  std::lock_guard lock(context_.observer_mutex);
  context_.options.observer.step_changed(run_.run_id, row);
}

void Execution::record(const StepRow& row) {
  write(row.key, [&](db::Connection& c) { save_step(c, writer(), row); });
  {
    std::lock_guard lock(mutex_);
    rows_[row.key] = row;
  }
  publish(row);
}

void Execution::suspend(TimePoint wake_at, const std::string& why, bool for_signal) {
  std::lock_guard lock(mutex_);
  waits_.push_back({wake_at, why, for_signal});
  throw Suspended{wake_at};
}

void Execution::wait_until(TimePoint deadline, const std::string& why) {
  while (true) {
    gate();
    Duration left = deadline - context_.clock.now();
    if (left <= Duration::zero()) return;
    if (left >= context_.options.hold_thread_below) suspend(deadline, why, false);
    context_.clock.sleep_until(deadline, step_stop());
  }
}

/// One call of `fn`: what it threw, if anything that belongs to the step.
std::optional<Error> Execution::attempt(const StepRow& row, const std::function<void(Step&)>& fn) {
  confirm_lease(row.key);
  StepRow running = row;
  running.state = StepState::running;
  publish(running);
  RunningMark mark(*this, running);
  EngineStep step(context_, run_, row.key, row.attempts, step_stop());
  std::optional<Error> error;
  try {
    fn(step);
    return std::nullopt;
  } catch (const Error& thrown) {
    error = thrown;
  } catch (const std::exception& thrown) {
    error = Error(ErrorKind::internal, "step \"{}\": {}", row.key, thrown.what());
  }
  // Whatever a step that was told to stop says, it says because of that: nothing is recorded.
  gate();
  if (error->kind() == ErrorKind::cancelled && !in_exit_) throw *error;
  return error;
}

Json Execution::step_json(const std::string& key, const std::function<Json(Step&)>& fn,
                          const RetryPolicy& retry) {
  return run_step(enter(key, "step"), fn, retry);
}

Json Execution::run_step(StepRow row, const std::function<Json(Step&)>& fn,
                         const RetryPolicy& retry) {
  if (row.state == StepState::succeeded) return row.result;
  if (row.state == StepState::failed) throw *row.error;
  while (true) {
    gate();
    if (row.wake_at) {
      wait_until(*row.wake_at, fmt::format("another attempt of \"{}\"{}", row.key,
                                           row.error ? ": " + row.error->message() : ""));
    }
    ++row.attempts;
    row.error = attempt(row, [&](Step& step) { row.result = fn(step); });
    row.wake_at.reset();
    const TimePoint now = context_.clock.now();
    const bool again =
        row.error && traits(row.error->kind()).retry && row.attempts < retry.max_attempts;
    if (again) {
      row.state = StepState::waiting;
      row.wake_at = now + jittered(retry, token_of(run_, row.key), row.attempts);
    } else {
      row.state = row.error ? StepState::failed : StepState::succeeded;
      row.ended_at = now;
    }
    record(row);
    if (again) continue;
    if (row.error) throw *row.error;
    return row.result;
  }
}

void Execution::sleep(const std::string& key, Duration duration) {
  StepRow row = enter(key, "sleep");
  if (row.state == StepState::succeeded) return;
  gate();
  if (!row.deadline) {
    row.state = StepState::waiting;
    row.deadline = row.started_at + duration;
    record(row);
  }
  wait_until(*row.deadline, fmt::format("the time of \"{}\"", key));
  row.state = StepState::succeeded;
  row.ended_at = context_.clock.now();
  record(row);
}

Json Execution::poll_json(const std::string& key, Duration limit, const PollSchedule& schedule,
                          const std::function<std::optional<Json>(Step&)>& fn) {
  StepRow row = enter(key, "poll");
  if (row.state == StepState::succeeded) return row.result;
  if (row.state == StepState::failed) throw *row.error;
  bool deadline_recorded = row.deadline.has_value();
  if (!deadline_recorded) row.deadline = row.started_at + limit;
  while (true) {
    gate();
    if (row.wake_at) {
      const std::string trouble = row.error ? ": " + row.error->message() : "";
      wait_until(*row.wake_at, "\"" + key + "\"" + trouble);
    }
    ++row.attempts;
    std::optional<Json> found;
    row.error = attempt(row, [&](Step& step) { found = fn(step); });
    const TimePoint now = context_.clock.now();
    const bool not_yet = row.error ? traits(row.error->kind()).retry : !found;
    if (not_yet && now >= *row.deadline) {
      Error late(ErrorKind::timeout, "\"{}\" did not come about within {}", key,
                 format_duration(limit));
      if (row.error) late.note("the last look said: " + row.error->message());
      row.error = late;
    } else if (not_yet) {
      Duration pause = schedule.first;
      for (int i = 1; i < row.attempts && pause < schedule.most; ++i)
        pause += pause / 2 + Duration(1);
      row.wake_at = std::min(now + std::min(pause, schedule.most), *row.deadline);
      row.state = StepState::waiting;
      // The deadline must be durable from the first look on; looks in between need not be.
      const bool hold = *row.wake_at - now < context_.options.hold_thread_below;
      if (!hold || !deadline_recorded) record(row);
      deadline_recorded = true;
      continue;
    }
    row.state = row.error ? StepState::failed : StepState::succeeded;
    row.wake_at.reset();
    row.ended_at = now;
    if (found) row.result = *found;
    record(row);
    if (row.error) throw *row.error;
    return row.result;
  }
}

std::optional<Json> Execution::wait_for_signal(const std::string& key, const std::string& name,
                                               Duration limit, const std::string& why) {
  StepRow row = enter(key, "signal");
  // A missed one counts as failed, so that a retry of the run waits for it anew.
  if (row.state == StepState::failed) return std::nullopt;
  if (row.state == StepState::succeeded) return row.result;
  gate();
  const TimePoint now = context_.clock.now();
  const bool first_time = !row.deadline;
  if (first_time) row.deadline = now + limit;
  const bool due = now >= *row.deadline;
  bool look = first_time || due;
  if (!look) {
    context_.database.read(
        [&](db::Connection& c) { look = has_unread_signal(c, run_.run_id, name); });
  }
  if (look) {
    write(key, [&](db::Connection& c) {
      row.state = StepState::waiting;
      row.ended_at.reset();
      row.error.reset();
      if (auto payload = take_signal(c, run_.run_id, name, key)) {
        row.state = StepState::succeeded;
        row.result = *std::move(payload);
      } else if (due) {
        row.state = StepState::failed;
        row.error = Error(ErrorKind::timeout, "no signal \"{}\" came within {}", name,
                          format_duration(limit));
      }
      if (row.state != StepState::waiting) row.ended_at = now;
      save_step(c, writer(), row);
    });
    {
      std::lock_guard lock(mutex_);
      rows_[key] = row;
    }
    publish(row);
  }
  if (row.state == StepState::succeeded) return row.result;
  if (row.state == StepState::failed) return std::nullopt;
  {
    std::lock_guard lock(mutex_);
    waited_signals_.push_back(name);
  }
  suspend(*row.deadline, why, true);
}

void Execution::note(const std::string& key, const std::string& text) {
  StepRow row = enter(key, "note");
  if (row.state == StepState::succeeded) return;
  gate();
  row.state = StepState::succeeded;
  row.result = text;
  row.ended_at = row.started_at;
  record(row);
}

}  // namespace hallmark::workflow
