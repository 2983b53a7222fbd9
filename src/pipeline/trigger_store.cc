#include "pipeline/trigger_store.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::pipeline {

namespace {

constexpr std::array<std::string_view, 5> kTriggerEvents = {"source", "parameter", "golden_image",
                                                            "advisories", "webhook"};
constexpr std::array<std::string_view, 5> kTriggerFiringStates = {"seen", "waiting", "started",
                                                                  "skipped", "failed"};

void set_trigger_paused(const Context& context, const Trigger& trigger, bool paused,
                        const std::string& by) {
  using Told = std::optional<audit::Event>;
  context.audit.append([&](db::Connection& connection) -> Told {
    std::optional<TriggerRow> row = trigger_row(connection, trigger.name);
    if ((row && row->paused) == paused) return std::nullopt;
    if (!row) row = TriggerRow{.watched = watched_by(trigger)};
    // What is seen next is how things are.
    if (!paused) row->looked_at.clear();
    write_trigger_row(connection, trigger.name, *row);
    connection.execute("update triggers set paused = :paused where name = :name",
                       {{"paused", std::int64_t{paused}}, {"name", trigger.name}});
    return audit::Event{
        .token = random_id("event"),
        .actor = by,
        .action = paused ? "trigger.paused" : "trigger.resumed",
        .subject = trigger.name,
        .detail = {{"event", to_string(trigger.event)}, {"start", to_string(trigger.work.starts)}}};
  });
}

}  // namespace

std::string_view to_string(TriggerEvent event) {
  return kTriggerEvents.at(static_cast<std::size_t>(event));
}

TriggerEvent trigger_event_from(std::string_view text) {
  const auto known = std::find(kTriggerEvents.begin(), kTriggerEvents.end(), text);
  if (known == kTriggerEvents.end()) {
    throw Error(ErrorKind::usage, "\"{}\" is no event of a trigger", text)
        .hint("one of: " +
              join(std::vector<std::string>(kTriggerEvents.begin(), kTriggerEvents.end()), ", "));
  }
  return static_cast<TriggerEvent>(known - kTriggerEvents.begin());
}

std::string_view to_string(TriggerFiringState state) {
  return kTriggerFiringStates.at(static_cast<std::size_t>(state));
}

std::string watched_by(const Trigger& trigger) {
  const auto event = std::string(to_string(trigger.event));
  switch (trigger.event) {
    case TriggerEvent::source:
      return event + " " + trigger.work.pipeline_file.string();
    case TriggerEvent::parameter:
      return event + " " + trigger.parameter + " " + trigger.region;
    case TriggerEvent::golden_image:
      return event + " " + trigger.golden_image;
    case TriggerEvent::advisories:
    case TriggerEvent::webhook:
      return event;
  }
  throw Error(ErrorKind::internal, "a trigger of no kind");
}

std::optional<TriggerRow> trigger_row(db::Connection& connection, const std::string& name) {
  const auto rows = connection.query("select * from triggers where name = :name", {{"name", name}});
  if (rows.empty()) return std::nullopt;
  return TriggerRow{.watched = rows[0].text("watched"),
                    .paused = rows[0].integer("paused") != 0,
                    .looked_at = rows[0].text("looked_at"),
                    .problem = rows[0].text("problem")};
}

void write_trigger_row(db::Connection& connection, const std::string& name, const TriggerRow& row) {
  connection.execute(
      "insert into triggers (name, watched, paused, looked_at, problem)"
      " values (:name, :watched, 0, :looked_at, :problem)"
      " on conflict (name) do update set watched = excluded.watched,"
      " looked_at = excluded.looked_at, problem = excluded.problem",
      {{"name", name},
       {"watched", row.watched},
       {"looked_at", row.looked_at},
       {"problem", row.problem}});
}

TriggerFiring trigger_firing_in(const db::Row& row) {
  const std::string state = row.text("state");
  const auto known = std::find(kTriggerFiringStates.begin(), kTriggerFiringStates.end(), state);
  if (known == kTriggerFiringStates.end()) {
    throw Error(ErrorKind::corrupt, "unknown state \"{}\" of a trigger's firing in the database",
                state);
  }
  return {.trigger = row.text("name"),
          .event = row.text("event"),
          .happened_at = from_rfc3339(row.text("happened_at")),
          .state = static_cast<TriggerFiringState>(known - kTriggerFiringStates.begin()),
          .run_ids = parse_json(row.text("run_ids"), "trigger_firings.run_ids")
                         .get<std::vector<std::string>>(),
          .detail = row.text("detail")};
}

bool write_event(db::Connection& connection, const TriggerFiring& firing) {
  return connection.execute(
             "insert into trigger_firings"
             " (name, event, happened_at, state, run_ids, detail, claimed_at)"
             " values (:name, :event, :at, :state, '[]', :detail, '')"
             " on conflict (name, event) do nothing",
             {{"name", firing.trigger},
              {"event", firing.event},
              {"at", to_rfc3339(firing.happened_at)},
              {"state", std::string(to_string(firing.state))},
              {"detail", firing.detail}}) > 0;
}

audit::Event fired_event(const Trigger& trigger, const TriggerFiring& firing) {
  return {.token = "trigger.fired/" + firing.trigger + "/" + firing.event,
          .actor = "hallmark",
          .action = "trigger.fired",
          .subject = firing.trigger,
          .detail = {{"event", to_string(trigger.event)},
                     {"value", firing.event},
                     {"start", to_string(trigger.work.starts)}}};
}

TriggerStanding trigger_standing(const Context& context, const Trigger& trigger, int most) {
  TriggerStanding standing;
  context.database.read([&](db::Connection& connection) {
    standing = {};
    if (const auto row = trigger_row(connection, trigger.name)) {
      standing.paused = row->paused;
      standing.looked_at = row->looked_at;
      standing.problem = row->problem;
    }
    for (const db::Row& row :
         connection.query("select * from trigger_firings where name = :name"
                          " order by happened_at desc, event desc limit :most",
                          {{"name", trigger.name}, {"most", std::int64_t{most}}})) {
      standing.firings.push_back(trigger_firing_in(row));
    }
  });
  return standing;
}

std::optional<TriggerFiring> find_trigger_firing(const Context& context, const std::string& trigger,
                                                 const std::string& event) {
  std::optional<TriggerFiring> found;
  context.database.read([&](db::Connection& connection) {
    const auto rows =
        connection.query("select * from trigger_firings where name = :name and event = :event",
                         {{"name", trigger}, {"event", event}});
    found = rows.empty() ? std::nullopt : std::optional(trigger_firing_in(rows[0]));
  });
  return found;
}

void pause_trigger(const Context& context, const Trigger& trigger, const std::string& by) {
  set_trigger_paused(context, trigger, true, by);
}

void resume_trigger(const Context& context, const Trigger& trigger, const std::string& by) {
  set_trigger_paused(context, trigger, false, by);
}

void to_json(Json& json, const TriggerFiring& value) {
  json = {{"trigger", value.trigger},
          {"event", value.event},
          {"happened_at", to_rfc3339(value.happened_at)},
          {"state", to_string(value.state)},
          {"run_ids", value.run_ids},
          {"detail", value.detail}};
}

}  // namespace hallmark::pipeline
