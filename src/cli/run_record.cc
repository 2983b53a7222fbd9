#include "cli/run_record.h"

#include <fmt/format.h>

#include "base/text.h"

namespace hallmark::cli {

namespace {

Json time_or_null(const std::optional<TimePoint>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

Json error_or_null(const std::optional<Error>& error) {
  return error ? error_to_json(*error) : Json(nullptr);
}

std::string_view to_string(workflow::StepState state) {
  switch (state) {
    case workflow::StepState::running:
      return "running";
    case workflow::StepState::succeeded:
      return "succeeded";
    case workflow::StepState::failed:
      return "failed";
    case workflow::StepState::waiting:
      return "waiting";
  }
  return "unknown";
}

}  // namespace

Json run_record(const workflow::RunInfo& run) {
  return {{"run_id", run.run_id},
          {"workflow", run.workflow},
          {"workflow_version", run.workflow_version},
          {"subject", run.subject},
          {"state", workflow::to_string(run.state)},
          {"waiting_for", run.waiting_for.empty() ? Json(nullptr) : Json(run.waiting_for)},
          {"wake_at", time_or_null(run.wake_at)},
          {"cancel_requested", run.cancel_requested},
          {"lease_owner", run.lease_owner.empty() ? Json(nullptr) : Json(run.lease_owner)},
          {"created_at", to_rfc3339(run.created_at)},
          {"updated_at", to_rfc3339(run.updated_at)},
          {"ended_at", time_or_null(run.ended_at)},
          {"result", run.result},
          {"error", error_or_null(run.error)}};
}

Json step_record(const workflow::StepInfo& step) {
  return {{"key", step.key},
          {"kind", step.kind},
          {"state", to_string(step.state)},
          {"attempts", step.attempts},
          {"started_at", to_rfc3339(step.started_at)},
          {"ended_at", time_or_null(step.ended_at)},
          {"elapsed_ms",
           step.ended_at ? Json((*step.ended_at - step.started_at).count()) : Json(nullptr)},
          {"deadline", time_or_null(step.deadline)},
          {"result", step.result},
          {"error", error_or_null(step.error)}};
}

std::vector<std::string> why(const App& app, const workflow::RunInfo& run,
                             const std::vector<workflow::StepInfo>& steps) {
  std::vector<std::string> lines;
  auto command = [&](const std::string& verb) {
    return app.command_prefix + " run " + verb + " " + run.run_id;
  };
  switch (run.state) {
    case workflow::RunState::pending:
      lines.push_back("No process drives it. Go on with: " + command("resume"));
      break;
    case workflow::RunState::running:
      lines.push_back("A process drives it: " + run.lease_owner +
                      ". Look on with: " + command("watch"));
      break;
    case workflow::RunState::waiting:
      lines.push_back("It waits for " + (run.waiting_for.empty() ? "its time" : run.waiting_for) +
                      (run.wake_at ? ", at most until " + to_rfc3339(*run.wake_at) : "") + ".");
      break;
    case workflow::RunState::succeeded:
      lines.push_back("It has done what it was started for.");
      break;
    case workflow::RunState::failed:
    case workflow::RunState::cancelled:
      lines.push_back("It ended " + std::string(workflow::to_string(run.state)) +
                      (run.error ? ": " + run.error->full_text() : "."));
      lines.push_back("Try again with: " + command("retry"));
      break;
  }
  if (run.cancel_requested && !workflow::ended(run.state)) {
    lines.push_back("It was asked to stop: its clean-ups run when a process drives it.");
  }
  for (const workflow::StepInfo& step : steps) {
    if (step.state == workflow::StepState::failed && step.error) {
      lines.push_back(fmt::format("Step {} failed: {}", step.key, step.error->message()));
    } else if (step.state == workflow::StepState::waiting) {
      std::string line = fmt::format("Step {} waits", step.key);
      if (step.deadline) line += " until " + to_rfc3339(*step.deadline);
      if (step.error) {
        line += fmt::format("; attempt {} failed: {}", step.attempts, step.error->message());
      }
      lines.push_back(line);
    }
  }
  return lines;
}

std::string find_run(workflow::Engine& engine, const std::string& prefix) {
  try {
    return engine.show(prefix).run_id;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  std::vector<std::string> ids;
  std::vector<std::string> matching;
  for (const workflow::RunInfo& run : engine.list({})) {
    if (run.run_id.starts_with(prefix)) matching.push_back(run.run_id);
    ids.push_back(run.run_id);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.size() > 1) {
    throw Error(ErrorKind::usage, "\"{}\" is the beginning of {} runs", prefix, matching.size())
        .hint("write more of it: " + join(matching, ", ").substr(0, 200));
  }
  Error error(ErrorKind::not_found, "there is no run {}", prefix);
  auto close = suggestion(prefix, ids);
  throw std::move(error.hint(close ? "did you mean " + *close + "?" : "see: hallmark run list"));
}

}  // namespace hallmark::cli
