/// hallmark image list and show.

#include <algorithm>

#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/paging.h"
#include "cli/table.h"
#include "pipeline/bundle.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/image_list.h"
#include "pipeline/names.h"

namespace hallmark::cli {

namespace {

using pipeline::GoldenState;

const std::vector<GoldenState>& all_states() {
  static const std::vector<GoldenState> states = {
      GoldenState::building,   GoldenState::awaiting_approval, GoldenState::active,
      GoldenState::deprecated, GoldenState::disabled,          GoldenState::failed,
      GoldenState::rejected,   GoldenState::decommissioning,   GoldenState::decommissioned};
  return states;
}

std::vector<std::string> state_names() {
  std::vector<std::string> names;
  for (GoldenState state : all_states()) names.emplace_back(pipeline::to_string(state));
  return names;
}

Outcome list(App& app, const Arguments& arguments) {
  std::vector<GoldenState> states;
  for (GoldenState state : all_states()) {
    bool gone = state == GoldenState::failed || state == GoldenState::rejected ||
                state == GoldenState::decommissioned;
    bool wanted = !gone || arguments.has("--all");
    if (const auto& only = arguments.values("--only"); !only.empty()) {
      wanted = std::find(only.begin(), only.end(), pipeline::to_string(state)) != only.end();
    }
    if (wanted) states.push_back(state);
  }
  const pipeline::ImagePage page = pipeline::list_images(app.workplace().context.database,
                                                         {.states = states,
                                                          .products = arguments.values(kProduct),
                                                          .systems = arguments.values("--os"),
                                                          .page = page_of(arguments)});
  return {page_record("images", page.images, page.next)};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& image : record.at("images")) {
    auto text = [&](const char* key) { return image.at(key).get<std::string>(); };
    rows.push_back({text("image_key"), state_cell(text("state")), text("image_id"),
                    text("account_id") + "/" + text("region"), text("created_at").substr(0, 10),
                    text("requested_by"), text("run_id")});
  }
  if (rows.empty()) {
    app.err.stream << "no images; make one with: " << app.command_prefix
                   << " image build golden.yaml\n";
    return;
  }
  print_table(app.out, {"IMAGE", "STATE", "ID", "BUILT IN", "ON", "REQUESTED BY", "RUN"}, rows);
  render_next(record, app);
}

/// What each place of the image says about it.
Json parameters_record(App& app, const pipeline::GoldenImage& image) {
  cloud::Cloud& cloud = app.workplace().context.cloud;
  const std::string name = pipeline::version_parameter(image.product, image.os, image.version);
  Json parameters = Json::array();
  for (const auto& target :
       pipeline::list_targets(app.workplace().context.database, image.run_id)) {
    if (target.state == pipeline::TargetState::removed) continue;
    auto parameter = cloud.get_parameter(target.place, name);
    std::vector<std::string> latest = pipeline::read_latest(cloud, target.place);
    parameters.push_back(
        {{"account_id", target.place.account_id},
         {"region", target.place.region},
         {"name", name},
         {"value", parameter ? Json(parameter->value) : Json(nullptr)},
         {"latest", std::find(latest.begin(), latest.end(), target.image_id) != latest.end()}});
  }
  return parameters;
}

Outcome show(App& app, const Arguments& arguments) {
  pipeline::GoldenImage image = image_named(app, arguments);
  if (!image.evidence_digest.empty()) {
    pipeline::note_look(app.workplace().context, image, app.user, "image show");
  }
  db::Database& database = app.workplace().context.database;
  Json decisions = Json::array();
  for (const auto& decision : pipeline::list_decisions(database, image.run_id)) {
    decisions.push_back(decision);
  }
  Json assessments = Json::array();
  for (const auto& record : pipeline::list_assessments(database, image.run_id)) {
    assessments.push_back(assessment_record(record));
  }
  return {{{"image", image},
           {"targets", targets_record(app, image)},
           {"archives", archives_record(app, image)},
           {"decisions", decisions},
           {"assessments", assessments},
           {"parameters", parameters_record(app, image)},
           {"reports", report_paths(app, image.run_id)}}};
}

void render_show(const Json& record, App& app) {
  const Json& image = record.at("image");
  auto text = [&](const char* key) { return image.at(key).get<std::string>(); };
  print_fields(app.out, {{"Image", {text("image_key"), Tone::strong}},
                         {"State", state_cell(text("state"))},
                         {"Why", text("state_reason")},
                         {"Image id", text("image_id")},
                         {"Built in", text("account_id") + "/" + text("region")},
                         {"Source", text("source_image_id")},
                         {"Requested by", text("requested_by")},
                         {"Evidence", text("evidence_digest")},
                         {"Report", record.at("reports").value("html", "")},
                         {"Run", text("run_id")},
                         {"Created", text("created_at")}});
  if (!record.at("targets").empty()) {
    app.out.stream << "\nTargets:\n";
    render_targets(record.at("targets"), app);
  }
  if (!record.at("archives").empty()) {
    app.out.stream << "\nArchives:\n";
    render_archives(record.at("archives"), app);
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& parameter : record.at("parameters")) {
    bool set = parameter.at("value").is_string();
    bool latest = parameter.at("latest");
    rows.push_back(
        {parameter.at("account_id").get<std::string>() + "/" +
             parameter.at("region").get<std::string>(),
         parameter.at("name").get<std::string>(),
         set ? Cell(parameter.at("value").get<std::string>()) : Cell("missing", Tone::bad),
         latest ? Cell("yes", Tone::good) : Cell("no", Tone::bad)});
  }
  if (!rows.empty()) {
    app.out.stream << "\nParameters:\n";
    print_table(app.out, {"PLACE", "PARAMETER", "VALUE", "IN LATEST"}, rows);
  }
  rows.clear();
  for (const Json& decision : record.at("decisions")) {
    rows.push_back({decision.at("approver").get<std::string>(),
                    decision.at("approve").get<bool>() ? Cell("approved", Tone::good)
                                                       : Cell("rejected", Tone::bad),
                    decision.at("decided_at").get<std::string>(),
                    decision.at("comment").get<std::string>()});
  }
  if (!rows.empty()) {
    app.out.stream << "\nDecisions:\n";
    print_table(app.out, {"WHO", "DECISION", "WHEN", "COMMENT"}, rows);
  }
  rows.clear();
  for (const Json& assessment : record.at("assessments")) {
    rows.push_back({assessment.at("assessed_at").get<std::string>(),
                    assessment.at("purpose").get<std::string>(),
                    assessment.at("scanner").get<std::string>(),
                    std::to_string(assessment.at("packages").get<int>()),
                    std::to_string(assessment.at("findings").get<int>()),
                    std::to_string(assessment.at("gaps").get<int>()),
                    assessment.at("completeness").get<std::string>()});
  }
  if (!rows.empty()) {
    app.out.stream << "\nAssessments:\n";
    print_table(app.out, {"WHEN", "OF", "BY", "PACKAGES", "FINDINGS", "GAPS", "COMPLETENESS"},
                rows);
  }
}

}  // namespace

std::vector<Command> image_look_commands() {
  std::vector<Command> commands = {
      {.noun = "image",
       .verb = "list",
       .summary = "List golden images, newest first.",
       .examples = {{"hallmark image list",
                     "Those that are being made, active or on their way out."},
                    {"hallmark image list --only awaiting_approval", "Those that wait for you."},
                    {"hallmark image list --product 'Web-*' --limit 20",
                     "The newest 20 of these."}},
       .options = {{"--all", "", "also failed, rejected and decommissioned ones"},
                   {"--only", "STATE", "images in that state", true, state_names()},
                   product_option(),
                   {"--os", "PATTERN", "of that operating system, such as Debian-*", true},
                   page_options()[0],
                   page_options()[1]},
       .run = list,
       .render = render_list},
      {.noun = "image",
       .verb = "show",
       .summary = "Show a golden image: where it is, who decided, what was found.",
       .examples = {{"hallmark image show Web-1.0/Debian-12", "The newest active version."},
                    {"hallmark image show ami-0123456789abcdef0", "By an image id in any region."}},
       .arguments = {image_argument()},
       .exits = {{ErrorKind::not_found, ""}},
       .run = show,
       .render = render_show},
  };
  for (Command& command : image_evidence_commands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace hallmark::cli
