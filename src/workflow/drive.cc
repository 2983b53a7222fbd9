/// Claiming runs, driving them, and giving them up: the part of the Engine that has threads.

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "workflow/engine_state.h"

namespace hallmark::workflow {

namespace {

using namespace std::chrono_literals;

// A person who cancels from another process should not wait longer than this for a reaction.
constexpr auto kHeartbeat = 250ms;
// While a drive only waits, it looks this often whether the run was changed from elsewhere ...
constexpr Duration kLookAgain{1'000};
// ... or, in a long wait, this many times in all.
constexpr int kMostLooks = 8;
constexpr auto kInHand = 10ms;

}  // namespace

Engine::State::State(db::Database& database, Clock& clock,
                     std::vector<WorkflowDefinition> workflows, EngineOptions options)
    : context{database, clock, std::move(options), identity.owner(), {}, {}} {
  context.start_run = [this](const std::string& run_id, const std::string& workflow,
                             const std::string& subject, const Json& input) {
    record_run(run_id, workflow, subject, input, IfThere::keep);
  };
  for (WorkflowDefinition& workflow : workflows) {
    auto key = std::pair(workflow.name, workflow.version);
    if (!definitions.try_emplace(key, std::move(workflow)).second) {
      throw Error(ErrorKind::internal, "workflow {} version {} is registered twice", key.first,
                  key.second);
    }
  }
}

Engine::State::~State() = default;

const WorkflowDefinition& Engine::State::definition(const RunInfo& run) const {
  auto found = definitions.find({run.workflow, run.workflow_version});
  if (found != definitions.end()) return found->second;
  throw Error(ErrorKind::conflict,
              "run {} was recorded by workflow {} version {}, which this hallmark "
              "does not have",
              run.run_id, run.workflow, run.workflow_version)
      .hint("the run is intact: drive it with the version of hallmark that started it");
}

RunRow Engine::State::load(const std::string& run_id) {
  std::optional<RunRow> run;
  context.database.read([&](db::Connection& c) { run = load_run(c, run_id); });
  return *run;
}

void Engine::State::announce(const std::string& run_id) {
  if (!context.options.observer.run_changed) return;
  RunInfo run = load(run_id);
  std::lock_guard lock(context.observer_mutex);
  context.options.observer.run_changed(run);
}

void Engine::State::cancel_running(const std::string& run_id) {
  auto active = active_.lock();
  auto found = active->find(run_id);
  if (found != active->end() && found->second) found->second->cancel();
}

Engine::State::Claim Engine::State::claim(const std::string& run_id, bool only_if_due) {
  Claim claim;
  context.crash_point("before-commit/claim");
  context.database.transaction(
      [&](db::Connection& c) {
        claim = Claim();
        // One that somebody is just claiming, or ending, is not for us.
        auto rows =
            c.query("SELECT * FROM runs WHERE run_id = :run_id" + std::string(c.skip_locked()),
                    {{"run_id", run_id}});
        if (rows.empty()) return;
        RunRow run = run_from(rows[0]);
        const TimePoint now = context.clock.now();
        const LeaseTime time = lease_time(c, context.clock);
        if (ended(run.state)) return;
        if (only_if_due && run.state == RunState::waiting && run.wake_at && *run.wake_at > now)
          return;
        // Our own name means a drive of this engine that ended in an exception: nobody drives it
        // now.
        if (run.state == RunState::running && run.lease_owner != context.owner &&
            lease_holds(run.lease_owner, run.lease_expires_at, time, context.options.lease)) {
          claim.held_by = run.lease_owner;
          return;
        }
        c.execute(
            "UPDATE runs SET state = 'running', lease_owner = :owner, lease_expires_at = "
            ":expires_at,"
            " waiting_for = '', wake_at = NULL, updated_at = :now WHERE run_id = :run_id",
            {{"owner", context.owner},
             {"expires_at", to_rfc3339(time.now + context.options.lease)},
             {"now", to_rfc3339(now)},
             {"run_id", run_id}});
        claim.steps = load_steps(c, run_id);
        claim.run = std::move(run);
      },
      db::Isolation::committed);
  context.crash_point("after-commit/claim");
  return claim;
}

void Engine::State::leave(Execution& execution, Standing standing) {
  context.crash_point("before-commit/leave");
  context.database.transaction(
      [&](db::Connection& c) {
        Standing final = standing;
        Writer writer = execution.writer();
        bool cancel = assert_lease(c, writer);
        if (final.state == RunState::waiting) {
          // What arrived since the wait looked must not be slept through.
          bool signalled = std::any_of(
              execution.waited_signals().begin(), execution.waited_signals().end(),
              [&](const std::string& name) { return has_unread_signal(c, writer.run_id, name); });
          if (cancel || signalled) final.wake_at = writer.now;
        }
        leave_run(c, writer, final);
        const bool due =
            final.state == RunState::waiting && final.wake_at && *final.wake_at <= writer.now;
        if (final.state == RunState::pending || due) c.notify();
      },
      db::Isolation::committed);
  context.crash_point("after-commit/leave");
}

void Engine::State::drive_claimed(Claim claim, const std::shared_ptr<Execution>& execution) {
  const RunRow& before = *claim.run;
  announce(before.run_id);
  std::optional<Error> problem;
  Standing standing;
  try {
    standing = execution->drive(definition(before).fn);
  } catch (const Stopping&) {
    standing.state = RunState::pending;
  } catch (const Refused& refused) {
    problem = refused.error;
    if (before.state == RunState::waiting) {
      standing.state = RunState::waiting;
      standing.waiting_for = before.waiting_for;
      standing.waits_on_signal = before.waits_on_signal;
      standing.wake_at = before.wake_at;
    }
  } catch (const EngineFailure& failure) {
    problem = failure.error;
  } catch (const LeaseLost&) {
    throw Error(ErrorKind::conflict, "run {} was taken over by another process", before.run_id);
  }
  try {
    leave(*execution, standing);
  } catch (const LeaseLost&) {
    throw Error(ErrorKind::conflict, "run {} was taken over by another process", before.run_id);
  } catch (const Error&) {
    // A database that fails in the middle often fails here as well; the first failure says more.
    // The lease then stays ours until this engine drives the run again or ends.
    if (!problem) throw;
  }
  announce(before.run_id);
  if (problem) throw *problem;
}

RunInfo Engine::State::drive(const std::string& run_id, Duration wait_at_most,
                             std::stop_token stop) {
  start_heart();
  while (true) {
    RunRow run = load(run_id);
    if (ended(run.state)) return run;
    definition(run);
    const TimePoint now = context.clock.now();
    if (run.state == RunState::waiting && run.wake_at && *run.wake_at > now) {
      const Duration left = *run.wake_at - now;
      if (run.waits_on_signal || left > wait_at_most || stop.stop_requested()) return run;
      context.clock.sleep_until(now + std::min(left, std::max(kLookAgain, left / kMostLooks)),
                                stop);
      continue;
    }
    if (stop.stop_requested()) return run;
    Slot slot(*this, run_id);
    Claim claimed;
    if (slot.taken()) {
      claimed = claim(run_id, true);
    } else {
      claimed.held_by = context.owner;
    }
    if (!claimed.held_by.empty()) {
      std::vector<std::string> owner = split(claimed.held_by, ':');
      throw Error(ErrorKind::conflict, "run {} is being driven by process {} on {}", run_id,
                  owner.size() > 1 ? owner[1] : "?", owner[0])
          .hint("watch it with: hallmark run watch " + run_id);
    }
    if (!claimed.run) {
      // Somebody has its row in hand: real time will tell what becomes of it.
      if (context.database.shared()) std::this_thread::sleep_for(kInHand);
      continue;
    }
    auto execution = std::make_shared<Execution>(context, *claimed.run, claimed.steps, stop);
    slot.set(execution);
    drive_claimed(std::move(claimed), execution);
  }
}

void Engine::State::start_heart() {
  std::call_once(heart_started_,
                 [this] { heart_ = std::jthread([this](std::stop_token stop) { beat(stop); }); });
}

void Engine::State::beat(std::stop_token stop) {
  // Real time, whatever clock the runs go by: this is about this process being alive.
  auto renew_at = std::chrono::steady_clock::now();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, stop, kHeartbeat, [] { return false; }) && !stop.stop_requested()) {
    std::vector<std::shared_ptr<Execution>> executions;
    {
      // Named: a temporary's lock would end before the loop begins.
      auto active = active_.lock();
      for (const auto& [run_id, execution] : *active) {
        if (execution) executions.push_back(execution);
      }
    }
    if (executions.empty()) continue;
    try {
      for (const auto& execution : executions) {
        try {
          execution->show_running();
        } catch (const LeaseLost&) {
          execution->abandon();
        }
      }
      deliver_cancellations();
      if (std::chrono::steady_clock::now() >= renew_at) {
        renew_leases(executions);
        // Two renewals may fail before the lease runs out.
        renew_at = std::chrono::steady_clock::now() + context.options.lease / 3;
      }
    } catch (const Error& error) {
      log_warning("heartbeat: {}", error.full_text());
    }
  }
}

