#include "app/config.h"

#include <algorithm>
#include <cstdlib>

#include "app/schedule_config.h"
#include "base/embedded.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cloud/organizations.h"
#include "model/pipeline_file.h"
#include "model/schema_check.h"
#include "model/yaml_document.h"

namespace hallmark::app {

/// Made by embed_text in CMakeLists.txt.
const std::vector<std::pair<std::string_view, std::string_view>>& config_schemas();

namespace {

Json schema(const char* file) { return parse_json(embedded_file(config_schemas(), file), file); }

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void refuse_problems(std::vector<model::Problem> problems, const Path& file) {
  if (problems.empty()) return;
  std::stable_sort(problems.begin(), problems.end(),
                   [](const auto& a, const auto& b) { return a.place < b.place; });
  std::vector<std::string> lines;
  for (const model::Problem& problem : problems) lines.push_back(model::to_string(problem, file));
  throw Error(ErrorKind::usage, "{}", join(lines, "\n"));
}

}  // namespace

Path state_directory(const std::string& from_command_line) {
  Path state = from_command_line;
  if (state.empty()) state = environment("HALLMARK_STATE");
  if (state.empty()) {
    std::string data = environment("XDG_DATA_HOME");
    std::string home = environment("HOME");
    // The base directory specification says that a relative path is to be ignored.
    if (data.starts_with('/')) {
      state = Path(data) / "hallmark";
    } else if (!home.empty()) {
      state = Path(home) / ".local/share/hallmark";
    }
  }
  if (state.empty()) {
    throw Error(ErrorKind::usage, "there is no home directory to keep state in")
        .hint("name a directory: --state DIR");
  }
  return std::filesystem::absolute(state).lexically_normal();
}

namespace {

AwsConfig aws_config(const Json& json) {
  AwsConfig config;
  config.profile = json.value("profile", config.profile);
  config.endpoint_url = json.value("endpoint_url", config.endpoint_url);
  config.child_role = json.value("child_role", config.child_role);
  config.external_id = json.value("external_id", config.external_id);
  config.instance_profile = json.value("instance_profile", config.instance_profile);
  config.instance_types = json.value("instance_types", config.instance_types);
  const Json regions = json.value("regions", Json::object());
  for (const auto& [name, region] : regions.items()) {
    config.regions[name] = {
        .subnets = region.value("subnets", std::vector<std::string>{}),
        .security_groups = region.value("security_groups", std::vector<std::string>{}),
        .bucket = region.value("bucket", ""),
        .kms_key = region.value("kms_key", "")};
  }
  return config;
}

/// What a part of the document, at `under`, does not follow of its schema.
void check_part(const model::YamlDocument& document, const Json& schema, const Json& part,
                const model::Address& under, std::vector<model::Problem>& problems) {
  for (const model::SchemaProblem& found : model::check_schema(schema, part)) {
    model::Address address = under;
    address.insert(address.end(), found.address.begin(), found.address.end());
    problems.push_back(
        {.place = found.about_key ? document.key_place_of(address) : document.place_of(address),
         .path = model::path_text(document.json, address),
         .message = found.message,
         .hint = found.hint});
  }
}

void check_document(const model::YamlDocument& document, std::vector<model::Problem>& problems) {
  check_part(document, schema("config.schema.json"), document.json, {}, problems);
  if (!problems.empty() || !document.json.contains("scanners")) return;
  // One kind at a time: what is wrong is then told in the words of that kind.
  const Json kinds = schema("scanners.schema.json");
  for (const auto& [name, settings] : document.json["scanners"].items()) {
    check_part(document, kinds[settings["kind"].get<std::string>()], settings, {"scanners", name},
               problems);
  }
}

/// A URL as it is; a path as it is from the directory of config.yaml.
std::string source_from(const Json& json, const char* key, const Path& directory) {
  const std::string text = json.value(key, "");
  if (text.empty() || text.find("://") != std::string::npos) return text;
  return (directory / text).lexically_normal().string();
}

/// A feed by its short name, or one that says where it is.
scan::FeedSource feed_from(const Json& json, const Path& state) {
  if (json.is_string()) return {.name = json.get<std::string>()};
  return {.name = json.at("name"),
          .kind = json.at("kind"),
          .place = source_from(json, "url", state),
          .ecosystem = json.value("ecosystem", ""),
          .sha256 = json.value("sha256", ""),
          .signature = source_from(json, "signature", state),
          .keyring = source_from(json, "keyring", state)};
}

scan::AdvisoryConfig advisories_from(const Json& json, const Path& state) {
  scan::AdvisoryConfig config;
  config.mirror = json.value("mirror", "");
  if (json.contains("max_age"))
    config.max_age = parse_duration(json.at("max_age").get<std::string>());
  for (const Json& feed : json.value("feeds", Json::array())) {
    config.feeds.push_back(feed_from(feed, state));
  }
  for (const std::string& path : json.value("vex", std::vector<std::string>{})) {
    config.vex.push_back((state / path).lexically_normal().string());
  }
  return config;
}

}  // namespace

namespace {

Config read_config(const Path& state) {
  Config config;
  config.file = state / "config.yaml";
  config.database_url = "sqlite://" + (state / "hallmark.db").string();
  config.cloud.root = state / "cloud";
  const Path& file = config.file;
  auto text = read_file_if_exists(file);
  if (!text) return config;

  model::YamlDocument document = model::read_yaml(*text, {});
  std::vector<model::Problem> problems = document.problems;
  if (problems.empty() && document.json.is_null()) return config;
  if (problems.empty()) check_document(document, problems);
  if (problems.empty() && document.json.contains("schedules")) {
    config.schedules = read_schedules(document, file, problems);
  }
  if (problems.empty() && document.json.contains("triggers")) {
    config.triggers = read_triggers(document, file, problems);
  }
  refuse_problems(std::move(problems), file);

  const Json& json = document.json;
  config.database_url = json.value("database", config.database_url);
  Json cloud = json.value("cloud", Json::object());
  config.cloud.account_id = cloud.value("account_id", config.cloud.account_id);
  config.cloud.regions = cloud.value("regions", config.cloud.regions);
  config.cloud.kind = cloud.value("kind", config.cloud.kind);
  config.cloud.units = cloud.value("units", config.cloud.units);
  config.cloud.uris = cloud.value("uris", config.cloud.uris);
  for (const auto& [unit, accounts] : config.cloud.units) cloud::check_unit(unit);
  if (config.cloud.kind == "aws" && !config.cloud.units.empty()) {
    throw Error(ErrorKind::usage, "{} says cloud.units, which AWS Organizations itself knows",
                file.string())
        .hint("take it out");
  }
  config.scanners = json.value("scanners", config.scanners);
  const Json exploits = json.value("exploits", Json::object());
  config.exploits = {source_from(exploits, "kev", state), source_from(exploits, "epss", state)};
  config.inventory.languages = json.value("inventory", Json::object()).value("languages", true);
  config.advisories = advisories_from(json.value("advisories", Json::object()), state);
  config.server_url = json.value("server", Json::object()).value("url", "");
  config.oidc = json.value("server", Json::object()).value("oidc", Json());
  config.server_allow_private = json.value("server", Json::object()).value("allow_private", false);
  while (config.server_url.ends_with('/')) config.server_url.pop_back();
  config.notices = json.value("notices", Json::object());
  config.cloud.aws = aws_config(cloud.value("aws", Json::object()));
  if (config.cloud.kind == "aws" && !cloud.contains("account_id")) {
    throw Error(ErrorKind::usage, "{} does not say cloud.account_id, which AWS needs",
                file.string())
        .hint("find it out with: hallmark aws call sts GetCallerIdentity");
  }
  if (cloud.contains("root")) {
    // Relative to the file that says it, not to where we run.
    config.cloud.root = (state / cloud.at("root").get<std::string>()).lexically_normal();
  }
  return config;
}

}  // namespace

Config load_config(const Path& state) {
  Config config = read_config(state);
  const std::string database = environment("HALLMARK_DB");
  if (!database.empty()) config.database_url = database;
  return config;
}

bool has_cloud_section(const Path& state) {
  const Path file = state / "config.yaml";
  std::optional<std::string> text = read_file_if_exists(file);
  if (!text) return false;
  model::YamlDocument document = model::read_yaml(*text, {});
  refuse_problems(std::move(document.problems), file);
  return document.json.is_object() && document.json.contains("cloud");
}

Path add_cloud_section(const Path& state, const std::string& section) {
  // A package keeps it below /etc and leads there by a link.
  const Path file = std::filesystem::weakly_canonical(state / "config.yaml");
  if (has_cloud_section(state)) {
    throw Error(ErrorKind::conflict, "{} has a section cloud already", file.string())
        .hint("change it by hand to what was printed");
  }
  std::string text = read_file_if_exists(file).value_or("");
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  make_directories(state, 0700);
  write_file(file, text + section);
  return file;
}

}  // namespace hallmark::app
