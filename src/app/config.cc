#include "app/config.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "model/pipeline_file.h"
#include "model/schema_check.h"
#include "model/yaml_document.h"

namespace hallmark::app {

namespace {

constexpr const char* kSchema = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "config.yaml",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "database": {
      "description": "sqlite:///path/to/file or postgresql://...",
      "type": "string",
      "pattern": "^(sqlite|postgresql)://.+$",
      "examples": ["sqlite:///var/lib/hallmark/hallmark.db"]
    },
    "cloud": {
      "description": "Where images and machines are.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "kind": { "enum": ["libvirt", "aws"] },
        "account_id": {
          "description": "Our account, where images are built.",
          "type": "string",
          "pattern": "^[0-9]{12}$",
          "examples": ["\"100000000001\""]
        },
        "regions": {
          "description": "Regions, the one where images are built first.",
          "type": "array",
          "minItems": 1,
          "uniqueItems": true,
          "items": { "type": "string", "pattern": "^[a-z0-9-]+$", "examples": ["us-east-1"] }
        },
        "root": {
          "description": "Directory with the cloud's images and machines.",
          "type": "string",
          "minLength": 1
        },
        "aws": {
          "description": "What kind aws needs to know; hallmark aws setup prints it.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "profile": { "description": "Profile of the AWS configuration files.", "type": "string", "minLength": 1 },
            "endpoint_url": {
              "description": "Endpoints of another party than AWS.",
              "type": "string", "pattern": "^https?://.+$", "examples": ["http://127.0.0.1:4566"]
            },
            "child_role": { "description": "Name of the role in other accounts.", "type": "string", "minLength": 1 },
            "external_id": { "description": "External id of that role.", "type": "string", "minLength": 2 },
            "instance_profile": {
              "description": "Instance profile of builders and test machines.", "type": "string", "minLength": 1
            },
            "instance_types": {
              "description": "Tried in order when one has no capacity.",
              "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1, "examples": ["t3.medium"] }
            },
            "regions": {
              "description": "Where machines stand, by region.",
              "type": "object",
              "additionalProperties": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                  "subnets": { "type": "array", "items": { "type": "string", "pattern": "^subnet-", "examples": ["subnet-0123456789abcdef0"] } },
                  "security_groups": { "type": "array", "items": { "type": "string", "pattern": "^sg-", "examples": ["sg-0123456789abcdef0"] } },
                  "bucket": { "description": "Receives the output of commands.", "type": "string", "minLength": 3 },
                  "kms_key": { "description": "ARN of the key that encrypts volumes and images.", "type": "string", "pattern": "^arn:", "examples": ["arn:aws:kms:us-east-1:111122223333:key/..."] }
                }
              }
            }
          }
        }
      }
    }
  }
})";

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

}  // namespace

Config load_config(const Path& state) {
  Config config;
  config.database_url = "sqlite://" + (state / "hallmark.db").string();
  config.cloud.root = state / "cloud";
  const Path file = state / "config.yaml";
  auto text = read_file_if_exists(file);
  if (!text) return config;

  model::YamlDocument document = model::read_yaml(*text, {});
  std::vector<model::Problem> problems = document.problems;
  if (problems.empty() && document.json.is_null()) return config;
  if (problems.empty()) {
    for (const auto& found : model::check_schema(parse_json(kSchema, "schema"), document.json)) {
      problems.push_back({.place = found.about_key ? document.key_place_of(found.address)
                                                   : document.place_of(found.address),
                          .path = model::path_text(document.json, found.address),
                          .message = found.message,
                          .hint = found.hint});
    }
  }
  refuse_problems(std::move(problems), file);

  const Json& json = document.json;
  config.database_url = json.value("database", config.database_url);
  Json cloud = json.value("cloud", Json::object());
  config.cloud.account_id = cloud.value("account_id", config.cloud.account_id);
  config.cloud.regions = cloud.value("regions", config.cloud.regions);
  config.cloud.kind = cloud.value("kind", config.cloud.kind);
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

bool has_cloud_section(const Path& state) {
  const Path file = state / "config.yaml";
  std::optional<std::string> text = read_file_if_exists(file);
  if (!text) return false;
  model::YamlDocument document = model::read_yaml(*text, {});
  refuse_problems(std::move(document.problems), file);
  return document.json.is_object() && document.json.contains("cloud");
}

Path add_cloud_section(const Path& state, const std::string& section) {
  const Path file = state / "config.yaml";
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
