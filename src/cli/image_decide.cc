/// hallmark image approve and reject.

#include <fmt/format.h>

#include "base/ids.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/decision.h"
#include "pipeline/wish.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

workflow::RunInfo decide(App& app, const Arguments& arguments, ProgressView& view,
                         const pipeline::GoldenImage& image, pipeline::Decision decision) {
  Workplace& workplace = app.workplace();
  decision.approver = arguments.value_or("--as", app.user);
  decision.evidence_digest = arguments.value_or("--evidence", image.evidence_digest);
  decision.decided_at = to_rfc3339(app.clock.now());
  if (auto file = arguments.value("--key")) {
    decision.proof = pipeline::key_proof(SigningKey::read(*file), image, decision);
  } else if (arguments.has("--aws")) {
    decision.proof = app.aws.prove(
        arguments.value_or("--profile", ""),
        [&](const std::string& arn) {
          decision.approver = arn;
          return sha256_hex(pipeline::decision_statement(image, decision));
        },
        app.stop);
  }
  std::string run_id =
      pipeline::decide(workplace.engine, workplace.context, image, std::move(decision));
  return drive_run(app, view, run_id);
}

Json record_of(App& app, const std::string& run_id, const workflow::RunInfo& run) {
  pipeline::GoldenImage image =
      pipeline::get_golden_image(app.workplace().context.database, run_id);
  return {{"image", image},
          {"run", run_record(run)},
          {"distribution", nullptr},
          {"approval", image.state == pipeline::GoldenState::awaiting_approval
                           ? approval_record(app, image)
                           : Json(nullptr)},
          {"targets", targets_record(app, image)}};
}

Outcome approve(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  pipeline::GoldenImage image = image_named(app, arguments);
  ProgressView view(app, arguments.has("--logs"));
  workflow::RunInfo run = decide(app, arguments, view, image,
                                 {.approve = true, .comment = arguments.value_or("--comment", "")});
  require_success(app, run);
  Json record = record_of(app, image.run_id, run);
  image = pipeline::get_golden_image(workplace.context.database, image.run_id);
  bool has_targets = !pipeline::wish_of(workplace.context.database, image).targets.empty();
  if (image.state == pipeline::GoldenState::active && has_targets &&
      !arguments.has("--no-distribute")) {
    std::string id = pipeline::start_distribute(workplace.engine, workplace.context, image, {});
    view.say("distributing " + image.image_key + ", run " + id);
    workflow::RunInfo distribution = drive_run(app, view, id);
    require_success(app, distribution);
    record["distribution"] = run_record(distribution);
    record["targets"] = targets_record(app, image);
  }
  return {record};
}

Outcome reject(App& app, const Arguments& arguments) {
  pipeline::GoldenImage image = image_named(app, arguments);
  ProgressView view(app, arguments.has("--logs"));
  workflow::RunInfo run = decide(app, arguments, view, image,
                                 {.approve = false, .comment = arguments.value_or("--reason", "")});
  // Ending as rejected is what was asked for; any other failure is one.
  if (!run.error || run.error->kind() != ErrorKind::rejected) require_success(app, run);
  return {record_of(app, image.run_id, run)};
}

void render(const Json& record, App& app) {
  const Json& image = record.at("image");
  std::string state = image.at("state");
  if (record.at("approval").is_object()) {
    render_approval(record.at("approval"), app);
    return;
  }
  app.out.stream << image.at("image_key").get<std::string>() << " ("
                 << image.at("image_id").get<std::string>()
                 << "): " << paint(app.out, tone_of_state(state), state) << '\n';
  if (!record.at("targets").empty()) {
    app.out.stream << '\n';
    render_targets(record.at("targets"), app);
  }
}

}  // namespace

std::vector<Command> image_decision_commands() {
  OptionSpec as = {"--as", "NAME", "who decides; default: $USER"};
  OptionSpec key = {"--key", "FILE", "your private key, which proves it is you"};
  OptionSpec aws = {"--aws", "", "prove it with your AWS credentials; you are their ARN then"};
  OptionSpec profile = {"--profile", "NAME", "with --aws: whose; default: the environment's"};
  OptionSpec evidence = {"--evidence", "DIGEST",
                         "decide only on exactly this evidence; default: what it waits on now"};
  std::vector<std::pair<ErrorKind, std::string>> exits = {
      {ErrorKind::denied, "that person may not decide on it"},
      {ErrorKind::conflict, "it waits for no decision, or for one on other evidence"},
      {ErrorKind::not_found, ""},
      {ErrorKind::failed, ""},
      {ErrorKind::cancelled, "interrupted; it can be resumed"}};
  return {
      {.noun = "image",
       .verb = "approve",
       .summary = "Approve an image; it is registered and brought to its targets.",
       .examples = {{"hallmark image approve Web-1.0/Debian-12/1 --as alice",
                     "The requester cannot be the one who approves."},
                    {"hallmark image approve Web-1.0/Debian-12/1 --as alice --key alice.pem",
                     "Signed, so that nobody else can have approved it."},
                    {"hallmark image approve Web-1.0/Debian-12/1 --as alice --evidence 5f2e..",
                     "Only if what was reviewed is still what it waits on."}},
       .arguments = {image_argument()},
       .options = {as,
                   key,
                   aws,
                   profile,
                   {"--comment", "TEXT", "kept with the decision"},
                   evidence,
                   {"--no-distribute", "", "register it, but bring it nowhere yet"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = approve,
       .render = render},
      {.noun = "image",
       .verb = "reject",
       .summary = "Reject an image; everything it made is removed.",
       .examples = {{"hallmark image reject Web-1.0/Debian-12/1 --as alice --reason 'old OpenSSL'",
                     "The evidence is kept."}},
       .arguments = {image_argument()},
       .options = {as,
                   key,
                   aws,
                   profile,
                   {"--reason", "TEXT", "kept with the decision"},
                   evidence,
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = reject,
       .render = render},
  };
}

}  // namespace hallmark::cli
