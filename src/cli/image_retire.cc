/// hallmark image deprecate, disable, restore, retire.

#include "base/text.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/retention.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

using pipeline::RetirementStage;

/// Drives the run and answers with the image as it is then.
Outcome drive_stage(App& app, const Arguments& arguments, const pipeline::GoldenImage& image,
                    const std::string& run_id, const std::string& doing) {
  ProgressView view(app, arguments.has("--logs"));
  view.say(doing + " " + image.image_key + ", run " + run_id);
  const workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  const auto now = pipeline::get_golden_image(app.workplace().context.database, image.run_id);
  return {{{"image", now}, {"run", run_record(run)}, {"targets", targets_record(app, now)}}};
}

void render_stage(const Json& record, App& app) {
  const Json& image = record.at("image");
  app.out.stream << image.at("image_key").get<std::string>() << " is "
                 << image.at("state").get<std::string>() << '\n';
  render_targets(record.at("targets"), app);
}

Outcome retire_one(App& app, const Arguments& arguments, RetirementStage stage,
                   const std::string& doing) {
  Workplace& workplace = app.workplace();
  const pipeline::GoldenImage image = image_named(app, arguments);
  const auto reasons = arguments.values("--reason");
  const std::string run_id =
      pipeline::start_retire(workplace.engine, workplace.context, image, stage,
                             reasons.empty() ? "" : reasons.front(), arguments.has("--force"));
  return drive_stage(app, arguments, image, run_id, doing);
}

Outcome deprecate(App& app, const Arguments& arguments) {
  return retire_one(app, arguments, RetirementStage::deprecate, "deprecating");
}

Outcome disable(App& app, const Arguments& arguments) {
  return retire_one(app, arguments, RetirementStage::disable, "disabling");
}

constexpr const char* kKeptByDefault = "30d";

Outcome restore(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  const pipeline::GoldenImage image = image_named(app, arguments);
  const auto kept = arguments.values("--keep");
  const std::string run_id =
      pipeline::start_restore(workplace.engine, workplace.context, image,
                              parse_duration(kept.empty() ? kKeptByDefault : kept.front()));
  return drive_stage(app, arguments, image, run_id, "restoring");
}

/// Does what is due. What cannot be done now, because something uses the image, keeps nothing else.
Outcome retire(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  pipeline::Context& context = workplace.context;
  const TimePoint now = context.clock.now();
  Json steps = Json::array();
  bool all_done = true;
  ProgressView view(app, arguments.has("--logs"));
  for (const pipeline::Retirement& next :
       pipeline::plan_retirements(pipeline::version_facts(context), now)) {
    Json step = next;
    step["result"] = next.due_at > now ? "waits" : "due";
    if (next.due_at <= now && !arguments.has("--dry-run")) {
      try {
        const auto image = pipeline::get_golden_image(context.database, next.run_id);
        // Those before it took their time, and somebody may have restored it meanwhile.
        if (!pipeline::is_due(next, image, context.clock.now())) {
          step["result"] = "changed";
          steps.push_back(std::move(step));
          continue;
        }
        const std::string run_id = pipeline::start_retire(workplace.engine, context, image,
                                                          next.stage, next.reason, false);
        view.say(std::string(to_string(next.stage)) + " " + next.image_key + ", run " + run_id);
        require_success(app, drive_run(app, view, run_id));
        step["result"] = "done";
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::cancelled) throw;
        all_done = false;
        step["result"] = "failed";
        step["error"] = error_to_json(e);
      }
    }
    steps.push_back(std::move(step));
  }
  return {{{"retirements", steps}}, all_done ? 0 : traits(ErrorKind::failed).exit_code};
}

void render_retire(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& step : record.at("retirements")) {
    auto text = [&](const char* key) { return step.at(key).get<std::string>(); };
    const std::string result = text("result");
    const Tone tone = result == "failed" ? Tone::bad : result == "done" ? Tone::good : Tone::plain;
    rows.push_back({text("image_key"),
                    text("stage"),
                    {result == "waits" ? "on " + text("due_at").substr(0, 10) : result, tone},
                    step.contains("error") ? step.at("error").at("message").get<std::string>()
                                           : text("reason")});
  }
  if (rows.empty()) {
    app.err.stream << "no version is to be retired; see retention in golden.yaml\n";
    return;
  }
  print_table(app.out, {"IMAGE", "STAGE", "", "WHY"}, rows);
}

OptionSpec reason_option() { return {"--reason", "TEXT", "why; kept in the audit log"}; }

}  // namespace

std::vector<Command> image_retire_commands() {
  const std::vector<std::pair<ErrorKind, std::string>> exits = {
      {ErrorKind::failed, "some places could not be done; the others are"},
      {ErrorKind::not_found, ""},
      {ErrorKind::conflict, "something uses it, or it is in another state"},
      {ErrorKind::cancelled, "interrupted; it can be resumed"}};
  return {
      {.noun = "image",
       .verb = "deprecate",
       .summary = "Mark a version as to be replaced; it still works.",
       .examples = {{"hallmark image deprecate Web-1.0/Debian-12/1 --reason \"OpenSSL 1.1\"", ""}},
       .arguments = {image_argument()},
       .options = {reason_option(), logs_option()},
       .exits = exits,
       .streams = true,
       .run = deprecate,
       .render = render_stage},
      {.noun = "image",
       .verb = "disable",
       .summary = "Withdraw a version: nobody can launch it, and nothing is deleted.",
       .examples = {{"hallmark image disable Web-1.0/Debian-12/1",
                     "Refused while anything uses it."}},
       .arguments = {image_argument()},
       .options = {reason_option(),
                   {"--force", "", "even if something uses it; what runs goes on"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = disable,
       .render = render_stage},
      {.noun = "image",
       .verb = "restore",
       .summary = "Make a deprecated or disabled version active again, wherever it was.",
       .examples = {{"hallmark image restore Web-1.0/Debian-12/1 --keep 14d",
                     "No policy retires it for 14 days."}},
       .arguments = {image_argument()},
       .options = {{"--keep", "DURATION", "how long no policy retires it; 30d if left out"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = restore,
       .render = render_stage},
      {.noun = "image",
       .verb = "retire",
       .summary = "Deprecate, disable and decommission what is due by retention in golden.yaml.",
       .examples = {{"hallmark image retire --dry-run", "Say what is due and what will be."},
                    {"hallmark image retire", "Do it."}},
       .options = {{"--dry-run", "", "change nothing"}, logs_option()},
       .exits = {{ErrorKind::failed, "something could not be retired; the rest is"},
                 {ErrorKind::cancelled, "interrupted; it can be resumed"}},
       .streams = true,
       .run = retire,
       .render = render_retire},
  };
}

}  // namespace hallmark::cli
