/// hallmark image build.

#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/variables.h"
#include "model/pipeline_file.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

Outcome build(App& app, const Arguments& arguments) {
  model::Pipeline pipeline =
      model::load_pipeline(arguments.value_or("FILE", ""), variables_of(arguments));
  Workplace& workplace = app.workplace();
  std::string run_id =
      pipeline::start_build(workplace.engine, workplace.context, pipeline,
                            arguments.value_or("--requested-by", app.user), app.stop);
  if (arguments.has("--detach")) {
    return {{{"run", run_record(workplace.engine.show(run_id))}, {"approval", nullptr}}};
  }
  ProgressView view(app, arguments.has("--logs"));
  view.say("building " + model::image_key(pipeline) + ", run " + run_id);
  workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  pipeline::GoldenImage image = pipeline::get_golden_image(workplace.context.database, run_id);
  return {{{"run", run_record(run)}, {"approval", approval_record(app, image)}}};
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
  return {
      {.noun = "image",
       .verb = "build",
       .summary = "Build, test and assess a golden image, then wait for approval.",
       .examples = {{"hallmark image build golden.yaml",
                     "Shows each step; ends when the image waits for approval."},
                    {"hallmark image build golden.yaml --var version=2 --logs",
                     "With another value for a variable, showing what scripts print."}},
       .arguments = {{"FILE", "the pipeline file"}},
       .options = {variable_option(),
                   {"--requested-by", "NAME", "who wants it; default: $USER"},
                   {"--detach", "", "only record the run; some other process drives it"},
                   logs_option()},
       .description = "Interrupted at any moment, it is gone on with by: hallmark run resume.",
       .exits = {{ErrorKind::failed, "a script, a test or the build failed; all is cleaned up"},
                 {ErrorKind::rejected, "the gate is closed"},
                 {ErrorKind::conflict, "the version exists"},
                 {ErrorKind::cancelled, "interrupted; it can be resumed"}},
       .streams = true,
       .run = build,
       .render = render_build},
  };
}

}  // namespace hallmark::cli
