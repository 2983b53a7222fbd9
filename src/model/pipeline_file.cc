#include "model/pipeline_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/product_template.h"
#include "model/schema_check.h"
#include "model/waiver_file.h"

namespace hallmark::model {

/// Made by embed_text in CMakeLists.txt.
const std::vector<std::pair<std::string_view, std::string_view>>& schema_files();

namespace {

/// More would bury the first ones.
constexpr std::size_t kMostProblems = 20;
/// A script is text a person wrote; larger ones are files given by mistake.
constexpr std::uintmax_t kLargestScript = 4 << 20;

bool is_url(const std::string& text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

/// Turns a document that follows the schema into a Pipeline, and finds what a schema cannot say.
class Builder {
 public:
  Builder(YamlDocument& document, const Path& directory, OtherFiles others)
      : document_(document), directory_(directory), others_(others) {}

  Pipeline build() {
    const Json& root = document_.json;
    pipeline_.product = root["product"];
    pipeline_.os = root["os"];
    pipeline_.version = root["version"];
    pipeline_.description = root.value("description", "");
    read_source(root["source"]);
    read_build(root.value("build", Json::object()));
    read_scripts(root.value("scripts", Json::object()));
    read_updates(root.value("updates", Json::object()));
    read_tests(root.value("tests", Json::array()));
    read_scanners(root.value("scanners", Json::array()));
    read_gate(root.value("gate", Json::object()));
    read_approval(root.value("approval", Json::object()));
    if (root.contains("targets")) read_targets(root["targets"]);
    read_image_settings(root.value("image", Json::object()));
    read_retention(root.value("retention", Json::object()));
    if (root.contains("catalog")) read_catalog(root["catalog"]);
    pipeline_.reassessment.rebuild_on_finding =
        root.value("reassessment", Json::object()).value("rebuild_on_finding", false);
    pipeline_.inventory.languages =
        root.value("inventory", Json::object()).value("languages", true);
    pipeline_.tags = root.value("tags", std::map<std::string, std::string>());
    check_name();
    check_tags();
    return std::move(pipeline_);
  }

  const std::vector<std::string>& files() const { return files_; }

 private:
  void add(const Address& address, std::string message, std::string hint, bool about_key = false) {
    document_.problems.push_back(
        {about_key ? document_.key_place_of(address) : document_.place_of(address),
         path_text(document_.json, address), std::move(message), std::move(hint)});
  }

  void read_duration(const Json& object, const char* key, Address address, Duration& duration) {
    if (!object.contains(key)) return;
    address.push_back(key);
    read_duration(object[key].get<std::string>(), address, duration);
  }

  void read_duration(const std::string& text, const Address& address, Duration& duration) {
    try {
      duration = parse_duration(text);
      if (duration < std::chrono::seconds(1) || duration > std::chrono::hours(24 * 366)) {
        add(address, "must be between 1s and 366d", "");
      }
    } catch (const Error& e) {
      add(address, e.message(), e.hint());
    }
  }

  void read_source(const Json& source) {
    model::SourceRef& out = pipeline_.source;
    out.image_id = source.value("image_id", "");
    out.name = source.value("name", "");
    out.golden_image = source.value("golden_image", "");
    out.parameter = source.value("parameter", "");
    out.owners = source.value("owners", std::vector<std::string>());
    out.architecture = source.value("architecture", out.architecture);
    int ways = 0;
    for (const char* way : {"image_id", "name", "golden_image", "parameter"}) {
      ways += static_cast<int>(source.contains(way));
    }
    if (ways != 1) {
      add({"source"}, ways == 0 ? "says no image" : "says more than one image",
          "give one of image_id, name, parameter, golden_image");
      return;
    }
    for (const char* with_name : {"owners", "architecture"}) {
      if (!source.contains(with_name) || source.contains("name")) continue;
      add({"source", with_name}, "goes with name only", "leave it out", true);
    }
  }

  void read_build(const Json& build) {
    if (build.value("mode", "offline") == "boot") pipeline_.build.mode = BuildMode::boot;
    pipeline_.build.machine_size = build.value("machine_size", "");
    pipeline_.build.region = build.value("region", "");
    read_duration(build, "deadline", {"build"}, pipeline_.build.deadline);
    read_duration(build, "boot_limit", {"build"}, pipeline_.build.boot_limit);
    pipeline_.build.sysprep = build.value("sysprep", pipeline_.build.sysprep);
  }

  bool may_name(const std::string& name, const Address& address) {
    files_.push_back(name);
    if (others_ == OtherFiles::anywhere || leads_below(name)) return true;
    add(address, name + " is not beside this file", "paths lead to files beside it or below");
    return false;
  }

  void read_file_into(Script& script, const std::string& name, const Address& address) {
    script.name = name;
    if (!may_name(name, address)) return;
    Path path = directory_ / name;
    std::error_code failure;
    auto size = std::filesystem::file_size(path, failure);
    bool is_file = std::filesystem::is_regular_file(path, failure);
    if (!is_file) {
      bool there = std::filesystem::exists(path, failure);
      add(address, there ? name + " is not a file" : "the script " + name + " does not exist",
          there ? "" : near_file(path));
    } else if (size == 0 || size > kLargestScript) {
      add(address,
          size == 0 ? "the script " + name + " is empty"
                    : "the script " + name + " is larger than " + format_size(kLargestScript),
          "");
    } else {
      try {
        script.text = hallmark::read_file(path);
      } catch (const Error& e) {
        add(address, e.message(), e.hint());
      }
    }
  }

  std::string near_file(const Path& path) const {
    std::vector<std::string> names;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(path.parent_path(), missing)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    auto near = suggestion(path.filename().string(), names);
    if (!near) return "paths start at the directory of this file";
    return "did you mean " + (path.parent_path() / *near).lexically_relative(directory_).string() +
           "?";
  }

  Script read_script(const Json& json, const Address& address) {
    Script script;
    if (json.is_string()) {
      std::string text = json;
      if (is_url(text)) {
        script.name = script.url = text;
      } else {
        read_file_into(script, text, address);
      }
    } else {
      int ways = static_cast<int>(json.contains("path")) + static_cast<int>(json.contains("url")) +
                 static_cast<int>(json.contains("inline"));
      if (ways != 1) {
        add(address, ways == 0 ? "says no script" : "says more than one script",
            "give one of path, url, inline");
      } else if (json.contains("path")) {
        Address inner = address;
        inner.push_back("path");
        read_file_into(script, json["path"], inner);
      } else if (json.contains("url")) {
        script.name = script.url = json["url"];
      } else {
        script.name = "inline";
        script.text = json["inline"];
      }
      read_duration(json, "time_limit", address, script.time_limit);
    }
    finish_script(script, json.is_object() ? json.value("sha256", "") : "", address);
    return script;
  }

  void finish_script(Script& script, const std::string& wanted, const Address& address) {
    if (!script.url.empty()) {
      script.sha256 = wanted;
      return;
    }
    if (script.text.empty()) return;
    script.sha256 = sha256_hex(script.text);
    if (!wanted.empty() && wanted != script.sha256) {
      Address inner = address;
      inner.push_back("sha256");
      add(inner, "is not the digest of " + script.name, "its digest is " + script.sha256);
    }
  }

  void read_scripts(const Json& scripts) {
    if (scripts.contains("pre_update")) {
      pipeline_.pre_update = read_script(scripts["pre_update"], {"scripts", "pre_update"});
    }
    if (scripts.contains("post_update")) {
      pipeline_.post_update = read_script(scripts["post_update"], {"scripts", "post_update"});
    }
    pipeline_.environment = scripts.value("environment", std::map<std::string, std::string>());
    pipeline_.secrets = scripts.value("secrets", std::vector<std::string>());
    for (std::size_t i = 0; i < pipeline_.secrets.size(); ++i) {
      if (pipeline_.environment.contains(pipeline_.secrets[i])) {
        add({"scripts", "secrets", std::to_string(i)},
            pipeline_.secrets[i] + " is also under environment", "keep it in one of them");
      }
    }
  }

  void read_updates(const Json& updates) {
    Updates& out = pipeline_.updates;
    out.enabled = updates.value("enabled", true);
    if (updates.contains("include") && updates["include"].is_array()) {
      out.all = false;
      out.include = updates["include"].get<std::vector<std::string>>();
    }
    out.exclude = updates.value("exclude", std::vector<std::string>());
    out.categories = updates.value("categories", std::vector<std::string>());
    out.severities = updates.value("severities", std::vector<std::string>());
    for (std::size_t i = 0; i < out.exclude.size(); ++i) {
      if (std::find(out.include.begin(), out.include.end(), out.exclude[i]) != out.include.end()) {
        add({"updates", "exclude", std::to_string(i)}, out.exclude[i] + " is included and excluded",
            "keep it in one of them");
      }
    }
    read_duration(updates, "time_limit", {"updates"}, out.time_limit);
  }

  void read_tests(const Json& tests) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < tests.size(); ++i) {
      Address address = {"tests", std::to_string(i)};
      ImageTest test;
      test.name = tests[i]["name"];
      if (!names.insert(test.name).second) {
        add({"tests", std::to_string(i), "name"}, "the test " + test.name + " is there twice",
            "give each test its own name");
      }
      Address script = address;
      script.push_back("script");
      test.script = read_script(tests[i]["script"], script);
      read_duration(tests[i], "time_limit", address, test.script.time_limit);
      pipeline_.tests.push_back(std::move(test));
    }
  }

