/// hallmark image distribute, decommission, reassess.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/catalog.h"
#include "pipeline/image_users.h"
#include "pipeline/leftovers.h"
#include "pipeline/placement.h"
#include "pipeline/wish.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

/// What golden.yaml names for that account or unit; options name none.
std::vector<model::TemplateUse> templates_of(const pipeline::GoldenImage& image,
                                             const model::Target& target) {
  for (const model::Target& each : image.pipeline.get<model::Pipeline>().targets) {
    if (model::recipient_of(each) == model::recipient_of(target)) return each.launch_templates;
  }
  return {};
}

/// What the options ask for; nothing if they leave it at what was wished last.
std::optional<std::vector<model::Target>> wished_targets(App& app, const Arguments& arguments,
                                                         const pipeline::GoldenImage& image) {
  auto targets_in = [&](const char* option) {
    std::vector<model::Target> targets;
    for (const std::string& text : arguments.values(option)) {
      targets.push_back(parse_target(text));
      targets.back().launch_templates = templates_of(image, targets.back());
      if (arguments.has("--copy")) targets.back().delivery = model::Delivery::copy;
    }
    return targets;
  };
  const std::vector<model::Target> exactly = targets_in("--target");
  const std::vector<model::Target> more = targets_in("--add-target");
  std::vector<model::Target> fewer;
  for (const std::string& text : arguments.values("--remove-target")) {
    fewer.push_back(parse_target_or_account(text));
  }
  if (!exactly.empty() && !(more.empty() && fewer.empty())) {
    throw Error(ErrorKind::usage, "--target names all targets there are to be")
        .hint("take it alone, or --add-target and --remove-target to change what was wished");
  }
  pipeline::check_targets(exactly);
  if (!exactly.empty()) return exactly;
  if (more.empty() && fewer.empty()) return std::nullopt;
  const auto wish = pipeline::wish_of(app.workplace().context.database, image);
  return pipeline::without_targets(pipeline::with_targets(wish.targets, more), fewer);
}

/// What is there beside what should be; changes nothing.
Outcome check_distribution(App& app, const pipeline::GoldenImage& image,
                           const std::optional<std::vector<model::Target>>& targets) {
  const pipeline::Context& context = app.workplace().context;
  pipeline::Wish wish = pipeline::wish_of(context.database, image);
  if (targets) wish = {.targets = *targets, .wished_by = app.user, .wished_at = ""};
  const pipeline::Membership membership = pipeline::look_at_units(context, wish.targets, {});
  const auto kept = pipeline::unit_places(context, image, wish.targets, membership).kept;
  std::vector<pipeline::PlaceCheck> places = pipeline::check_placements(
      context, image, pipeline::placements(image, wish.targets, membership));
  // Of accounts that cannot be used, or cannot be known of, it is told why and nothing is asked.
  std::erase_if(places,
                [&](const pipeline::PlaceCheck& check) { return kept.contains(check.place); });
  if (context.organizations != nullptr) {
    const auto shares = pipeline::unit_shares(wish.targets);
    for (pipeline::PlaceCheck& check : pipeline::check_unit_shares(context, image, shares, {})) {
      places.push_back(std::move(check));
    }
  }
  for (pipeline::PlaceCheck& check : pipeline::check_catalog(context, image)) {
    places.push_back(std::move(check));
  }
  const bool correct =
      membership.unread.empty() &&
      std::all_of(places.begin(), places.end(), [](const pipeline::PlaceCheck& check) {
        return check.presence == pipeline::Presence::correct;
      });
  return {{{"image", image},
           {"correct", correct},
           {"wish", wish},
           {"places", places},
           {"left_out", pipeline::left_out(membership)}},
          correct ? 0 : traits(ErrorKind::failed).exit_code};
}

void render_places(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& place : record.at("places")) {
    auto text = [&](const char* key) { return place.at(key).get<std::string>(); };
    const std::string presence = text("presence");
    rows.push_back({text("account_id"),
                    text("region"),
                    text("delivery"),
                    text("image_id"),
                    {presence, presence == "correct" ? Tone::good : Tone::bad},
                    join(place.at("problems").get<std::vector<std::string>>(), "; ")});
  }
  print_table(app.out, {"ACCOUNT", "REGION", "DELIVERY", "IMAGE", "", ""}, rows);
  for (const Json& each : record.at("left_out")) {
    const std::string account = each.at("account_id");
    app.out.stream << "left out: " << (account.empty() ? "" : account + " of ")
                   << each.at("unit").get<std::string>() << ": "
                   << each.at("why").get<std::string>() << '\n';
  }
  if (record.at("correct").get<bool>()) return;
  app.err.stream << "mend it: " << app.command_prefix << " image distribute "
                 << record.at("image").at("image_key").get<std::string>()
                 << "; with --prune it leaves what is extra, with --force it "
                    "overwrites what was edited by hand\n";
}

