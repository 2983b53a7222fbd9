#include "cli/image_record.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/table.h"
#include "model/pipeline.h"
#include "pipeline/archive.h"
#include "pipeline/evidence.h"
#include "pipeline/image_list.h"

namespace hallmark::cli {

ArgumentSpec image_argument() {
  return {"REF",
          "product/os/version, product/os (the newest active one), an image id, or a run id"};
}

pipeline::GoldenImage image_named(App& app, const Arguments& arguments) {
  const std::string reference = arguments.value_or("REF", "");
  Workplace& workplace = app.workplace();
  if (auto found = pipeline::find_golden_image(workplace.context.database, reference)) {
    return *found;
  }
  const auto run_id = pipeline::run_beginning(workplace.context.database, reference);
  // If there is none, for its message, with the closest key.
  return pipeline::get_golden_image(workplace.context.database, run_id.value_or(reference));
}

Json assessment_record(const pipeline::AssessmentRecord& record) {
  const model::Assessment& assessment = record.assessment;
  return {{"assessment_id", record.assessment_id},
          {"purpose", record.purpose},
          {"scanner", assessment.scanner},
          {"assessed_at", record.assessed_at},
          {"digest", record.digest},
          {"packages", assessment.package_count},
          {"findings", assessment.findings.size()},
          {"gaps", assessment.gaps.size()},
          {"completeness", model::to_string(assessment.completeness)}};
}

Json report_paths(App& app, const std::string& run_id) {
  Path directory = pipeline::evidence_directory(app.workplace().context, run_id);
  Json paths = Json::object();
  for (const char* name : {"report.txt", "report.html", "report.json", "evidence.json"}) {
    Path file = directory / name;
    if (!std::filesystem::exists(file)) continue;
    std::string key = file.stem() == "evidence" ? "evidence" : file.extension().string().substr(1);
    paths[key == "txt" ? "text" : key] = file.string();
  }
  return paths;
}

Json approval_record(App& app, const pipeline::GoldenImage& image) {
  pipeline::Context& context = app.workplace().context;
  Json candidates = Json::array();
  Json source;
  for (const auto& record : pipeline::list_assessments(context.database, image.run_id)) {
    if (record.purpose == "candidate") candidates.push_back(assessment_record(record));
    if (record.purpose == "source") source = assessment_record(record);
  }
  auto policy = image.pipeline.get<model::Pipeline>().approval;
  std::size_t approvals = 0;
  for (const auto& decision : pipeline::list_decisions(context.database, image.run_id)) {
    if (decision.approve) ++approvals;
  }
  Path gate = pipeline::evidence_directory(context, image.run_id) / "gate.json";
  auto gate_text = read_file_if_exists(gate);
  std::string command = app.command_prefix + " image ";
  return {{"image", image},
          {"candidates", candidates},
          {"source", source},
          {"gate", gate_text ? parse_json(*gate_text, gate.string()) : Json(nullptr)},
          {"approvals", approvals},
          {"approvals_required", policy.required},
          {"approvers", policy.approvers},
          {"reports", report_paths(app, image.run_id)},
          {"approve_command", command + "approve " + image.image_key + " --as NAME --evidence " +
                                  image.evidence_digest},
          {"reject_command", command + "reject " + image.image_key + " --as NAME --reason TEXT"}};
}

namespace {

std::string findings_text(const Json& assessment) {
  if (!assessment.is_object()) return "not assessed";
  return fmt::format("{} findings in {} packages, {} gaps, {}",
                     assessment.at("findings").get<int>(), assessment.at("packages").get<int>(),
                     assessment.at("gaps").get<int>(),
                     assessment.at("completeness").get<std::string>());
}

}  // namespace

void render_approval(const Json& record, App& app) {
  const Json& image = record.at("image");
  const Json& gate = record.at("gate");
  auto text = [&](const char* key) { return image.at(key).get<std::string>(); };
  std::string gate_text = "not evaluated";
  if (gate.is_object()) {
    gate_text = gate.at("passed").get<bool>() ? "passed" : "closed";
    for (const char* list : {"failures", "passes"}) {
      for (const Json& line : gate.at(list)) gate_text += "; " + line.get<std::string>();
    }
  }
  const Json& reports = record.at("reports");
  std::vector<std::pair<std::string, Cell>> fields = {
      {"Image", {text("image_key"), Tone::strong}},
      {"State", state_cell(text("state"))},
      {"Candidate", text("image_id") + " in " + text("account_id") + "/" + text("region")},
      {"Source", text("source_image_id") + ": " + findings_text(record.at("source"))}};
  for (const Json& candidate : record.at("candidates")) {
    fields.push_back(
        {candidate.at("scanner").get<std::string>() + " saw", findings_text(candidate)});
  }
  fields.insert(fields.end(),
                {{"Gate", {gate_text, gate_text.starts_with("passed") ? Tone::good : Tone::plain}},
                 {"Evidence", text("evidence_digest")},
                 {"Report", reports.value("html", reports.value("text", ""))},
                 {"Why", app.command_prefix + " image report " + text("image_key") + " --why"},
                 {"Approvals", fmt::format("{} of {}", record.at("approvals").get<int>(),
                                           record.at("approvals_required").get<int>())},
                 {"Requested by", text("requested_by") + ", who cannot be the one who approves"}});
  print_fields(app.out, fields);
  if (text("state") != "awaiting_approval") return;
  app.out.stream << "\nIt waits for approval. Decide with one of:\n  "
                 << record.at("approve_command").get<std::string>() << "\n  "
                 << record.at("reject_command").get<std::string>() << '\n';
}

Json targets_record(App& app, const pipeline::GoldenImage& image) {
  Json targets = Json::array();
  for (const auto& target :
       pipeline::list_targets(app.workplace().context.database, image.run_id)) {
    targets.push_back(target);
  }
  return targets;
}

Json archives_record(App& app, const pipeline::GoldenImage& image) {
  Json archives = Json::array();
  for (const auto& archive :
       pipeline::list_archives(app.workplace().context.database, image.run_id)) {
    archives.push_back(archive);
  }
  return archives;
}

void render_archives(const Json& archives, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& archive : archives) {
    auto text = [&](const char* key) { return archive.at(key).get<std::string>(); };
    rows.push_back(
        {text("region"), text("bucket"), text("object"), text("archived_at").substr(0, 10)});
  }
  if (!rows.empty()) print_table(app.out, {"REGION", "BUCKET", "OBJECT", "SINCE"}, rows);
}

void render_targets(const Json& targets, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& target : targets) {
    auto text = [&](const char* key) { return target.at(key).get<std::string>(); };
    rows.push_back({text("account_id"), text("region"), text("delivery"), text("image_id"),
                    state_cell(text("state")), shorten(one_line(text("detail")), 60)});
  }
  print_table(app.out, {"ACCOUNT", "REGION", "DELIVERY", "IMAGE", "STATE", ""}, rows);
}

}  // namespace hallmark::cli
