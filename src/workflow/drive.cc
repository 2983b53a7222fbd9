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

}  // namespace

/// Marks a run as driven by this engine, so that two of its threads never drive it at once.
class Engine::State::Slot {
 public:
  Slot(State& state, std::string run_id) : state_(state), run_id_(std::move(run_id)) {
    taken_ = state_.active_.lock()->try_emplace(run_id_).second;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (taken_) state_.active_.lock()->erase(run_id_);
  }
  bool taken() const { return taken_; }
  void set(std::shared_ptr<Execution> execution) {
    (*state_.active_.lock())[run_id_] = std::move(execution);
  }

 private:
  State& state_;
  const std::string run_id_;
  bool taken_ = false;
};

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
  context.database.transaction([&](db::Connection& c) {
    claim = Claim();
    RunRow run = load_run(c, run_id);
    const TimePoint now = context.clock.now();
    if (ended(run.state)) return;
    if (only_if_due && run.state == RunState::waiting && run.wake_at && *run.wake_at > now) return;
    // Our own name means a drive of this engine that ended in an exception: nobody drives it now.
    if (run.state == RunState::running && run.lease_owner != context.owner &&
        lease_holds(run.lease_owner, run.lease_expires_at, now)) {
      claim.held_by = run.lease_owner;
      return;
    }
    c.execute(
        "UPDATE runs SET state = 'running', lease_owner = :owner, lease_expires_at = :expires_at,"
        " waiting_for = '', wake_at = NULL, updated_at = :now WHERE run_id = :run_id",
        {{"owner", context.owner},
         {"expires_at", to_rfc3339(now + context.options.lease)},
         {"now", to_rfc3339(now)},
         {"run_id", run_id}});
    claim.steps = load_steps(c, run_id);
    claim.run = std::move(run);
  });
  context.crash_point("after-commit/claim");
  return claim;
}

void Engine::State::leave(Execution& execution, Standing standing) {
  context.crash_point("before-commit/leave");
  context.database.transaction([&](db::Connection& c) {
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
  });
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
    if (!claimed.run) continue;
    auto execution = std::make_shared<Execution>(context, *claimed.run, claimed.steps, stop);
    slot.set(execution);
    drive_claimed(std::move(claimed), execution);
  }
}

std::string Engine::State::registered_sql(std::vector<db::Parameter>& parameters) const {
  std::vector<std::string> each = {"1 = 0"};
  for (const auto& [key, definition] : definitions) {
    std::size_t i = each.size();
    each.push_back(fmt::format("(workflow = :workflow{0} AND workflow_version = :version{0})", i));
    parameters.push_back({fmt::format("workflow{}", i), definition.name});
    parameters.push_back({fmt::format("version{}", i), std::int64_t{definition.version}});
  }
  return "(" + join(each, " OR ") + ")";
}

std::vector<std::string> Engine::State::due(const std::set<std::string>& skip) {
  std::vector<std::string> found;
  context.database.read([&](db::Connection& c) {
    found.clear();
    const TimePoint now = context.clock.now();
    std::vector<db::Parameter> parameters;
    const std::string registered = registered_sql(parameters);
    for (const db::Row& row : c.query(
             "SELECT run_id, lease_owner, lease_expires_at FROM runs WHERE state = 'running' AND " +
                 registered,
             parameters)) {
      std::string owner = row.optional_text("lease_owner").value_or("");
      TimePoint expires = from_rfc3339(row.text("lease_expires_at"));
      if (owner == context.owner || !lease_holds(owner, expires, now)) {
        found.push_back(row.text("run_id"));
      }
    }
    // Enough to keep every thread busy even if others claim most of them first.
    parameters.push_back({"most", static_cast<std::int64_t>(64 + skip.size())});
    for (const db::Row& row : c.query("SELECT run_id FROM runs WHERE state = 'pending' AND " +
                                          registered + " ORDER BY created_at LIMIT :most",
                                      parameters)) {
      found.push_back(row.text("run_id"));
    }
    parameters.push_back({"now", to_rfc3339(now)});
    for (const db::Row& row :
         c.query("SELECT run_id FROM runs WHERE state = 'waiting' AND wake_at <= :now AND " +
                     registered + " ORDER BY wake_at LIMIT :most",
                 parameters)) {
      found.push_back(row.text("run_id"));
    }
  });
  std::erase_if(found, [&](const std::string& run_id) { return skip.contains(run_id); });
  return found;
}