  void read_scanners(const Json& scanners) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < scanners.size(); ++i) {
      const Address address = {"scanners", std::to_string(i)};
      const Json& json = scanners[i];
      ScannerUse use;
      use.name = json.is_string() ? json.get<std::string>() : json["name"].get<std::string>();
      if (json.is_object()) read_duration(json, "deadline", address, use.deadline);
      // The machine that is looked at has the build's deadline.
      if (use.deadline > pipeline_.build.deadline) {
        if (json.is_object() && json.contains("deadline")) {
          add({"scanners", std::to_string(i), "deadline"},
              "is longer than the build may take: " + format_duration(pipeline_.build.deadline),
              "raise build.deadline");
        }
        use.deadline = pipeline_.build.deadline;
      }
      if (use.name == "hallmark") {
        add(address, "hallmark is the built-in scanner, which always looks", "leave it out");
      } else if (!names.insert(use.name).second) {
        add(address, "the scanner " + use.name + " is there twice", "keep one of them");
      }
      pipeline_.scanners.push_back(std::move(use));
    }
  }

  void read_gate(const Json& gate) {
    Gate& out = pipeline_.gate;
    out.max_findings = gate.value("max_findings", std::map<std::string, int>());
    out.max_pending_updates = 0;
    if (gate.contains("max_pending_updates")) {
      const Json& most = gate["max_pending_updates"];
      out.max_pending_updates =
          most.is_number() ? std::optional<int>(most.get<int>()) : std::nullopt;
    }
    out.allow_gaps = gate.value("allow_gaps", false);
    out.min_completeness = completeness_from(gate.value("min_completeness", "complete"));
    const Json rules = gate.value("findings", Json::object());
    for (const auto& [severity, rule] : rules.items()) {
      auto judgement = [&rule = rule](const char* which) {
        return judgement_from(rule.is_string() ? rule.get<std::string>()
                                               : rule.value(which, "pass"));
      };
      out.findings[severity_from(severity)] = {judgement("fixable"), judgement("unfixable")};
    }
    if (gate.contains("max_data_age")) {
      read_duration(gate, "max_data_age", {"gate"}, out.max_data_age.emplace());
    }
    if (gate.contains("min_hardening_score")) {
      out.min_hardening_score = gate["min_hardening_score"].get<double>();
    }
    if (gate.contains("hardening")) {
      out.hardening.clear();
      for (const auto& [severity, judgement] : gate["hardening"].items()) {
        out.hardening[severity_from(severity)] = judgement_from(judgement.get<std::string>());
      }
    }
    if (gate.contains("waivers")) read_waiver_file(gate["waivers"]);
  }

  void read_copy_within(const Json& image) {
    Duration& within = pipeline_.image.copy_within.emplace();
    read_duration(image, "copy_within", {"image"}, within);
    // Amazon EBS User Guide, "Time-based copies".
    using std::chrono::minutes;
    if (within < minutes(15) || within > minutes(48 * 60) ||
        within % minutes(15) != Duration::zero()) {
      add({"image", "copy_within"}, "is no time that a copy can be asked for within",
          "give 15m to 48h, in steps of 15 minutes");
    }
  }

  void read_image_settings(const Json& image) {
    ImageSettings& out = pipeline_.image;
    out.kms_keys = image.value("kms_keys", out.kms_keys);
    out.imds_v2_only = image.value("imds_v2_only", false);
    out.is_protected = image.value("protect", false);
    if (image.contains("deprecate_after")) {
      read_duration(image, "deprecate_after", {"image"}, out.deprecate_after.emplace());
    }
    if (image.contains("copy_within")) read_copy_within(image);
    if (image.contains("fast_launch")) {
      const Json& fast = image["fast_launch"];
      FastLaunch& launch = out.fast_launch.emplace();
      launch.snapshots = fast.value("snapshots", launch.snapshots);
      launch.launch_templates = fast.value("launch_templates", launch.launch_templates);
    }
    out.watermark = image.value("watermark", false);
    for (const auto& [region, key] : out.kms_keys) {
      // arn:aws:kms:us-east-1:111122223333:key/...
      const auto parts = split(key, ':');
      if (parts.size() > 3 && parts[0] == "arn" && parts[3] != region) {
        add({"image", "kms_keys", region}, "is a key of " + parts[3],
            "keys are of one region: name one of " + region);
      }
      if (key == "alias/aws/ebs" || key.ends_with(":alias/aws/ebs")) {
        add({"image", "kms_keys", region}, "what is encrypted with alias/aws/ebs cannot be shared",
            "make a key of your own in " + region);
      }
    }
  }

  void read_retention(const Json& retention) {
    Retention& out = pipeline_.retention;
    if (retention.contains("keep_versions")) {
      out.keep_versions = retention["keep_versions"].get<int>();
    }
    if (retention.contains("max_age")) {
      read_duration(retention, "max_age", {"retention"}, out.max_age.emplace());
    }
    out.when_gate_fails = retention.value("when_gate_fails", out.when_gate_fails);
    read_duration(retention, "disable_after", {"retention"}, out.disable_after);
    read_duration(retention, "decommission_after", {"retention"}, out.decommission_after);
  }

  void read_catalog(const Json& catalog) {
    CatalogOffer& out = pipeline_.catalog.emplace();
    out.portfolio = catalog.value("portfolio", out.portfolio);
    out.provider = catalog.value("provider", out.provider);
    out.tags = catalog.value("tags", out.tags);
    out.tag_options = catalog.value("tag_options", out.tag_options);
    out.launch_role = catalog.value("launch_role", "");
    out.principals = catalog.value("principals", out.principals);
    if (catalog.contains("template")) {
      read_template_file(catalog["template"], out);
    } else {
      out.template_name = "Hallmark's own";
      out.template_text = default_product_template();
    }
    if (out.template_text.empty()) return;
    std::vector<Problem> problems;
    out.machine_size = read_product_template(out.template_text, problems).machine_size;
    for (const Problem& problem : problems) {
      add({"catalog", "template"}, to_string(problem, out.template_name), "");
    }
  }

  void read_template_file(const std::string& name, CatalogOffer& out) {
    out.template_name = name;
    if (!may_name(name, {"catalog", "template"})) return;
    const Path path = directory_ / name;
    try {
      out.template_text = hallmark::read_file(path);
      if (out.template_text.empty()) add({"catalog", "template"}, name + " is empty", "");
    } catch (const Error& e) {
      add({"catalog", "template"}, e.message(), near_file(path));
    }
  }

  void read_waiver_file(const std::string& name) {
    const Address address = {"gate", "waivers"};
    if (!may_name(name, address)) return;
    const Path path = directory_ / name;
    try {
      std::vector<Problem> problems;
      pipeline_.gate.waivers = read_waivers(hallmark::read_file(path), problems);
      for (const Problem& problem : problems) add(address, to_string(problem, name), "");
    } catch (const Error& e) {
      add(address, e.message(), near_file(path));
    }
  }

  void read_approval(const Json& approval) {
    ApprovalPolicy& out = pipeline_.approval;
    out.automatic = approval.value("automatic", false);
    out.required = approval.value("required", 1);
    out.approvers = approval.value("approvers", std::vector<std::string>());
    out.proofs = approval.value("proofs", out.proofs);
    read_duration(approval, "deadline", {"approval"}, out.deadline);
    if (approval.contains("reminders")) read_reminders(approval["reminders"]);
    if (!out.approvers.empty() && out.approvers.size() < static_cast<std::size_t>(out.required)) {
      add({"approval", "required"},
          fmt::format("{} must approve, but only {} may", out.required, out.approvers.size()),
          "name more approvers or require fewer");
    }
  }

  void read_reminders(const Json& reminders) {
    std::vector<Duration>& out = pipeline_.approval.reminders;
    out.clear();
    for (std::size_t i = 0; i < reminders.size(); ++i) {
      read_duration(reminders[i].get<std::string>(), {"approval", "reminders", std::to_string(i)},
                    out.emplace_back());
    }
    std::sort(out.begin(), out.end(), std::greater<>());
  }

  void read_targets(const Json& targets) {
    if (targets.is_string()) {
      try {
        pipeline_.targets = targets_from_metadata(targets.get<std::string>());
      } catch (const Error& e) {
        add({"targets"}, e.message(), e.hint());
      }
      return;
    }
    std::map<std::string, std::size_t> accounts;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Json& json = targets[i];
      std::string at = std::to_string(i);
      Target target;
      target.account_id = json.value("account_id", "");
      target.unit = json.value("unit", "");
      if (target.account_id.empty() == target.unit.empty()) {
        add({"targets", at}, "names not exactly one of account_id and unit",
            "an account by its 12 digits, or an organization or organizational unit by its ARN");
      }
      target.regions = json["regions"].get<std::vector<std::string>>();
      if (json.value("delivery", "share") == "copy") target.delivery = Delivery::copy;
      target.role_name = json.value("role_name", "");
      target.external_id = json.value("external_id", "");
      const bool is_unit = !target.unit.empty();
      auto [before, is_new] = accounts.emplace(recipient_of(target), i);
      if (!is_new) {
        add({"targets", at, is_unit ? "unit" : "account_id"},
            fmt::format("the {} {} is also targets[{}]", is_unit ? "unit" : "account",
                        recipient_of(target), before->second),
            "name all its regions in one place");
      }
      std::set<std::string> regions;
      for (std::size_t r = 0; r < target.regions.size(); ++r) {
        if (!regions.insert(target.regions[r]).second) {
          add({"targets", at, "regions", std::to_string(r)}, target.regions[r] + " is there twice",
              "keep one of them");
        }
      }
      read_launch_templates(json.value("launch_templates", Json::array()), at, target);
      pipeline_.targets.push_back(std::move(target));
    }
  }

  void read_launch_templates(const Json& uses, const std::string& at, Target& target) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < uses.size(); ++i) {
      const TemplateUse use{.name = uses[i]["name"],
                            .set_default = uses[i].value("set_default", false)};
      if (!names.insert(use.name).second) {
        add({"targets", at, "launch_templates", std::to_string(i)}, use.name + " is there twice",
            "keep one of them");
      }
      target.launch_templates.push_back(use);
    }
  }

  /// The name must suit EC2, so that a pipeline made here goes there unchanged:
  /// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
  void check_name() {
    std::string name = image_name(pipeline_);
    constexpr std::size_t kLongest = 128;
    if (name.size() > kLongest) {
      add({"version"},
          fmt::format("the image's name {} has {} characters, more than {}", name, name.size(),
                      kLongest),
          "shorten product, os or version");
    }
  }

  void check_tags() {
    static const std::set<std::string> kOwn = {"ProductOSAndVersion", "ProductName", "version",
                                               "AMI-Type"};
    for (const auto& [key, value] : pipeline_.tags) {
      bool reserved = kOwn.contains(key) || key.starts_with("aws:") || key.starts_with("hallmark:");
      if (reserved)
        add({"tags", key}, "is set by Hallmark or by the cloud", "choose another", true);
    }
  }

  YamlDocument& document_;
  Path directory_;
  OtherFiles others_;
  std::vector<std::string> files_;
  Pipeline pipeline_;
};

