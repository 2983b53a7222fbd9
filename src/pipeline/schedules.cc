#include "pipeline/schedules.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::pipeline {

namespace {

constexpr std::array<std::string_view, 4> kFiringStates = {"claimed", "started", "skipped",
                                                           "failed"};

/// Between two looks at most: what others pause, resume or claim is seen this late, and so is a
/// wall clock that was set.
constexpr Duration kLook{30'000};
constexpr Duration kPause{1'000};
/// Whoever claimed a firing and has not said for so long what came of it has died. Starting takes
/// seconds, or as long as it takes to fetch the scripts of a pipeline.
constexpr Duration kClaimHeld = std::chrono::minutes(5);
/// Firings are kept for a quarter, to look back over a monthly one; longer while a run is open.
constexpr Duration kKept = std::chrono::hours(24 * 92);

struct Row {
  std::string expression;
  std::string time_zone;
  bool enabled = true;
  bool paused = false;
  TimePoint anchor_at;
  TimePoint settled_at;

  bool is_of(const Schedule& schedule) const {
    return expression == schedule.expression.text && time_zone == schedule.expression.time_zone &&
           enabled == schedule.enabled;
  }
};

std::optional<Row> row_of(db::Connection& connection, const std::string& name) {
  auto rows = connection.query("select * from schedules where name = :name", {{"name", name}});
  if (rows.empty()) return std::nullopt;
  const db::Row& row = rows.front();
  return Row{.expression = row.text("expression"),
             .time_zone = row.text("time_zone"),
             .enabled = row.integer("enabled") != 0,
             .paused = row.integer("paused") != 0,
             .anchor_at = from_rfc3339(row.text("anchor_at")),
             .settled_at = from_rfc3339(row.text("settled_at"))};
}

Firing firing_in(const db::Row& row) {
  const std::string state = row.text("state");
  const auto known = std::find(kFiringStates.begin(), kFiringStates.end(), state);
  if (known == kFiringStates.end()) {
    throw Error(ErrorKind::corrupt, "unknown state \"{}\" of a firing in the database", state);
  }
  return {
      .schedule = row.text("schedule"),
      .due_at = from_rfc3339(row.text("due_at")),
      .missed = row.integer("missed"),
      .state = static_cast<FiringState>(known - kFiringStates.begin()),
      .run_ids = parse_json(row.text("run_ids"), "firings.run_ids").get<std::vector<std::string>>(),
      .detail = row.text("detail")};
}

std::vector<Firing> firings_of(db::Connection& connection, const std::string& name, int most) {
  std::vector<Firing> firings;
  for (const db::Row& row : connection.query(
           "select * from firings where schedule = :name order by due_at desc limit :most",
           {{"name", name}, {"most", std::int64_t{most}}})) {
    firings.push_back(firing_in(row));
  }
  return firings;
}

/// Writes it as it is to count from now on.
void write_row(db::Connection& connection, const Schedule& schedule, TimePoint now) {
  const std::string text = to_rfc3339(now);
  connection.execute(
      "insert into schedules (name, expression, time_zone, enabled, paused, anchor_at, settled_at)"
      " values (:name, :expression, :time_zone, :enabled, 0, :anchor_at, :settled_at)"
      " on conflict (name) do update set expression = excluded.expression,"
      " time_zone = excluded.time_zone, enabled = excluded.enabled,"
      " anchor_at = excluded.anchor_at, settled_at = excluded.settled_at",
      {{"name", schedule.name},
       {"expression", schedule.expression.text},
       {"time_zone", schedule.expression.time_zone},
       {"enabled", std::int64_t{schedule.enabled}},
       {"anchor_at", text},
       {"settled_at", text}});
}

schedule::Missed due_of(const Schedule& schedule, const Row& row, TimePoint now) {
  if (!row.is_of(schedule) || !row.enabled || row.paused) return {};
  return schedule::missed(schedule.expression, row.settled_at, now, row.anchor_at);
}

std::set<std::string> open_runs(workflow::Engine& engine) {
  std::set<std::string> open;
  for (const workflow::RunInfo& run :
       engine.list({.states = {workflow::RunState::pending, workflow::RunState::running,
                               workflow::RunState::waiting},
       .limit = std::numeric_limits<int>::max()})) {
    open.insert(run.run_id);
  }
  return open;
}

/// Firings that are older, but for those that somebody has to make good on and those whose runs
/// have not ended: while one is open nothing is started.
void forget_before(db::Connection& connection, const std::string& name, const std::string& kept,
                   const std::set<std::string>& open) {
  for (const db::Row& row : connection.query(
           "select * from firings where schedule = :name and due_at < :kept and state <> 'claimed'",
           {{"name", name}, {"kept", kept}})) {
    const Firing firing = firing_in(row);
    if (std::any_of(firing.run_ids.begin(), firing.run_ids.end(),
                    [&](const std::string& run_id) { return open.contains(run_id); })) {
      continue;
    }
    connection.execute("delete from firings where schedule = :name and due_at = :due_at",
                       {{"name", name}, {"due_at", row.text("due_at")}});
  }
}

/// The due time that is ours to fire; nothing if none is due or somebody else was quicker.
std::optional<Firing> claim(workflow::Engine& engine, const Context& context,
                            const Schedule& schedule) {
  std::optional<Firing> claimed;
  const TimePoint now = context.clock.now();
  const auto look = [&](db::Connection& connection) {
    const std::optional<Row> row = row_of(connection, schedule.name);
    const schedule::Missed due = row ? due_of(schedule, *row, now) : schedule::Missed{};
    if (due.count == 0) return std::optional<std::pair<Row, schedule::Missed>>();
    return std::optional(std::pair(*row, due));
  };
  bool is_due = false;
  // Looking costs no lock; most looks find nothing.
  context.database.read([&](db::Connection& connection) { is_due = look(connection).has_value(); });
  if (!is_due) return std::nullopt;
  const std::set<std::string> open = open_runs(engine);
  context.database.transaction([&](db::Connection& connection) {
    claimed.reset();
    const auto seen = look(connection);
    if (!seen) return;
    const auto& [row, due] = *seen;
    const std::string due_at = to_rfc3339(*due.latest);
    const std::int64_t ours = connection.execute(
        "update schedules set settled_at = :due_at where name = :name and settled_at = :before",
        {{"due_at", due_at}, {"name", schedule.name}, {"before", to_rfc3339(row.settled_at)}});
    if (ours == 0) return;
    forget_before(connection, schedule.name, to_rfc3339(now - kKept), open);
    connection.execute(
        "insert into firings (schedule, due_at, missed, state, run_ids, detail, claimed_at)"
        " values (:schedule, :due_at, :missed, 'claimed', '[]', '', :now)",
        {{"schedule", schedule.name},
         {"due_at", due_at},
         {"missed", due.count - 1},
         {"now", to_rfc3339(now)}});
    claimed = Firing{.schedule = schedule.name, .due_at = *due.latest, .missed = due.count - 1};
  });
  return claimed;
}

/// Claims that whoever made them died over, and which are ours from now on. `is_off`: the schedule
/// was paused or switched off since. None of a schedule that is not as it was.
struct LeftClaims {
  std::vector<Firing> firings;
  bool is_off = false;
};
LeftClaims take_over(const Context& context, const Schedule& schedule) {
  LeftClaims ours;
  const TimePoint now = context.clock.now();
  const auto look = [&](db::Connection& connection) {
    return connection.query(
        "select * from firings where schedule = :name and state = 'claimed' and"
        " claimed_at <= :before order by due_at",
        {{"name", schedule.name}, {"before", to_rfc3339(now - kClaimHeld)}});
  };
  bool is_left = false;
  context.database.read([&](db::Connection& connection) { is_left = !look(connection).empty(); });
  if (!is_left) return ours;
  context.database.transaction([&](db::Connection& connection) {
    ours = {};
    const std::optional<Row> row = row_of(connection, schedule.name);
    if (!row || !row->is_of(schedule)) return;
    ours.is_off = row->paused || !row->enabled;
    for (const db::Row& left : look(connection)) {
      const std::int64_t taken = connection.execute(
          "update firings set claimed_at = :now where schedule = :name and due_at = :due_at"
          " and state = 'claimed' and claimed_at = :before",
          {{"now", to_rfc3339(now)},
           {"name", schedule.name},
           {"due_at", left.text("due_at")},
           {"before", left.text("claimed_at")}});
      if (taken > 0) ours.firings.push_back(firing_in(left));
    }
  });
  return ours;
}

/// Writes down what came of it. That it was started is true whoever says it, and stays.
void settle(const Context& context, const Firing& firing) {
  context.database.transaction([&](db::Connection& connection) {
    const char* unless =
        firing.state == FiringState::started ? " and state <> 'started'" : " and state = 'claimed'";
    connection.execute(
        std::string("update firings set state = :state, run_ids = :run_ids, detail = :detail"
                    " where schedule = :schedule and due_at = :due_at") +
            unless,
        {{"state", std::string(to_string(firing.state))},
         {"run_ids", compact(Json(firing.run_ids))},
         {"detail", firing.detail},
         {"schedule", firing.schedule},
         {"due_at", to_rfc3339(firing.due_at)}});
  });
}

/// Starts what was claimed, and writes down what came of it.
Firing make_good(workflow::Engine& engine, Context& context, const Schedule& schedule,
                 Firing firing, std::stop_token stop) {
  try {
    const auto open = open_runs_of(engine, context, firing.schedule, firing.due_at);
    if (!open.empty()) {
      firing.state = FiringState::skipped;
      firing.detail = "run " + open.front() + " of a time before has not ended";
    } else {
      const std::string token = schedule.name + "\n" + to_rfc3339(firing.due_at);
      StartedWork started = start_work(engine, context, schedule.work, "schedule " + schedule.name,
                                       token, std::move(stop));
      firing.state = FiringState::started;
      firing.run_ids = std::move(started.run_ids);
      firing.detail = join(started.problems, "; ");
      if (firing.run_ids.empty() && !firing.detail.empty()) firing.state = FiringState::failed;
    }
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    firing.state = FiringState::failed;
    firing.detail = e.message();
  }
  settle(context, firing);
  return firing;
}

/// When the next of them is due; none if none ever is.
std::optional<TimePoint> next_due(const Context& context, const std::vector<Schedule>& schedules) {
  std::optional<TimePoint> next;
  for (const Schedule& schedule : schedules) {
    const auto due = schedule_standing(context, schedule, 0).next_due_at;
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

void set_paused(const Context& context, const Schedule& schedule, bool paused,
                const std::string& by) {
  const TimePoint now = context.clock.now();
  using Told = std::optional<audit::Event>;
  context.audit.append([&](db::Connection& connection) -> Told {
    const std::optional<Row> row = row_of(connection, schedule.name);
    if (!row) write_row(connection, schedule, now);
    if ((row && row->paused) == paused) return std::nullopt;
    connection.execute("update schedules set paused = :paused where name = :name",
                       {{"paused", std::int64_t{paused}}, {"name", schedule.name}});
    if (!paused) {
      connection.execute("update schedules set settled_at = :now where name = :name",
                         {{"now", to_rfc3339(now)}, {"name", schedule.name}});
    }
    return audit::Event{.token = random_id("event"),
                        .actor = by,
                        .action = paused ? "schedule.paused" : "schedule.resumed",
                        .subject = schedule.name,
                        .detail = {{"expression", schedule.expression.text},
                                   {"start", to_string(schedule.work.starts)}}};
  });
}

}  // namespace

std::string_view to_string(FiringState state) {
  return kFiringStates.at(static_cast<std::size_t>(state));
}

void adopt_schedules(const Context& context, const std::vector<Schedule>& schedules) {
  const TimePoint now = context.clock.now();
  std::vector<std::string> past;
  context.database.transaction([&](db::Connection& connection) {
    past.clear();
    for (const Schedule& schedule : schedules) {
      const std::optional<Row> row = row_of(connection, schedule.name);
      if (row && row->is_of(schedule)) continue;
      if (schedule.enabled && schedule::never_fires(schedule.expression, now)) {
        past.push_back(fmt::format("{}: schedule {}: {} is never due again", schedule.place,
                                   schedule.name, schedule.expression.text));
      }
      write_row(connection, schedule, now);
    }
  });
  for (const std::string& each : past) log_warning("{}", each);
}

std::vector<Firing> fire_due(workflow::Engine& engine, Context& context,
                             const std::vector<Schedule>& schedules, std::stop_token stop) {
  std::vector<Firing> fired;
  for (const Schedule& schedule : schedules) {
    LeftClaims left = take_over(context, schedule);
    for (Firing& firing : left.firings) {
      if (left.is_off) {
        firing.state = FiringState::skipped;
        firing.detail = "the schedule was paused or switched off before it was started";
        settle(context, firing);
        fired.push_back(std::move(firing));
      } else {
        fired.push_back(make_good(engine, context, schedule, std::move(firing), stop));
      }
    }
    if (auto claimed = claim(engine, context, schedule)) {
      fired.push_back(make_good(engine, context, schedule, std::move(*claimed), stop));
    }
  }
  return fired;
}

void keep_schedules(workflow::Engine& engine, Context& context,
                    const std::vector<Schedule>& schedules,
                    const std::function<void(const Firing&)>& told, std::stop_token stop) {
  adopt_schedules(context, schedules);
  while (!stop.stop_requested()) {
    TimePoint wake = context.clock.now() + kLook;
    try {
      for (const Firing& firing : fire_due(engine, context, schedules, stop)) told(firing);
      // What is due by now was left to somebody else: no need to look all the time.
      if (auto next = next_due(context, schedules)) {
        wake = std::min(wake, std::max(*next, context.clock.now() + kPause));
      }
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled && stop.stop_requested()) return;
      if (!traits(e.kind()).retry) throw;
      log_warning("schedules cannot be looked after just now: {}", e.full_text());
    }
    context.clock.sleep_until(wake, stop);
  }
}

std::vector<std::string> open_runs_of(workflow::Engine& engine, const Context& context,
                                      const std::string& schedule,
                                      std::optional<TimePoint> except_due_at) {
  std::vector<std::string> runs;
  const std::set<std::string> open = open_runs(engine);
  if (open.empty()) return runs;
  context.database.read([&](db::Connection& connection) {
    runs.clear();
    for (const db::Row& row : connection.query(
             "select * from firings where schedule = :name and run_ids <> '[]'"
             " and due_at <> :except order by due_at desc",
             {{"name", schedule}, {"except", except_due_at ? to_rfc3339(*except_due_at) : ""}})) {
      for (const std::string& run_id : firing_in(row).run_ids) {
        if (open.contains(run_id)) runs.push_back(run_id);
      }
    }
  });
  return runs;
}

ScheduleStanding schedule_standing(const Context& context, const Schedule& schedule, int most) {
  ScheduleStanding standing;
  const TimePoint now = context.clock.now();
  std::optional<Row> row;
  context.database.read([&](db::Connection& connection) {
    row = row_of(connection, schedule.name);
    standing.firings = firings_of(connection, schedule.name, most);
  });
  standing.paused = row && row->paused;
  standing.known = row && row->is_of(schedule);
  if (!schedule.enabled || standing.paused) return standing;
  // One that nobody has looked after yet will count from when somebody does.
  standing.next_due_at = standing.known
                             ? schedule::next(schedule.expression, row->settled_at, row->anchor_at)
                             : schedule::next(schedule.expression, now, now);
  return standing;
}

void pause_schedule(const Context& context, const Schedule& schedule, const std::string& by) {
  set_paused(context, schedule, true, by);
}

void resume_schedule(const Context& context, const Schedule& schedule, const std::string& by) {
  set_paused(context, schedule, false, by);
}

void to_json(Json& json, const Firing& value) {
  json = {{"schedule", value.schedule}, {"due_at", to_rfc3339(value.due_at)},
          {"missed", value.missed},     {"state", to_string(value.state)},
          {"run_ids", value.run_ids},   {"detail", value.detail}};
}

}  // namespace hallmark::pipeline
