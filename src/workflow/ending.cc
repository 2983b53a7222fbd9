/// How a drive ends, and the branches within it: the part of Execution that combines outcomes.

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "workflow/execution.h"

namespace hallmark::workflow {

namespace {
// More reasons than this make no sense in one line.
constexpr std::size_t kReasonsShown = 3;
}  // namespace

void Execution::on_exit(const std::string& key, ExitOn when, std::function<void(Step&)> fn) {
  enter(key, "on_exit");
  std::lock_guard lock(mutex_);
  exits_.push_back({key, when, std::move(fn)});
}

void Execution::drop_on_exit(const std::string& key) {
  std::lock_guard lock(mutex_);
  std::erase_if(exits_, [&](const Exit& exit) { return exit.key == key; });
}

std::vector<BranchOutcome> Execution::branches(const std::vector<Branch>& branches, int width) {
  {
    std::lock_guard lock(mutex_);
    for (const Branch& branch : branches) {
      if (seen_branches_.insert(branch.key).second) continue;
      throw Error(ErrorKind::internal, "the branch key \"{}\" is used twice in workflow {}",
                  branch.key, run_.workflow)
          .hint("give each branch of a run a key of its own");
    }
  }
  std::vector<BranchOutcome> outcomes(branches.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Suspended> suspended;
  std::exception_ptr ends_drive;
  auto work = [&] {
    for (std::size_t i = next++; i < branches.size(); i = next++) {
      outcomes[i].key = branches[i].key;
      try {
        outcomes[i].result = branches[i].fn(*this);
      } catch (const Suspended& wait) {
        std::lock_guard lock(mutex);
        if (!suspended || wait.wake_at < suspended->wake_at) suspended = wait;
      } catch (const Error& error) {
        outcomes[i].error = error;
      } catch (const std::exception& error) {
        outcomes[i].error =
            Error(ErrorKind::internal, "branch \"{}\": {}", branches[i].key, error.what());
      } catch (...) {
        // Stopping, a lost lease, a crash: the drive is over, and the other branches stop with it.
        std::lock_guard lock(mutex);
        if (!ends_drive) ends_drive = std::current_exception();
        abandon();
        return;
      }
    }
  };
  std::size_t threads = std::min(branches.size(), static_cast<std::size_t>(std::max(width, 1)));
  if (threads <= 1) {
    work();
  } else {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) workers.emplace_back(work);
  }
  if (ends_drive) std::rethrow_exception(ends_drive);
  // Outcomes that only say "cancelled" are not for the workflow to interpret.
  if (cancel_delivered_) gate();
  if (suspended) throw *suspended;
  return outcomes;
}

Standing Execution::waiting() {
  std::lock_guard lock(mutex_);
  Standing standing;
  standing.state = RunState::waiting;
  standing.waits_on_signal =
      std::all_of(waits_.begin(), waits_.end(), [](const Wait& wait) { return wait.for_signal; });
  std::vector<std::string> reasons;
  for (const Wait& wait : waits_) {
    if (!standing.wake_at || wait.wake_at < *standing.wake_at) standing.wake_at = wait.wake_at;
    // A person can do something about a signal: those come first.
    reasons.insert(wait.for_signal ? reasons.begin() : reasons.end(), wait.why);
  }
  if (reasons.size() > kReasonsShown) {
    std::string rest = fmt::format("{} more", reasons.size() - kReasonsShown);
    reasons.resize(kReasonsShown);
    reasons.push_back(rest);
  }
  standing.waiting_for = join(reasons, "; ");
  return standing;
}

Standing Execution::drive(const WorkflowFn& fn) {
  std::optional<Error> error;
  Json result;
  try {
    result = fn(*this);
  } catch (const Suspended&) {
    return waiting();
  } catch (const Error& thrown) {
    error = thrown;
  } catch (const std::exception& thrown) {
    error = Error(ErrorKind::internal, "workflow {}: {}", run_.workflow, thrown.what());
  }
  // A function that swallowed the news goes by it all the same.
  if (abandoned_) throw LeaseLost();
  if (!waits_.empty()) return waiting();
  if (cancel_delivered_ && !error) {
    error = Error(ErrorKind::cancelled, "the run was cancelled");
  }
  return clean_up(std::move(error), std::move(result));
}

Standing Execution::clean_up(std::optional<Error> error, Json result) {
  in_exit_ = true;
  std::vector<std::pair<std::string, Error>> failures;
  for (auto exit = exits_.rbegin(); exit != exits_.rend(); ++exit) {
    if (exit->when == ExitOn::failure && !error) continue;
    StepRow row;
    if (auto found = rows_.find(exit->key); found != rows_.end()) {
      row = found->second;
    } else {
      row.key = exit->key;
      row.kind = "on_exit";
      row.ordinal = ++last_ordinal_;
      row.started_at = context_.clock.now();
    }
    try {
      run_step(
          row,
          [&](Step& step) {
            exit->fn(step);
            return Json();
          },
          RetryPolicy());
    } catch (const Suspended&) {
      return waiting();
    } catch (const Error& failure) {
      failures.emplace_back(exit->key, failure);
    }
  }
  Standing standing;
  if (!error && failures.empty()) {
    standing.state = RunState::succeeded;
    standing.result = std::move(result);
    return standing;
  }
  const bool was_cancelled = error && error->kind() == ErrorKind::cancelled;
  standing.state = was_cancelled && failures.empty() ? RunState::cancelled : RunState::failed;
  if (!error) {
    error = Error(failures[0].second.kind(), "the work was done, but cleaning up after it failed");
    error->hint(failures[0].second.hint());
  }
  for (const auto& [key, failure] : failures) {
    error->note(fmt::format("clean-up \"{}\" failed: {}", key, failure.message()));
  }
  standing.error = std::move(error);
  return standing;
}

}  // namespace hallmark::workflow
