#include "pipeline/triggers.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/trigger_store.h"
#include "workflow/duty.h"

namespace hallmark::pipeline {

namespace {

/// What waits for an earlier run to end is started this late.
constexpr Duration kTriggerLook{10'000};
/// Who looks after them and says nothing for so long has died, or waits for a cloud that does not
/// answer; another one looks then, which does no harm.
constexpr Duration kTriggerTerm = std::chrono::minutes(2);
/// As of a schedule's claim.
constexpr Duration kEventHeld = std::chrono::minutes(5);

struct Waiting {
  TriggerFiring firing;
  std::string claimed_at;  ///< empty: by nobody
};

/// Newest first.
std::vector<Waiting> waiting_of(const Context& context, const std::string& name) {
  std::vector<Waiting> waiting;
  context.database.read([&](db::Connection& connection) {
    waiting.clear();
    for (const db::Row& row :
         connection.query("select * from trigger_firings where name = :name and state = 'waiting'"
                          " order by happened_at desc, event desc",
                          {{"name", name}})) {
      waiting.push_back({trigger_firing_in(row), row.text("claimed_at")});
    }
  });
  return waiting;
}

/// The one to start: that whose claimer died, because its run may be there already, else the
/// newest. Nothing while somebody is about to start one.
std::optional<Waiting> next_of(const std::vector<Waiting>& waiting, TimePoint now) {
  const std::string before = to_rfc3339(now - kEventHeld);
  std::optional<Waiting> left;
  for (const Waiting& each : waiting) {
    if (each.claimed_at > before) return std::nullopt;
    if (!each.claimed_at.empty()) left = each;
  }
  if (left) return left;
  return waiting.empty() ? std::nullopt : std::optional(waiting.front());
}

/// Writes down what came of it; that it was started is true whoever says it, and stays.
void settle_event(const Context& context, const Trigger& trigger, const TriggerFiring& firing) {
  using Told = std::optional<audit::Event>;
  context.audit.append([&](db::Connection& connection) -> Told {
    const char* unless = firing.state == TriggerFiringState::started   ? " and state <> 'started'"
                         : firing.state == TriggerFiringState::skipped ? " and claimed_at = ''"
                                                                       : " and state = 'waiting'";
    const auto ours = connection.execute(
        std::string("update trigger_firings set state = :state, run_ids = :run_ids,"
                    " detail = :detail where name = :name and event = :event") +
            unless,
        {{"state", std::string(to_string(firing.state))},
         {"run_ids", compact(Json(firing.run_ids))},
         {"detail", firing.detail},
         {"name", firing.trigger},
         {"event", firing.event}});
    if (ours == 0 || firing.state != TriggerFiringState::failed) return std::nullopt;
    audit::Event event = fired_event(trigger, firing);
    event.token = "trigger.failed/" + firing.trigger + "/" + firing.event;
    event.action = "trigger.failed";
    event.detail["why"] = firing.detail;
    return event;
  });
}

/// The runs that an event of this trigger started and that have not ended.
std::vector<std::string> open_started(workflow::Engine& engine, const Context& context,
                                      const std::string& name) {
  std::vector<std::string> started;
  context.database.read([&](db::Connection& connection) {
    started.clear();
    // Before the last ones nothing was started while one of those before was open.
    for (const db::Row& row :
         connection.query("select * from trigger_firings where name = :name and state = 'started'"
                          " order by happened_at desc, event desc limit 20",
                          {{"name", name}})) {
      for (std::string& run_id : trigger_firing_in(row).run_ids) {
        started.push_back(std::move(run_id));
      }
    }
  });
  return open_of(engine, started);
}

/// Whether it is ours to start; nobody else's for some minutes.
bool claim_event(const Context& context, const Waiting& waiting, TimePoint now) {
  bool ours = false;
  context.database.transaction([&](db::Connection& connection) {
    ours = connection.execute(
               "update trigger_firings set claimed_at = :now where name = :name and event = :event"
               " and state = 'waiting' and claimed_at = :before",
               {{"now", to_rfc3339(now)},
                {"name", waiting.firing.trigger},
                {"event", waiting.firing.event},
                {"before", waiting.claimed_at}}) > 0;
  });
  return ours;
}

void unclaim(const Context& context, const TriggerFiring& firing) {
  context.database.transaction([&](db::Connection& connection) {
    connection.execute(
        "update trigger_firings set claimed_at = '' where name = :name and event = :event"
        " and state = 'waiting'",
        {{"name", firing.trigger}, {"event", firing.event}});
  });
}

bool is_paused(const Context& context, const std::string& name) {
  bool paused = false;
  context.database.read([&](db::Connection& connection) {
    const auto row = trigger_row(connection, name);
    paused = row && row->paused;
  });
  return paused;
}

}  // namespace

std::vector<TriggerFiring> start_waiting(workflow::Engine& engine, Context& context,
                                         const Trigger& trigger, std::stop_token stop) {
  const TimePoint now = context.clock.now();
  const std::vector<Waiting> waiting = waiting_of(context, trigger.name);
  const std::optional<Waiting> next = next_of(waiting, now);
  if (!next || !trigger.enabled || is_paused(context, trigger.name)) return {};
  // One whose claimer died may have started what is open now.
  if (next->claimed_at.empty() && !open_started(engine, context, trigger.name).empty()) return {};
  if (!claim_event(context, *next, now)) return {};
  TriggerFiring firing = next->firing;
  try {
    StartedWork started =
        start_work(engine, context, trigger.work, "trigger " + trigger.name,
                   "trigger\n" + trigger.name + "\n" + firing.event, std::move(stop));
    if (started.again) {
      // With runs begun the claim is kept until it expires; the same token begins none twice.
      if (started.run_ids.empty()) unclaim(context, firing);
      log_warning("trigger {} cannot start all that is due for {} just now: {}", trigger.name,
                  firing.event, join(started.problems, "; "));
      return {};
    }
    firing.state = TriggerFiringState::started;
    firing.run_ids = std::move(started.run_ids);
    firing.detail = join(started.problems, "; ");
    if (firing.run_ids.empty() && !firing.detail.empty()) {
      firing.state = TriggerFiringState::failed;
    }
  } catch (const Error& e) {
    const bool again = traits(e.kind()).retry;
    if (again || e.kind() == ErrorKind::cancelled) unclaim(context, firing);
    if (e.kind() == ErrorKind::cancelled) throw;
    if (again) {
      log_warning("trigger {} cannot start what is due for {} just now: {}", trigger.name,
                  firing.event, e.full_text());
      return {};
    }
    firing.state = TriggerFiringState::failed;
    firing.detail = e.message();
  }
  settle_event(context, trigger, firing);
  std::vector<TriggerFiring> settled = {firing};
  for (const Waiting& each : waiting) {
    const bool older = each.firing.happened_at <= firing.happened_at;
    if (each.firing.event == firing.event || !older || !each.claimed_at.empty()) continue;
    settled.push_back(each.firing);
    settled.back().state = TriggerFiringState::skipped;
    settled.back().detail = "\"" + firing.event + "\" came while it waited";
    settle_event(context, trigger, settled.back());
  }
  return settled;
}

void keep_triggers(workflow::Engine& engine, Context& context, const Triggers& triggers,
                   const std::function<void(const TriggerFiring&)>& told, std::stop_token stop) {
  workflow::Duty duty(context.database, context.clock, "triggers", kTriggerTerm);
  while (!stop.stop_requested()) {
    try {
      if (duty.mine()) {
        look_at_triggers(context, engine, triggers, stop);
        for (const Trigger& trigger : triggers.all) {
          for (const TriggerFiring& firing : start_waiting(engine, context, trigger, stop)) {
            told(firing);
          }
        }
      }
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled && stop.stop_requested()) return;
      if (!traits(e.kind()).retry) throw;
      log_warning("triggers cannot be looked after just now: {}", e.full_text());
    }
    context.clock.sleep_until(context.clock.now() + kTriggerLook, stop);
  }
}

}  // namespace hallmark::pipeline
