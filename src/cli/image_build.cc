/// hallmark image build, rebuild.

#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/variables.h"
#include "model/pipeline_file.h"
#include "pipeline/rebuild.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

/// Drives the build, unless somebody else shall.
Outcome follow(App& app, const Arguments& arguments, const std::string& run_id) {
  Workplace& workplace = app.workplace();
  if (arguments.has("--detach")) {
    return {{{"run", run_record(workplace.engine.show(run_id))}, {"approval", nullptr}}};
  }
  ProgressView view(app, arguments.has("--logs"));
  view.say("building " + workplace.engine.show(run_id).subject + ", run " + run_id);
  workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  pipeline::GoldenImage image = pipeline::get_golden_image(workplace.context.database, run_id);
  return {{{"run", run_record(run)}, {"approval", approval_record(app, image)}}};
}

Outcome build(App& app, const Arguments& arguments) {
  model::Pipeline pipeline = model::load_pipeline(
      arguments.value_or("FILE", ""), variables_of(arguments),
      app.service == nullptr ? model::OtherFiles::anywhere : model::OtherFiles::below);
  Workplace& workplace = app.workplace();
  return follow(app, arguments,
                pipeline::start_build(workplace.engine, workplace.context, pipeline,
                                      arguments.value_or("--requested-by", app.user), app.stop));
}

Outcome rebuild(App& app, const Arguments& arguments) {
  const pipeline::GoldenImage image = image_named(app, arguments);
  Workplace& workplace = app.workplace();
  return follow(app, arguments,
                pipeline::start_rebuild(workplace.engine, workplace.context, image,
                                        arguments.value("--version"),
                                        arguments.value_or("--requested-by", app.user), app.stop));
}

void render_build(const Json& record, App& app) {
  if (record.at("approval").is_object()) {
    render_approval(record.at("approval"), app);
    return;
  }
  std::string run_id = record.at("run").at("run_id");
  app.out.stream << "run " << run_id << " is recorded; nothing drives it yet. Drive it with:\n  "
                 << app.command_prefix << " run resume " << run_id << '\n';
}

}  // namespace

std::vector<Command> image_build_commands() {
  const OptionSpec requested_by = {"--requested-by", "NAME", "who wants it; default: $USER"};
  const OptionSpec detach = {"--detach", "", "only record the run; some other process drives it"};
  const std::vector<std::pair<ErrorKind, std::string>> exits = {
      {ErrorKind::failed, "a script, a test or the build failed; all is cleaned up"},
      {ErrorKind::rejected, "the gate is closed"},
      {ErrorKind::conflict, "the version exists"},
      {ErrorKind::cancelled, "interrupted; it can be resumed"}};
  return {
      {.noun = "image",
       .verb = "build",
       .summary = "Build, test and assess a golden image, then wait for approval.",
       .examples = {{"hallmark image build golden.yaml",
                     "Shows each step; ends when the image waits for approval."},
                    {"hallmark image build golden.yaml --var version=2 --logs",
                     "With another value for a variable, showing what scripts print."}},
       .arguments = {{"FILE", "the pipeline file"}},
       .options = {variable_option(), requested_by, detach, logs_option()},
       .description = "Interrupted at any moment, it is gone on with by: hallmark run resume.",
       .exits = exits,
       .streams = true,
       .run = build,
       .render = render_build},
      {.noun = "image",
       .verb = "rebuild",
       .summary = "Build the next version from the pipeline that made one.",
       .examples = {{"hallmark image rebuild Web-1.0/Debian-12",
                     "With today's packages; the last number of the version is counted up."},
                    {"hallmark image rebuild Web-1.0/Debian-12/1.0.3 --version 1.1.0", ""}},
       .arguments = {image_argument()},
       .options = {{"--version", "VERSION", "of the new image; default: the next that is free"},
                   requested_by,
                   detach,
                   logs_option()},
       .description = "The pipeline is the one that was recorded, not golden.yaml as it is now. "
                      "It goes through tests, gate and approval as any build.",
       .exits = exits,
       .streams = true,
       .run = rebuild,
       .render = render_build},
  };
}

}  // namespace hallmark::cli
