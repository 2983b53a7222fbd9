/// hallmark run: looking at runs. Driving them: run_drive.cc.

#include <algorithm>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/paging.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "workflow/run_list.h"

namespace hallmark::cli {

namespace {

const std::vector<std::string>& state_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (auto state : {workflow::RunState::pending, workflow::RunState::running,
                       workflow::RunState::waiting, workflow::RunState::succeeded,
                       workflow::RunState::failed, workflow::RunState::cancelled}) {
      all.emplace_back(workflow::to_string(state));
    }
    return all;
  }();
  return names;
}

workflow::RunState state_named(const std::string& name) {
  for (std::size_t i = 0; i < state_names().size(); ++i) {
    if (state_names()[i] == name) return static_cast<workflow::RunState>(i);
  }
  throw Error(ErrorKind::internal, "no run state is called {}", name);
}

Outcome list(App& app, const Arguments& arguments) {
  workflow::RunQuery query{.workflow = arguments.value("--workflow"),
                           .subjects = arguments.values(kProduct),
                           .page = page_of(arguments)};
  for (const std::string& name : arguments.values("--only")) {
    query.states.push_back(state_named(name));
  }
  Json runs = Json::array();
  const pipeline::Context& context = app.workplace().context;
  const workflow::RunPage page = workflow::list_runs(context.database, context.clock, query);
  for (const workflow::RunInfo& run : page.runs) runs.push_back(run_record(run));
  return {page_record("runs", std::move(runs), page.next)};
}

std::string text_or(const Json& json, const std::string& otherwise) {
  return json.is_string() ? json.get<std::string>() : otherwise;
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& run : record.at("runs")) {
    std::string note = text_or(run.at("waiting_for"), "");
    if (run.at("error").is_object()) note = run.at("error").at("message").get<std::string>();
    rows.push_back(
        {run.at("run_id").get<std::string>(), run.at("workflow").get<std::string>(),
         run.at("subject").get<std::string>(), state_cell(run.at("state").get<std::string>()),
         run.at("created_at").get<std::string>().substr(0, 19) + "Z", shorten(one_line(note), 60)});
  }
  if (rows.empty()) {
    app.err.stream << "no runs\n";
    return;
  }
  print_table(app.out, {"RUN", "WORKFLOW", "SUBJECT", "STATE", "STARTED", ""}, rows);
  render_next(record, app);
}

Outcome show(App& app, const Arguments& arguments) {
  workflow::Engine& engine = app.workplace().engine;
  std::string run_id = find_run(engine, arguments.value_or("ID", ""));
  workflow::RunInfo run = engine.show(run_id);
  std::vector<workflow::StepInfo> steps = engine.steps(run_id);
  Json record = {{"run", run_record(run)},
                 {"steps", Json::array()},
                 {"why", arguments.has("--why") ? Json(why(app, run, steps)) : Json(nullptr)}};
  record["run"]["input"] = run.input;
  for (const workflow::StepInfo& step : steps) record["steps"].push_back(step_record(step));
  return {record};
}

void render_show(const Json& record, App& app) {
  const Json& run = record.at("run");
  std::string state = run.at("state");
  print_fields(app.out, {{"Run", {run.at("run_id").get<std::string>(), Tone::strong}},
                         {"Workflow", run.at("workflow").get<std::string>()},
                         {"Subject", run.at("subject").get<std::string>()},
                         {"State", state_cell(state)},
                         {"Waiting for", text_or(run.at("waiting_for"), "")},
                         {"Until", text_or(run.at("wake_at"), "")},
                         {"Driven by", text_or(run.at("lease_owner"), "")},
                         {"Started", run.at("created_at").get<std::string>()},
                         {"Ended", text_or(run.at("ended_at"), "")}});
  if (run.at("error").is_object()) {
    app.out.stream << "Error:  " << error_from_json(run.at("error")).full_text() << '\n';
  }
  if (record.at("why").is_array()) {
    app.out.stream << "\nWhy:\n";
    for (const Json& line : record.at("why")) {
      app.out.stream << "  " << line.get<std::string>() << '\n';
    }
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& step : record.at("steps")) {
    std::string note;
    if (step.at("error").is_object()) note = step.at("error").at("message").get<std::string>();
    if (step.at("kind") == "note") note = text_or(step.at("result"), "");
    rows.push_back({step.at("key").get<std::string>(), step.at("kind").get<std::string>(),
                    state_cell(step.at("state").get<std::string>()),
                    step.at("elapsed_ms").is_number()
                        ? format_duration(Duration(step.at("elapsed_ms").get<std::int64_t>()))
                        : "",
                    std::to_string(step.at("attempts").get<int>()), shorten(one_line(note), 60)});
  }
  if (rows.empty()) return;
  app.out.stream << '\n';
  print_table(app.out, {"STEP", "KIND", "STATE", "TOOK", "ATTEMPTS", ""}, rows);
}

