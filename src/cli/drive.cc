#include "cli/drive.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace hallmark::cli {

using namespace std::chrono_literals;

namespace {

/// In the foreground we wait for whatever the run waits for, except for people.
constexpr Duration kWaitAtMost = std::chrono::hours(24 * 30);
/// Between two looks at a run that another process drives.
constexpr Duration kLook = 500ms;

Error stopped(const App& app, const std::string& run_id) {
  return Error(ErrorKind::cancelled, "stopped; run {} is kept as it is", run_id)
      .hint("go on with: " + app.command_prefix + " run resume " + run_id);
}

/// News for the view out of the journal, as another process writes it.
class JournalReader {
 public:
  explicit JournalReader(bool from_now) : silent_(from_now) {}

  void read(workflow::Engine& engine, ProgressView& view, const std::string& run_id) {
    for (const workflow::StepInfo& step : engine.steps(run_id)) {
      auto now = std::pair(step.state, step.attempts);
      auto [known, inserted] = seen_.try_emplace(step.key, now);
      bool changed = inserted || known->second != now;
      known->second = now;
      if (!changed || (silent_ && workflow::StepState::succeeded == step.state)) continue;
      view.step_changed(run_id, step);
    }
    silent_ = false;
  }

 private:
  bool silent_;
  std::map<std::string, std::pair<workflow::StepState, int>> seen_;
};

/// Time passes by itself; a signal comes from a person.
bool waits_for_somebody(workflow::Engine& engine, const workflow::RunInfo& run) {
  if (run.state != workflow::RunState::waiting) return false;
  std::vector<workflow::StepInfo> steps = engine.steps(run.run_id);
  return std::any_of(steps.begin(), steps.end(), [](const workflow::StepInfo& step) {
    return step.kind == "signal" && step.state == workflow::StepState::waiting;
  });
}

/// Looks until the run is held by nobody. Returns how it stands then.
workflow::RunInfo look_while_held(App& app, ProgressView& view, const std::string& run_id) {
  workflow::Engine& engine = app.workplace().engine;
  JournalReader journal(true);
  while (true) {
    workflow::RunInfo run = engine.show(run_id);
    journal.read(engine, view, run_id);
    if (run.state != workflow::RunState::running) return run;
    if (!app.clock.sleep_until(app.clock.now() + kLook, app.stop)) throw stopped(app, run_id);
  }
}

/// Looks on until the run ends or waits for somebody who has not answered yet.
workflow::RunInfo look_while_served(App& app, const std::string& run_id) {
  workflow::Engine& engine = app.workplace().engine;
  while (true) {
    workflow::RunInfo run = engine.show(run_id);
    if (workflow::ended(run.state)) return run;
    const bool due = run.wake_at && *run.wake_at <= app.clock.now();
    if (!due && waits_for_somebody(engine, run)) return run;
    if (app.stop.stop_requested()) {
      throw Error(ErrorKind::cancelled, "the server ends; run {} is kept as it is", run_id)
          .hint("look on again with: " + app.command_prefix + " run watch " + run_id);
    }
    app.service->await_news(kLook);
  }
}

}  // namespace

Observation::Observation(App& app, ProgressView& view, const std::string& run_id) : app_(app) {
  workflow::Observer all = view.observer();
  if (run_id.empty()) {
    app_.workplace().observe(std::move(all));
    return;
  }
  app_.workplace().observe(
      {.run_changed =
           [run_id, tell = all.run_changed](const workflow::RunInfo& run) {
             if (run.run_id == run_id) tell(run);
           },
       .step_changed =
           [run_id, tell = all.step_changed](const std::string& run,
                                             const workflow::StepInfo& step) {
             if (run == run_id) tell(run, step);
           },
       .progress =
           [run_id, tell = all.progress](const std::string& run, const std::string& key,
                                         std::optional<double> fraction, const std::string& text) {
             if (run == run_id) tell(run, key, fraction, text);
           },
       .log =
           [run_id, tell = all.log](const std::string& run, const std::string& key,
                                    std::string_view text) {
             if (run == run_id) tell(run, key, text);
           }});
}

Observation::~Observation() { app_.workplace().observe({}); }

OptionSpec logs_option() {
  return {"--logs", "", "show what scripts and tools print, each line after its step"};
}

workflow::RunInfo drive_run(App& app, ProgressView& view, const std::string& run_id) {
  workflow::Engine& engine = app.workplace().engine;
  Observation observation(app, view, run_id);
  if (app.service != nullptr) return look_while_served(app, run_id);
  bool said = false;
  while (true) {
    workflow::RunInfo run = engine.show(run_id);
    if (run.state == workflow::RunState::running) {
      if (!said) view.say(fmt::format("{} drives this run; looking on", run.lease_owner));
      said = true;
      run = look_while_held(app, view, run_id);
      if (workflow::ended(run.state)) return run;
    }
    try {
      run = engine.drive(run_id, kWaitAtMost, app.stop);
    } catch (const Error& e) {
      // Another process may have been quicker; then it holds the run now and we look on.
      if (e.kind() != ErrorKind::conflict) throw;
      run = engine.show(run_id);
      if (run.state != workflow::RunState::running) throw;
      continue;
    }
    if (workflow::ended(run.state)) return run;
    if (app.stop.stop_requested()) throw stopped(app, run_id);
    if (run.state == workflow::RunState::waiting) return run;
    // Given back without a reason of ours, so somebody else takes it: look again.
    if (!app.clock.sleep_until(app.clock.now() + kLook, app.stop)) throw stopped(app, run_id);
  }
}

workflow::RunInfo watch_run(App& app, ProgressView& view, const std::string& run_id) {
  workflow::Engine& engine = app.workplace().engine;
  JournalReader journal(false);
  while (true) {
    workflow::RunInfo run = engine.show(run_id);
    journal.read(engine, view, run_id);
    if (workflow::ended(run.state) || run.state == workflow::RunState::pending ||
        waits_for_somebody(engine, run)) {
      return run;
    }
    if (!app.clock.sleep_until(app.clock.now() + kLook, app.stop)) {
      throw Error(ErrorKind::cancelled, "stopped looking; run {} goes on", run_id);
    }
  }
}

void require_success(const App& app, const workflow::RunInfo& run) {
  if (run.state != workflow::RunState::failed && run.state != workflow::RunState::cancelled) return;
  Error error =
      run.error.value_or(Error(ErrorKind::internal, "the run failed and does not say why"));
  error.note("run " + run.run_id + " ended " + std::string(workflow::to_string(run.state)));
  if (error.hint().empty()) {
    error.hint("what happened: " + app.command_prefix + " run show " + run.run_id + " --why");
  }
  throw error;
}

}  // namespace hallmark::cli
