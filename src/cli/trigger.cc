/// hallmark trigger list, show, pause, resume: what config.yaml has happen when something else did.

#include <algorithm>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "pipeline/triggers.h"

namespace hallmark::cli {

namespace {

using pipeline::Trigger;
using pipeline::TriggerEvent;
using pipeline::TriggerFiring;

constexpr int kFiringsShown = 20;

const Trigger& trigger_named(App& app, const Arguments& arguments) {
  const std::string name = arguments.value_or("NAME", "");
  std::vector<std::string> names;
  for (const Trigger& trigger : app.workplace().triggers.all) {
    if (trigger.name == name) return trigger;
    names.push_back(trigger.name);
  }
  auto close = suggestion(name, names);
  throw Error(ErrorKind::not_found, "there is no trigger \"{}\"", name)
      .hint(close           ? "did you mean " + *close + "?"
            : names.empty() ? "config.yaml has no triggers; see docs/triggers.md"
                            : "there are: " + join(names, ", "));
}

/// What it looks at, for people.
std::string watched(const Trigger& trigger) {
  switch (trigger.event) {
    case TriggerEvent::source:
      return "source of " + trigger.work.pipeline_file.string();
    case TriggerEvent::parameter:
      return "parameter " + trigger.parameter;
    case TriggerEvent::golden_image:
      return "versions of " + trigger.golden_image;
    case TriggerEvent::advisories:
      return "advisories";
    case TriggerEvent::webhook:
      return "POST /api/v1/triggers/" + trigger.name;
  }
  return "";
}

std::string state_of(const Trigger& trigger, const pipeline::TriggerStanding& standing) {
  if (!trigger.enabled) return "off";
  if (standing.paused) return "paused";
  if (!standing.problem.empty()) return "blind";
  if (standing.looked_at.empty() && trigger.event != TriggerEvent::webhook) return "new";
  return "on";
}

Json trigger_record(App& app, const Trigger& trigger, int firings) {
  const auto standing =
      pipeline::trigger_standing(app.workplace().context, trigger, std::max(firings, 1));
  Json record = {{"name", trigger.name},
                 {"event", to_string(trigger.event)},
                 {"watches", watched(trigger)},
                 {"start", to_string(trigger.work.starts)},
                 {"state", state_of(trigger, standing)},
                 {"looked_at", standing.looked_at},
                 {"problem", standing.problem},
                 {"last", standing.firings.empty() ? Json(nullptr) : Json(standing.firings[0])}};
  if (firings > 0) record["firings"] = standing.firings;
  return record;
}

Cell state_cell_of(const std::string& state) {
  return {state, state == "on" || state == "new" ? Tone::good : Tone::warning};
}

Cell outcome_cell(const Json& firing) {
  const std::string state = firing.at("state");
  return {state, state == "failed" ? Tone::bad : state == "waiting" ? Tone::warning : Tone::plain};
}

std::string minute_of(const std::string& time) {
  constexpr std::size_t kToMinute = 16;
  return time.empty() ? time : time.substr(0, kToMinute) + "Z";
}

std::string text_in(const Json& record, const char* key) {
  return record.at(key).get<std::string>();
}

Outcome list(App& app, const Arguments&) {
  Json triggers = Json::array();
  for (const Trigger& trigger : app.workplace().triggers.all) {
    triggers.push_back(trigger_record(app, trigger, 0));
  }
  return {{{"triggers", triggers}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& trigger : record.at("triggers")) {
    const Json& last = trigger.at("last");
    rows.push_back({text_in(trigger, "name"), text_in(trigger, "watches"),
                    text_in(trigger, "start"), state_cell_of(text_in(trigger, "state")),
                    last.is_null() ? "" : minute_of(text_in(last, "happened_at")),
                    last.is_null() ? Cell("") : outcome_cell(last)});
  }
  if (rows.empty()) {
    app.err.stream << "config.yaml has no triggers; see docs/triggers.md\n";
    return;
  }
  print_table(app.out, {"NAME", "WATCHES", "STARTS", "STATE", "LAST EVENT", ""}, rows);
}

Outcome show(App& app, const Arguments& arguments) {
  return {{{"trigger", trigger_record(app, trigger_named(app, arguments), kFiringsShown)}}};
}

void render_show(const Json& record, App& app) {
  const Json& trigger = record.at("trigger");
  print_fields(app.out, {{"watches", text_in(trigger, "watches")},
                         {"starts", text_in(trigger, "start")},
                         {"state", state_cell_of(text_in(trigger, "state"))},
                         {"looked", minute_of(text_in(trigger, "looked_at"))},
                         {"problem", text_in(trigger, "problem")}});
  std::vector<std::vector<Cell>> rows;
  for (const Json& firing : trigger.at("firings")) {
    rows.push_back({minute_of(text_in(firing, "happened_at")), text_in(firing, "event"),
                    outcome_cell(firing),
                    join(firing.at("run_ids").get<std::vector<std::string>>(), ", "),
                    text_in(firing, "detail")});
  }
  if (rows.empty()) return;
  app.out.stream << '\n';
  print_table(app.out, {"WHEN", "EVENT", "", "RUN", "WHY"}, rows);
}

Outcome pause(App& app, const Arguments& arguments) {
  const Trigger& trigger = trigger_named(app, arguments);
  pipeline::pause_trigger(app.workplace().context, trigger, app.user);
  return {{{"trigger", trigger_record(app, trigger, 0)}}};
}

Outcome resume(App& app, const Arguments& arguments) {
  const Trigger& trigger = trigger_named(app, arguments);
  pipeline::resume_trigger(app.workplace().context, trigger, app.user);
  return {{{"trigger", trigger_record(app, trigger, 0)}}};
}

void render_state(const Json& record, App& app) {
  const Json& trigger = record.at("trigger");
  app.out.stream << text_in(trigger, "name") << " is " << text_in(trigger, "state") << '\n';
}

}  // namespace

std::vector<Command> trigger_commands() {
  const ArgumentSpec name = {"NAME", "a trigger of config.yaml"};
  return {{.noun = "trigger",
           .verb = "list",
           .summary = "List what config.yaml has happen when something else did.",
           .examples = {{"hallmark trigger list", "With what came of the last event."}},
           .run = list,
           .render = render_list},
          {.noun = "trigger",
           .verb = "show",
           .summary = "Show a trigger, what it saw and what that started.",
           .examples = {{"hallmark trigger show base-moved", ""}},
           .arguments = {name},
           .exits = {{ErrorKind::not_found, ""}},
           .run = show,
           .render = render_show},
          {.noun = "trigger",
           .verb = "pause",
           .summary = "Let a trigger see nothing until it is resumed.",
           .examples = {{"hallmark trigger pause base-moved", "What runs already goes on."}},
           .arguments = {name},
           .exits = {{ErrorKind::not_found, ""}},
           .run = pause,
           .render = render_state},
          {.noun = "trigger",
           .verb = "resume",
           .summary = "Let a paused trigger see again.",
           .examples = {{"hallmark trigger resume base-moved",
                         "What happened meanwhile fires nothing."}},
           .arguments = {name},
           .exits = {{ErrorKind::not_found, ""}},
           .run = resume,
           .render = render_state}};
}

}  // namespace hallmark::cli
