#include "model/remediation_file.h"

#include "base/embedded.h"
#include "base/error.h"
#include "base/text.h"
#include "model/checked_document.h"
#include "model/pipeline_file.h"

namespace hallmark::model {

const std::vector<std::pair<std::string_view, std::string_view>>& schema_files();

namespace {

Json milliseconds(const std::optional<Duration>& duration) {
  return duration ? Json(duration->count()) : Json(nullptr);
}

std::optional<Duration> duration_from(const Json& json, const char* key) {
  if (json.at(key).is_null()) return std::nullopt;
  return Duration(member<std::int64_t>(json, key));
}

/// Why nobody else's tag may have this key; empty: it may. Source: Amazon EC2 User Guide, "Tag
/// restrictions": the prefix aws: is reserved in upper and lower case.
std::string why_not_tag(const std::string& key) {
  const std::string lower = to_lower(key);
  if (lower.starts_with("aws:")) return "keys that begin with aws: are AWS's own";
  if (lower.starts_with("hallmark:")) return "Hallmark knows what is its own by keys like this";
  if (key == "Name") return "it is the machine's name";
  return "";
}

}  // namespace

void to_json(Json& json, const RemediationPolicy& value) {
  json = {{"tag", value.tag},
          {"notify", value.notify},
          {"stop_after_ms", milliseconds(value.stop_after)},
          {"accept_derived", value.accept_derived},
          {"grace_ms", milliseconds(value.grace)},
          {"exemptions", value.exemptions}};
}

void from_json(const Json& json, RemediationPolicy& value) {
  value = {.tag = member<std::string>(json, "tag"),
           .notify = member<bool>(json, "notify"),
           .stop_after = duration_from(json, "stop_after_ms"),
           .accept_derived = member<bool>(json, "accept_derived"),
           .grace = duration_from(json, "grace_ms"),
           .exemptions = member<std::string>(json, "exemptions")};
}

RemediationPolicy read_remediation(std::string_view text, std::vector<Problem>& problems) {
  static const Json kSchema = parse_json(remediation_schema(), "remediation.schema.json");
  std::optional<YamlDocument> document = read_checked(text, kSchema, problems);
  if (!document) return {};
  const std::size_t known = problems.size();
  const Json& json = document->json;
  auto duration = [&](const char* key) -> std::optional<Duration> {
    if (!json.contains(key)) return std::nullopt;
    try {
      return parse_duration(json.at(key).get<std::string>());
    } catch (const Error& error) {
      problems.push_back(
          {document->place_of({key}), path_text(json, {key}), error.message(), error.hint()});
      return std::nullopt;
    }
  };
  if (const std::string why = why_not_tag(json.value("tag", "")); !why.empty()) {
    problems.push_back(
        {document->place_of({"tag"}), path_text(json, {"tag"}),
         "\"" + json.at("tag").get<std::string>() + "\" would be overwritten: " + why,
         "choose a key of its own: non-compliant-since"});
  }
  RemediationPolicy policy{.tag = json.value("tag", ""),
                           .notify = json.value("notify", false),
                           .stop_after = duration("stop_after"),
                           .accept_derived = json.value("accept_derived", false),
                           .grace = duration("grace")};
  return problems.size() > known ? RemediationPolicy{} : policy;
}

RemediationPolicy load_remediation(const Path& file) {
  std::vector<Problem> problems;
  RemediationPolicy policy = read_remediation(read_file(file), problems);
  if (problems.empty()) return policy;
  Error error(ErrorKind::usage, "{} is no policy of remediation", file.string());
  for (const Problem& problem : problems) error.note(to_string(problem, file));
  throw error.hint("see: docs/compliance.md");
}

std::string_view remediation_schema() {
  return embedded_file(schema_files(), "remediation.schema.json");
}

}  // namespace hallmark::model
