#include "app/schedule_config.h"

#include "base/error.h"

namespace hallmark::app {

namespace {

using pipeline::ScheduledWork;

/// Which settings go with which work only.
struct Setting {
  const char* key;
  ScheduledWork work;
};
constexpr Setting kSettings[] = {{"pipeline", ScheduledWork::build},
                                 {"variables", ScheduledWork::build},
                                 {"policy", ScheduledWork::remediate},
                                 {"mode", ScheduledWork::prevent},
                                 {"also", ScheduledWork::prevent},
                                 {"derived", ScheduledWork::prevent},
                                 {"accept_derived", ScheduledWork::compliance},
                                 {"grace", ScheduledWork::compliance}};

class Reader {
 public:
  Reader(const model::YamlDocument& document, const Path& file,
         std::vector<model::Problem>& problems)
      : document_(document), file_(file), problems_(problems) {}

  pipeline::Schedule read(const std::string& name, const Json& json) {
    const model::Address address = {"schedules", name};
    pipeline::Schedule schedule{
        .name = name,
        .starts = pipeline::scheduled_work_from(json.at("start").get<std::string>()),
        .enabled = json.value("enabled", true)};
    for (const Setting& setting : kSettings) {
      if (!json.contains(setting.key) || setting.work == schedule.starts) continue;
      add(below(address, setting.key),
          "goes with start: " + std::string(to_string(setting.work)) + " only", "leave it out",
          true);
    }
    read_expression(json, address, schedule);
    schedule.pipeline_file = read_path(json, "pipeline");
    if (schedule.starts == ScheduledWork::build && schedule.pipeline_file.empty()) {
      add(address, "does not say which pipeline to build", "add: pipeline: golden.yaml");
    }
    schedule.policy_file = read_path(json, "policy");
    if (schedule.starts == ScheduledWork::remediate && schedule.policy_file.empty()) {
      add(address, "does not say by which policy", "add: policy: remediation.yaml");
    }
    const bool checks =
        schedule.starts == ScheduledWork::compliance || schedule.starts == ScheduledWork::remediate;
    if (json.contains("exemptions") && !checks) {
      add(below(address, "exemptions"), "goes with start: compliance or remediate only",
          "leave it out", true);
    }
    schedule.mode = json.value("mode", "");
    schedule.also = json.value("also", std::vector<std::string>());
    schedule.derived = json.value("derived", false);
    schedule.variables = json.value("variables", model::Variables());
    schedule.exemptions = read_path(json, "exemptions");
    schedule.accept_derived = json.value("accept_derived", false);
    if (json.contains("grace"))
      schedule.grace = parse_duration(json.at("grace").get<std::string>());
    return schedule;
  }

 private:
  static model::Address below(model::Address address, const char* key) {
    address.push_back(key);
    return address;
  }

  void add(const model::Address& address, std::string message, std::string hint,
           bool about_key = false) {
    problems_.push_back({about_key ? document_.key_place_of(address) : document_.place_of(address),
                         model::path_text(document_.json, address), std::move(message),
                         std::move(hint)});
  }

  void read_expression(const Json& json, const model::Address& address,
                       pipeline::Schedule& schedule) {
    const model::Address expression = below(address, "expression");
    const model::Position at = document_.place_of(expression);
    schedule.place = fmt::format("{}:{}:{}", file_.string(), at.line, at.column);
    const std::string zone = json.value("time_zone", "UTC");
    try {
      schedule::parse("rate(1 day)", zone);
    } catch (const Error& e) {
      add(below(address, "time_zone"), e.message(), e.hint());
      return;
    }
    try {
      schedule.expression = schedule::parse(json.at("expression").get<std::string>(), zone);
    } catch (const Error& e) {
      add(expression, e.message(), e.hint());
    }
  }

  /// Relative to the file that says it. Whether it is there is asked when the schedule is due: a
  /// file that was moved must not keep every command from working.
  Path read_path(const Json& json, const char* key) const {
    if (!json.contains(key)) return {};
    return (file_.parent_path() / json.at(key).get<std::string>()).lexically_normal();
  }

  const model::YamlDocument& document_;
  const Path& file_;
  std::vector<model::Problem>& problems_;
};

}  // namespace

std::vector<pipeline::Schedule> read_schedules(const model::YamlDocument& document,
                                               const Path& file,
                                               std::vector<model::Problem>& problems) {
  Reader reader(document, file, problems);
  std::vector<pipeline::Schedule> schedules;
  for (const auto& [name, json] : document.json.at("schedules").items()) {
    schedules.push_back(reader.read(name, json));
  }
  return schedules;
}

}  // namespace hallmark::app