PipelineCheck finish(YamlDocument document, std::optional<Pipeline> pipeline) {
  PipelineCheck check;
  check.problems = std::move(document.problems);
  std::stable_sort(check.problems.begin(), check.problems.end(),
                   [](const Problem& a, const Problem& b) { return a.place < b.place; });
  if (check.problems.empty()) check.pipeline = std::move(pipeline);
  if (check.problems.size() > kMostProblems) {
    check.left_out = static_cast<int>(check.problems.size() - kMostProblems);
    check.problems.resize(kMostProblems);
  }
  return check;
}

}  // namespace

bool leads_below(const std::string& path) {
  const Path parts(path);
  return !path.empty() && path.find('\0') == path.npos && parts.is_relative() &&
         parts.has_filename() && std::none_of(parts.begin(), parts.end(), [](const Path& part) {
           return part == ".." || part == ".";
         });
}

PipelineCheck check_pipeline_text(std::string_view text, const Path& directory,
                                  const Variables& variables, OtherFiles others) {
  static const Json kSchema = parse_json(pipeline_schema(), "golden.schema.json");
  YamlDocument document = read_yaml(text, variables);
  // Without values there is nothing more to check.
  if (document.values.empty()) return finish(std::move(document), std::nullopt);
  auto wrong = check_schema(kSchema, document.json);
  const std::vector<Problem> before = document.problems;
  for (SchemaProblem& problem : wrong) {
    // What reading could not make out has been told already.
    std::string path = path_text(document.json, problem.address);
    auto is_told = [&path](const Problem& told) { return !path.empty() && told.path == path; };
    if (std::any_of(before.begin(), before.end(), is_told)) continue;
    Position place = problem.about_key ? document.key_place_of(problem.address)
                                       : document.place_of(problem.address);
    document.problems.push_back(
        {place, std::move(path), std::move(problem.message), std::move(problem.hint)});
  }
  if (!wrong.empty()) return finish(std::move(document), std::nullopt);
  Builder builder(document, directory, others);
  Pipeline pipeline = builder.build();
  PipelineCheck check = finish(std::move(document), std::move(pipeline));
  check.files = builder.files();
  return check;
}

PipelineCheck check_pipeline(const Path& file, const Variables& variables, OtherFiles others) {
  return check_pipeline_text(read_file(file), file.has_parent_path() ? file.parent_path() : ".",
                             variables, others);
}

std::string to_string(const Problem& problem, const Path& file) {
  std::string text =
      fmt::format("{}:{}:{}: ", file.string(), problem.place.line, problem.place.column);
  if (!problem.path.empty()) text += problem.path + ": ";
  text += problem.message;
  if (!problem.hint.empty()) text += "; " + problem.hint;
  return text;
}

Pipeline load_pipeline(const Path& file, const Variables& variables, OtherFiles others) {
  PipelineCheck check = check_pipeline(file, variables, others);
  if (check.pipeline) return std::move(*check.pipeline);
  std::vector<std::string> lines;
  for (const Problem& problem : check.problems) lines.push_back(to_string(problem, file));
  if (check.left_out > 0) lines.push_back(fmt::format("and {} more problems", check.left_out));
  throw Error(ErrorKind::usage, join(lines, "\n"));
}

std::string_view pipeline_schema() { return schema_files().front().second; }

}  // namespace hallmark::model