std::optional<TimePoint> Engine::State::next_due() {
  std::optional<TimePoint> next;
  context.database.read([&](db::Connection& c) {
    std::vector<db::Parameter> parameters;
    const std::string registered = registered_sql(parameters);
    next.reset();
    for (const char* sql :
         {"SELECT MIN(wake_at) AS next FROM runs WHERE state = 'waiting' AND ",
          "SELECT MIN(lease_expires_at) AS next FROM runs WHERE state = 'running' AND "}) {
      auto text = c.query(sql + registered, parameters).at(0).optional_text("next");
      if (text && (!next || from_rfc3339(*text) < *next)) next = from_rfc3339(*text);
    }
  });
  return next;
}

std::optional<TimePoint> Engine::State::drive_due(int width, std::stop_token stop) {
  start_heart();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> queue;
  std::set<std::string> taken;  // queued or being driven here
  std::set<std::string> skip;   // held by others, or refused: not again in this call
  int busy = 0;
  std::exception_ptr crash;

  auto drive_one = [&](const std::string& run_id) {
    try {
      Slot slot(*this, run_id);
      Claim claimed;
      if (slot.taken()) claimed = claim(run_id, true);
      if (!claimed.run) return;
      auto execution = std::make_shared<Execution>(context, *claimed.run, claimed.steps, stop);
      slot.set(execution);
      drive_claimed(std::move(claimed), execution);
    } catch (const Error& error) {
      log_warning("run {}: {}", run_id, error.full_text());
      std::lock_guard lock(mutex);
      skip.insert(run_id);
    }
  };
  auto work = [&] {
    std::unique_lock lock(mutex);
    while (!crash && !stop.stop_requested()) {
      if (queue.empty()) {
        std::set<std::string> without = skip;
        without.insert(taken.begin(), taken.end());
        for (std::string& run_id : due(without)) {
          taken.insert(run_id);
          queue.push_back(std::move(run_id));
        }
        std::reverse(queue.begin(), queue.end());
      }
      if (queue.empty()) {
        if (busy == 0) break;
        // Another thread's run may become due again, or time may make one due.
        changed.wait_for(lock, kHeartbeat);
        continue;
      }
      std::string run_id = std::move(queue.back());
      queue.pop_back();
      ++busy;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        drive_one(run_id);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      --busy;
      taken.erase(run_id);
      if (thrown && !crash) crash = thrown;
      changed.notify_all();
    }
    changed.notify_all();
  };
  auto guarded = [&] {
    try {
      work();
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!crash) crash = std::current_exception();
      changed.notify_all();
    }
  };
  if (width <= 1) {
    guarded();
  } else {
    std::vector<std::jthread> workers;
    for (int i = 0; i < width; ++i) workers.emplace_back(guarded);
  }
  if (crash) std::rethrow_exception(crash);
  return next_due();
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
        renew_leases();
        // Two renewals may fail before the lease runs out.
        renew_at = std::chrono::steady_clock::now() + context.options.lease / 3;
      }
    } catch (const Error& error) {
      log_warning("heartbeat: {}", error.full_text());
    }
  }
}

void Engine::State::renew_leases() {
  context.database.transaction([&](db::Connection& c) {
    c.execute(
        "UPDATE runs SET lease_expires_at = :expires_at WHERE lease_owner = :owner AND state = "
        "'running'",
        {{"expires_at", to_rfc3339(context.clock.now() + context.options.lease)},
         {"owner", context.owner}});
  });
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
