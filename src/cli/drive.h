#pragma once
/// Runs in the foreground: shown as they go, stopped cleanly by SIGINT and SIGTERM.

#include <string>

#include "cli/app.h"
#include "cli/command.h"
#include "cli/progress_view.h"
#include "workflow/engine.h"

namespace hallmark::cli {

/// Drives the run until it ends or waits for a person. If another process drives it, says so and
/// looks on; if that process dies, takes over. At a server, always looks on. Throws `cancelled`,
/// saying how to go on, if we are stopped.
workflow::RunInfo drive_run(App& app, ProgressView& view, const std::string& run_id);

/// Looks on, driving nothing, until the run ends, waits for a person, or nobody drives it any more.
/// Throws `cancelled` if we are stopped.
workflow::RunInfo watch_run(App& app, ProgressView& view, const std::string& run_id);

/// Throws the run's error if it failed or was cancelled.
void require_success(const App& app, const workflow::RunInfo& run);

/// "--logs", for every command that drives.
OptionSpec logs_option();

/// Tells the view the engine's news for as long as it lives: of one run, or of all.
class Observation {
 public:
  Observation(App& app, ProgressView& view, const std::string& run_id = {});
  ~Observation();
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

 private:
  App& app_;
};

}  // namespace hallmark::cli