Outcome distribute(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  pipeline::GoldenImage image = image_named(app, arguments);
  const auto targets = wished_targets(app, arguments, image);
  if (arguments.has("--check")) return check_distribution(app, image, targets);
  if (!targets && pipeline::wish_of(workplace.context.database, image).targets.empty() &&
      !arguments.has("--prune")) {
    throw Error(ErrorKind::usage, "{} has no targets", image.image_key)
        .hint("name some: --target ACCOUNT=REGION,REGION");
  }
  std::string run_id =
      pipeline::start_distribute(workplace.engine, workplace.context, image, targets,
                                 {.prune = arguments.has("--prune"),
                                  .force = arguments.has("--force"),
                                  .requested_by = app.user});
  ProgressView view(app, arguments.has("--logs"));
  view.say("distributing " + image.image_key + ", run " + run_id);
  workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  return {{{"image", image}, {"run", run_record(run)}, {"targets", targets_record(app, image)}}};
}

void render_distribute(const Json& record, App& app) {
  if (record.contains("places")) return render_places(record, app);
  render_targets(record.at("targets"), app);
}

/// What would go, and what stands in the way; changes nothing.
Outcome plan_decommission(App& app, const pipeline::GoldenImage& image) {
  const pipeline::Context& context = app.workplace().context;
  const auto users = pipeline::find_all_users(context, image);
  auto targets = pipeline::list_targets(context.database, image.run_id);
  std::erase_if(targets, [](const pipeline::ImageTarget& target) {
    return target.state == pipeline::TargetState::removed;
  });
  return {{{"image", image}, {"users", users}, {"would_leave", targets}},
          users.empty() ? 0 : traits(ErrorKind::conflict).exit_code};
}

void render_plan(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& target : record.at("would_leave")) {
    auto text = [&](const char* key) { return target.at(key).get<std::string>(); };
    const bool is_share = text("delivery") == "share";
    rows.push_back({text("account_id"), text("region"), text("image_id"),
                    is_share ? "ends the share" : "removes the image and its snapshots",
                    "withdraws its parameters"});
  }
  print_table(app.out, {"ACCOUNT", "REGION", "IMAGE", "", ""}, rows);
  const Json& users = record.at("users");
  if (users.empty()) {
    app.out.stream << "\nnothing uses it\n";
    return;
  }
  app.out.stream << '\n' << paint(app.out, Tone::bad, "in use, so it is refused:") << '\n';
  for (const Json& user : users) {
    auto text = [&](const char* key) { return user.at(key).get<std::string>(); };
    app.out.stream << "  " << text("kind") << ' ' << text("id") << " in " << text("account_id")
                   << '/' << text("region")
                   << (text("detail").empty() ? "" : " (" + text("detail") + ")") << '\n';
  }
}

Outcome decommission(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  pipeline::GoldenImage image = image_named(app, arguments);
  if (arguments.has("--dry-run")) return plan_decommission(app, image);
  std::string run_id = pipeline::start_decommission(workplace.engine, workplace.context, image,
                                                    arguments.has("--force"));
  ProgressView view(app, arguments.has("--logs"));
  view.say("decommissioning " + image.image_key + ", run " + run_id);
  workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  image = pipeline::get_golden_image(workplace.context.database, image.run_id);
  std::vector<std::string> leftovers = pipeline::find_leftovers(workplace.context, image);
  return {{{"image", image},
           {"run", run_record(run)},
           {"targets", targets_record(app, image)},
           {"leftovers", leftovers}},
          leftovers.empty() ? 0 : traits(ErrorKind::failed).exit_code};
}

void render_decommission(const Json& record, App& app) {
  if (record.contains("would_leave")) return render_plan(record, app);
  render_targets(record.at("targets"), app);
  const Json& leftovers = record.at("leftovers");
  std::string key = record.at("image").at("image_key");
  if (leftovers.empty()) {
    app.out.stream << "\nnothing of " << key << " is left anywhere\n";
    return;
  }
  app.out.stream << '\n' << paint(app.out, Tone::bad, "still there:") << '\n';
  for (const Json& line : leftovers) app.out.stream << "  " << line.get<std::string>() << '\n';
}

Outcome reassess(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  std::string run_id = pipeline::start_reassess(workplace.engine, workplace.context,
                                                !arguments.has("--no-machines"));
  ProgressView view(app, arguments.has("--logs"));
  workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  int code = run.result.value("failed", 0) > 0 ? traits(ErrorKind::failed).exit_code : 0;
  return {{{"run", run_record(run)}, {"images", run.result.value("images", Json::array())}}, code};
}