Outcome log(App& app, const Arguments& arguments) {
  workflow::Engine& engine = app.workplace().engine;
  std::string run_id = find_run(engine, arguments.value_or("ID", ""));
  std::vector<std::string> keys;
  for (const workflow::StepInfo& step : engine.steps(run_id)) keys.push_back(step.key);
  if (auto key = arguments.value("STEP")) {
    if (std::find(keys.begin(), keys.end(), *key) == keys.end()) {
      auto close = suggestion(*key, keys);
      throw Error(ErrorKind::not_found, "run {} has no step \"{}\"", run_id, *key)
          .hint(close ? "did you mean \"" + *close + "\"?"
                      : "see its steps: " + app.command_prefix + " run show " + run_id);
    }
    keys = {*key};
  }
  Json logs = Json::array();
  for (const std::string& key : keys) {
    std::string text = engine.log(run_id, key);
    if (text.empty()) continue;
    logs.push_back({{"key", key}, {"path", engine.log_path(run_id, key).string()}, {"text", text}});
  }
  return {{{"run_id", run_id}, {"logs", logs}}};
}

void render_log(const Json& record, App& app) {
  const Json& logs = record.at("logs");
  if (logs.empty()) app.err.stream << "nothing was logged\n";
  for (const Json& log : logs) {
    if (logs.size() > 1) {
      app.out.stream << paint(app.out, Tone::strong,
                              "==> " + log.at("key").get<std::string>() + " <==")
                     << '\n';
    }
    std::string text = log.at("text");
    app.out.stream << text << (text.ends_with('\n') ? "" : "\n");
  }
}

}  // namespace

std::vector<Command> run_look_commands() {
  ArgumentSpec id = {"ID", "a run's id or the beginning of it"};
  return {
      {.noun = "run",
       .verb = "list",
       .summary = "List runs, newest first.",
       .examples = {{"hallmark run list", "The latest runs."},
                    {"hallmark run list --only waiting --only pending",
                     "Those that wait for somebody or something."}},
       .options = {{"--only", "STATE", "runs in that state", true, state_names()},
                   {"--workflow",
                    "NAME",
                    "runs of that workflow",
                    false,
                    {"build", "distribute", "decommission", "reassess"}},
                   product_option(),
                   page_options()[0],
                   page_options()[1]},
       .run = list,
       .render = render_list},
      {.noun = "run",
       .verb = "show",
       .summary = "Show a run and what each of its steps took.",
       .examples = {{"hallmark run show run-0a1b", "The beginning of the id is enough."},
                    {"hallmark run show run-0a1b --why",
                     "Why it waits or failed, and what to do."}},
       .arguments = {id},
       .options = {{"--why", "", "say why it stands where it stands"}},
       .exits = {{ErrorKind::not_found, ""}},
       .run = show,
       .render = render_show},
      {.noun = "run",
       .verb = "log",
       .summary = "Print what a run's scripts and tools printed.",
       .examples = {{"hallmark run log run-0a1b", "Of all steps."},
                    {"hallmark run log run-0a1b builder/update-packages", "Of one step."}},
       .arguments = {id, {"STEP", "a step's key; all by default", false}},
       .exits = {{ErrorKind::not_found, ""}},
       .run = log,
       .render = render_log},
  };
}

}  // namespace hallmark::cli