void Engine::State::renew_leases(const std::vector<std::shared_ptr<Execution>>& executions) {
  std::set<std::string> ours;
  context.database.transaction(
      [&](db::Connection& c) {
        ours.clear();
        const TimePoint expires_at = lease_time(c, context.clock).now + context.options.lease;
        c.execute(
            "UPDATE runs SET lease_expires_at = :expires_at WHERE lease_owner = :owner AND state = "
            "'running'",
            {{"expires_at", to_rfc3339(expires_at)}, {"owner", context.owner}});
        for (const db::Row& row :
             c.query("SELECT run_id FROM runs WHERE lease_owner = :owner AND state = 'running'",
                     {{"owner", context.owner}})) {
          ours.insert(row.text("run_id"));
        }
      },
      db::Isolation::committed);
  for (const auto& execution : executions) {
    // One that has just been left is not ours either, and does not mind.
    if (ours.contains(execution->id())) {
      execution->confirmed();
    } else {
      execution->abandon();
    }
  }
}

void Engine::State::deliver_cancellations() {
  std::vector<std::string> asked;
  context.database.read([&](db::Connection& c) {
    asked.clear();
    for (const db::Row& row : c.query("SELECT run_id FROM runs WHERE state = 'running' AND"
                                      " lease_owner = :owner AND cancel_requested = 1",
                                      {{"owner", context.owner}})) {
      asked.push_back(row.text("run_id"));
    }
  });
  for (const std::string& run_id : asked) cancel_running(run_id);
}

}  // namespace hallmark::workflow
