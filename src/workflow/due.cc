/// What is due, and the threads that drive it: the part of the Engine that chooses runs.

#include <algorithm>
#include <condition_variable>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "workflow/driven.h"
#include "workflow/engine_state.h"

namespace hallmark::workflow {

namespace {

using namespace std::chrono_literals;
using Instant = std::chrono::steady_clock::time_point;

// A thread with nothing to do asks this often whether it is to stop, or something has come.
constexpr auto kIdleLook = 250ms;
// A worker looks at least this often, though the database tells it of new work ...
constexpr Duration kLookShared{5'000};
// ... or cannot tell of that of other processes ...
constexpr Duration kLookAlone{1'000};
// ... but not more often than this.
constexpr Duration kLeastLook{100};
// A run that a worker could not drive is left alone for so long: it may be for another one.
constexpr auto kLeftAlone = 10s;
// After trouble with the database that its own patience did not mend.
constexpr Duration kAfterTrouble{1'000};

}  // namespace

std::vector<std::string> driven_runs(db::Connection& connection, const Clock& clock) {
  std::vector<std::string> driven;
  const LeaseTime time = lease_time(connection, clock);
  for (const db::Row& row : connection.query("SELECT * FROM runs WHERE state = 'running'", {})) {
    const RunRow run = run_from(row);
    if (lease_holds(run.lease_owner, run.lease_expires_at, time, EngineOptions().lease)) {
      driven.push_back(run.run_id);
    }
  }
  return driven;
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
    const LeaseTime time = lease_time(c, context.clock);
    std::vector<db::Parameter> parameters;
    const std::string registered = registered_sql(parameters);
    for (const db::Row& row : c.query(
             "SELECT run_id, lease_owner, lease_expires_at FROM runs WHERE state = 'running' AND " +
                 registered,
             parameters)) {
      std::string owner = row.optional_text("lease_owner").value_or("");
      TimePoint expires = from_rfc3339(row.text("lease_expires_at"));
      if (owner == context.owner || !lease_holds(owner, expires, time, context.options.lease)) {
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

/// Threads that drive what is due: until nothing is, or, if they keep on, until `stop`.
struct Engine::State::Shift {
  State& state;
  const std::stop_token stop;
  const bool keeps_on;

  std::mutex mutex = {};  // guards what follows
  std::condition_variable changed = {};
  bool look = true;  ///< there may be more than is queued
  std::vector<std::string> queue = {};
  std::set<std::string> taken = {};          ///< queued or being driven here
  std::map<std::string, Instant> skip = {};  ///< held by others, or refused: not before then
  int busy = 0;
  std::exception_ptr crash = {};

  void run(int width, const std::function<void()>& meanwhile);
  void look_again();
  void guarded();
  void work(std::unique_lock<std::mutex>& lock);
  void fill_queue();
  void drive_one(const std::string& run_id);
};

void Engine::State::Shift::drive_one(const std::string& run_id) {
  try {
    Slot slot(state, run_id);
    Claim claimed;
    if (slot.taken()) claimed = state.claim(run_id, true);
    if (!claimed.run) return;
    auto execution = std::make_shared<Execution>(state.context, *claimed.run, claimed.steps, stop);
    slot.set(execution);
    state.drive_claimed(std::move(claimed), execution);
  } catch (const Error& error) {
    log_warning("run {}: {}", run_id, error.full_text());
    std::lock_guard lock(mutex);
    skip[run_id] = keeps_on ? std::chrono::steady_clock::now() + kLeftAlone : Instant::max();
  }
}

void Engine::State::Shift::fill_queue() {
  std::set<std::string> without = taken;
  std::erase_if(skip,
                [](const auto& item) { return item.second <= std::chrono::steady_clock::now(); });
  for (const auto& [run_id, until] : skip) without.insert(run_id);
  for (std::string& run_id : state.due(without)) {
    taken.insert(run_id);
    queue.push_back(std::move(run_id));
  }
  std::reverse(queue.begin(), queue.end());
}

void Engine::State::Shift::work(std::unique_lock<std::mutex>& lock) {
  while (!crash && !stop.stop_requested()) {
    if (queue.empty() && (look || !keeps_on)) {
      look = false;
      fill_queue();
    }
    if (queue.empty()) {
      if (busy == 0 && !keeps_on) break;
      // Another thread's run may become due again, or time may make one due.
      changed.wait_for(lock, kIdleLook);
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
    look = true;
    taken.erase(run_id);
    if (thrown && !crash) crash = thrown;
    changed.notify_all();
  }
}

void Engine::State::Shift::guarded() {
  while (true) {
    std::unique_lock lock(mutex);
    try {
      work(lock);
      break;
    } catch (const Error& error) {
      if (!keeps_on) {
        if (!crash) crash = std::current_exception();
        break;
      }
      log_warning("runs cannot be looked for: {}", error.full_text());
      look = true;
      changed.wait_for(lock, kAfterTrouble);
    }
  }
  changed.notify_all();
}

void Engine::State::Shift::look_again() {
  std::lock_guard lock(mutex);
  look = true;
  changed.notify_all();
}

void Engine::State::Shift::run(int width, const std::function<void()>& meanwhile) {
  if (width <= 1 && !meanwhile) {
    guarded();
  } else {
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::max(width, 1); ++i) threads.emplace_back([this] { guarded(); });
    if (meanwhile) meanwhile();
  }
  if (crash) std::rethrow_exception(crash);
}

std::optional<TimePoint> Engine::State::drive_due(int width, std::stop_token stop) {
  start_heart();
  Shift shift{.state = *this, .stop = stop, .keeps_on = false};
  shift.run(width, {});
  return next_due();
}

void Engine::State::work(int width, std::stop_token stop) {
  start_heart();
  Shift shift{.state = *this, .stop = stop, .keeps_on = true};
  const Duration most = context.database.shared() ? kLookShared : kLookAlone;
  shift.run(width, [&] {
    auto crashed = [&] {
      std::lock_guard lock(shift.mutex);
      return shift.crash != nullptr;
    };
    while (!stop.stop_requested() && !crashed()) {
      // Read before looking: what comes in between is not waited out.
      const std::uint64_t seen = context.database.news();
      shift.look_again();
      Duration pause = most;
      try {
        if (auto next = next_due()) pause = *next - context.clock.now();
      } catch (const Error& error) {
        log_warning("when runs are due cannot be asked: {}", error.full_text());
      }
      context.database.wait_for_news(seen, std::clamp(pause, kLeastLook, most), stop);
    }
  });
}

}  // namespace hallmark::workflow
