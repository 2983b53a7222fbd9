#include "base/text.h"
#include "cli/compliance_prevent.h"
#include "cli/drive.h"
#include "cli/places.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "model/pipeline_file.h"
#include "pipeline/remediation.h"

namespace hallmark::cli {

namespace {

model::RemediationPolicy policy_of(const Arguments& arguments) {
  const auto file = arguments.value("--policy");
  if (!file) {
    throw Error(ErrorKind::usage, "say by which --policy")
        .hint("a file that says what is to be done; see: docs/compliance.md");
  }
  model::RemediationPolicy policy = model::load_remediation(*file);
  if (auto exemptions = arguments.value("--exemptions")) policy.exemptions = read_file(*exemptions);
  return policy;
}

Outcome remediate(App& app, const Arguments& arguments) {
  const model::RemediationPolicy policy = policy_of(arguments);
  Workplace& workplace = app.workplace();
  const std::string run_id =
      pipeline::start_remediation(workplace.engine, policy, places_of(app, arguments));
  ProgressView view(app, arguments.has("--logs"));
  const workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  const bool is_whole =
      run.result.at("failed").get<std::size_t>() == 0 && run.result.at("problems").empty();
  return {{{"run", run_record(run)},
           {"machines", run.result.at("machines")},
           {"fine_again", run.result.at("fine_again")},
           {"problems", run.result.at("problems")}},
          is_whole ? 0 : traits(ErrorKind::failed).exit_code};
}

void render(const Json& record, App& app) {
  for (const Json& problem : record.at("problems")) {
    app.out.stream << paint(app.out, Tone::bad, "not looked at") << "  "
                   << one_line(problem.get<std::string>()) << '\n';
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& machine : record.at("machines")) {
    auto text = [&](const char* key) { return machine.at(key).get<std::string>(); };
    std::string done = machine.at("stopped").get<bool>()  ? "stopped"
                       : machine.at("tagged").get<bool>() ? "tagged"
                                                          : "nothing";
    const std::string problem = text("problem");
    rows.push_back({problem.empty() ? Cell(done) : Cell("failed", Tone::bad), text("machine_id"),
                    text("account_id") + "/" + text("region"), text("since").substr(0, 10),
                    problem.empty() ? text("reason") : one_line(problem)});
  }
  for (const Json& machine : record.at("fine_again")) {
    auto text = [&](const char* key) { return machine.at(key).get<std::string>(); };
    const std::string problem = text("problem");
    rows.push_back({problem.empty() ? Cell("untagged") : Cell("failed", Tone::bad),
                    text("machine_id"), text("account_id") + "/" + text("region"),
                    text("value").substr(0, 10),
                    problem.empty() ? "it is fine again" : one_line(problem)});
  }
  if (rows.empty()) {
    app.err.stream << "no machine is non-compliant\n";
    return;
  }
  print_table(app.out, {"DONE", "MACHINE", "IN", "SINCE", "WHY"}, rows);
}

}  // namespace

Command remediate_command() {
  std::vector<OptionSpec> options = place_options();
  options.push_back({"--policy", "FILE", "YAML: tag, notify, stop_after"});
  options.push_back({"--exemptions", "FILE", "YAML: what may run all the same, and until when"});
  options.push_back(logs_option());
  return {
      .noun = "compliance",
      .verb = "remediate",
      .summary = "Do what a policy says about machines that are not compliant.",
      .examples = {{"hallmark compliance remediate --policy remediation.yaml",
                    "Everywhere; run it every hour or every day."}},
      .options = std::move(options),
      .description =
          "Only machines that are non-compliant; launch templates, auto scaling groups and what "
          "is unknown are left alone. A machine is stopped, never terminated, when our own "
          "records know it as non-compliant for stop_after.",
      .exits = {{ErrorKind::failed,
                 "something could not be looked at, tagged or stopped, or keeps its tag"},
                {ErrorKind::conflict, "such a run has not ended"},
                {ErrorKind::cancelled, ""}},
      .streams = true,
      .run = remediate,
      .render = render};
}

}  // namespace hallmark::cli
