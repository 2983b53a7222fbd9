/// hallmark image approve and reject.

#include <fmt/format.h>

#include "base/ids.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/approval.h"
#include "pipeline/decision.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

/// Whose decision it is, on what and when, with its proof if it can be proved here.
pipeline::Decision decision_of(App& app, const Arguments& arguments,
                               const pipeline::GoldenImage& image, bool approve) {
  pipeline::Decision decision{
      .approver = arguments.value_or("--as", app.user),
      .approve = approve,
      .comment = arguments.value_or(approve ? "--comment" : "--reason", ""),
      .evidence_digest = arguments.value_or("--evidence", image.evidence_digest),
      .decided_at = arguments.value_or("--decided-at", to_rfc3339(app.clock.now()))};
  if (auto proof = arguments.value("--proof")) {
    decision.proof = parse_json(*proof, "--proof");
    if (pipeline::is_servers_word(decision.proof)) {
      throw Error(ErrorKind::denied, "a session or an API token proves nothing at second hand")
          .hint("decide at the server: log in at its page, or pass --server URL");
    }
  } else if (auto file = arguments.value("--key")) {
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
  return decision;
}

/// Keys and credentials stay where their owner is: a server gets the proof they made.
Arguments prove_here(App& app, const Arguments& given, const AskServer& ask, bool approve) {
  if (!given.has("--key") && !given.has("--aws")) return given;
  Arguments reference;
  reference.declare("REF");
  reference.add("REF", given.value_or("REF", ""));
  const Json shown = ask("image", "show", reference).at("image");
  const pipeline::GoldenImage image{
      .run_id = member<std::string>(shown, "run_id"),
      .image_key = member<std::string>(shown, "image_key"),
      .evidence_digest = member<std::string>(shown, "evidence_digest")};
  const pipeline::Decision decision = decision_of(app, given, image, approve);
  Arguments proved = given;
  auto set = [&](const char* name, const std::string& value) {
    proved.clear(name);
    proved.add(name, value);
  };
  for (const char* name : {"--key", "--aws", "--profile"}) proved.clear(name);
  set("--as", decision.approver);
  set("--evidence", decision.evidence_digest);
  set("--decided-at", decision.decided_at);
  set("--proof", compact(decision.proof));
  return proved;
}

workflow::RunInfo decide(App& app, const Arguments& arguments, ProgressView& view,
                         const pipeline::GoldenImage& image, bool approve) {
  Workplace& workplace = app.workplace();
  pipeline::Decision decision = decision_of(app, arguments, image, approve);
  const bool proved = decision.proof.is_object() && decision.proof.value("kind", "none") != "none";
  if (app.service != nullptr && !proved && decision.approver != app.user) {
    throw Error(ErrorKind::denied, "{} cannot decide as {} without proof", app.user,
                decision.approver)
        .hint("leave --as out, or prove it with --key or --aws");
  }
  if (app.service != nullptr && !proved) decision.proof = app.service->proof;
  const bool distribute = approve && !arguments.has("--no-distribute");
  auto* send = distribute ? &pipeline::approve_and_distribute : &pipeline::decide;
  const std::string run_id = send(workplace.engine, workplace.context, image, std::move(decision));
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
  const pipeline::GoldenImage image = image_named(app, arguments);
  ProgressView view(app, arguments.has("--logs"));
  workflow::RunInfo run = decide(app, arguments, view, image, true);
  require_success(app, run);
  Json record = record_of(app, image.run_id, run);
  // Recorded by the build itself, so that it is not forgotten if this process ends here.
  const std::string id =
      run.result.is_object() ? run.result.value("distribution", "") : std::string();
  if (!id.empty()) {
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
  workflow::RunInfo run = decide(app, arguments, view, image, false);
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
  OptionSpec proof = {"--proof", "JSON", "a proof that was made elsewhere; goes with --decided-at"};
  OptionSpec decided_at = {"--decided-at", "TIME", "when it was made"};
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
                   proof,
                   decided_at,
                   {"--comment", "TEXT", "kept with the decision"},
                   evidence,
                   {"--no-distribute", "", "register it, but bring it nowhere yet"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = approve,
       .render = render,
       .before_sending =
           [](App& app, const Arguments& arguments, const AskServer& ask) {
             return prove_here(app, arguments, ask, true);
           }},
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
                   proof,
                   decided_at,
                   {"--reason", "TEXT", "kept with the decision"},
                   evidence,
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = reject,
       .render = render,
       .before_sending =
           [](App& app, const Arguments& arguments, const AskServer& ask) {
             return prove_here(app, arguments, ask, false);
           }},
  };
}

}  // namespace hallmark::cli