void render_reassess(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& image : record.at("images")) {
    std::string key = image.at("image_key");
    if (image.contains("error")) {
      rows.push_back({key,
                      "",
                      "",
                      "",
                      {"failed", Tone::bad},
                      image.at("error").at("message").get<std::string>()});
      continue;
    }
    const Json& gate = image.at("gate");
    bool passed = gate.at("passed");
    std::string why;
    for (const Json& failure : gate.at("failures")) {
      why += (why.empty() ? "" : "; ") + failure.get<std::string>();
    }
    if (image.contains("not_scanned")) {
      why += (why.empty() ? "" : "; ") + std::string("outside scanners could not look: ") +
             image.at("not_scanned").get<std::string>();
    }
    rows.push_back({key, image.at("image_id").get<std::string>(),
                    std::to_string(image.at("findings").get<int>()),
                    image.at("completeness").get<std::string>(),
                    passed ? Cell("passed", Tone::good) : Cell("closed", Tone::warning), why});
  }
  if (rows.empty()) {
    app.err.stream << "there is no active image\n";
    return;
  }
  print_table(app.out, {"IMAGE", "ID", "FINDINGS", "COMPLETENESS", "GATE", ""}, rows);
  for (const Json& image : record.at("images")) {
    const Json members = image.value("members", Json::object());
    if (!members.contains("run_id")) continue;
    app.out.stream << image.at("image_key").get<std::string>() << ": "
                   << members.at("joined").size() << " places joined its units and "
                   << members.at("left").size() << " left: " << app.command_prefix << " run resume "
                   << members.at("run_id").get<std::string>() << '\n';
  }
}

}  // namespace

std::vector<Command> image_life_commands() {
  std::vector<std::pair<ErrorKind, std::string>> exits = {
      {ErrorKind::failed, "some places could not be done; the others are"},
      {ErrorKind::not_found, ""},
      {ErrorKind::conflict, ""},
      {ErrorKind::cancelled, "interrupted; it can be resumed"}};
  return {
      {.noun = "image",
       .verb = "distribute",
       .summary = "Bring an active image to accounts and regions.",
       .examples = {{"hallmark image distribute Web-1.0/Debian-12",
                     "To the targets wished last, those of golden.yaml at first; what is there and "
                     "correct is left alone."},
                    {"hallmark image distribute Web-1.0/Debian-12 --check",
                     "Compare what is there with what should be; change nothing."},
                    {"hallmark image distribute Web-1.0/Debian-12 --target "
                     "111122223333=us-east-1,us-west-2",
                     "To these, and from now on to no others."},
                    {"hallmark image distribute Web-1.0/Debian-12 --add-target "
                     "444455556666=us-west-2 --remove-target 777788889999 --prune",
                     "To one more place; an account is left."}},
       .arguments = {image_argument()},
       .options = {{"--target", "ACCOUNT=REGIONS",
                    "an account and its regions, by commas; all that there are to be", true},
                   {"--add-target", "ACCOUNT=REGIONS", "one more", true},
                   {"--remove-target", "ACCOUNT[=REGIONS]",
                    "one less; what is there is left with --prune", true},
                   {"--check", "",
                    "say what is correct, incorrect, missing or extra; change nothing"},
                   {"--prune", "", "leave the places that are no targets"},
                   {"--force", "", "overwrite parameters that were edited by hand"},
                   {"--copy", "", "give those accounts copies of their own instead of shares"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = distribute,
       .render = render_distribute},
      {.noun = "image",
       .verb = "decommission",
       .summary = "Remove a version everywhere, and prove that nothing is left.",
       .examples = {{"hallmark image decommission Web-1.0/Debian-12/1",
                     "Refused while anything uses it."},
                    {"hallmark image decommission Web-1.0/Debian-12/1 --dry-run",
                     "Say what would go, and who still uses it; change nothing."}},
       .arguments = {image_argument()},
       .options = {{"--force", "", "even if something uses it"},
                   {"--dry-run", "", "say what would go and what uses it; change nothing"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = decommission,
       .render = render_decommission},
      {.noun = "image",
       .verb = "reassess",
       .summary = "Match all active images against today's advisories.",
       .examples = {{"hallmark image reassess",
                     "A machine is launched only where the pipeline names outside scanners."},
                    {"hallmark image reassess --no-machines", "Not even then; it takes seconds."}},
       .options = {{"--no-machines", "", "outside scanners do not look again"}, logs_option()},
       .exits = {{ErrorKind::failed, "some images could not be assessed"},
                 {ErrorKind::cancelled, ""}},
       .streams = true,
       .run = reassess,
       .render = render_reassess},
  };
}

}  // namespace hallmark::cli
