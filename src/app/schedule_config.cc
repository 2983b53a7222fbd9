#include "app/schedule_config.h"

#include <set>

#include "base/error.h"

namespace hallmark::app {

namespace {

using pipeline::ScheduledWork;
using pipeline::TriggerEvent;

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

/// And with which event.
struct EventSetting {
  const char* key;
  TriggerEvent event;
  bool needed;
  const char* example;
};
constexpr EventSetting kEventSettings[] = {
    {"parameter", TriggerEvent::parameter, true, "/base/image"},
    {"region", TriggerEvent::parameter, false, ""},
    {"secret", TriggerEvent::webhook, true, "env:CI_KEY"}};

class Reader {
 public:
  Reader(const model::YamlDocument& document, const Path& file,
         std::vector<model::Problem>& problems)
      : document_(document), file_(file), problems_(problems) {}

  pipeline::Schedule schedule(const std::string& name, const Json& json) {
    const model::Address address = {"schedules", name};
    pipeline::Schedule schedule{
        .name = name, .work = work(json, address), .enabled = json.value("enabled", true)};
    if (schedule.work.starts == ScheduledWork::rebuild && schedule.work.golden_image.empty()) {
      add(address, "does not say what is to be rebuilt", "add: golden_image: PRODUCT/OS");
    }
    refuse_other_golden_image(json, address, schedule.work.starts == ScheduledWork::rebuild);
    read_expression(json, address, schedule);
    return schedule;
  }

  pipeline::Trigger trigger(const std::string& name, const Json& json) {
    const model::Address address = {"triggers", name};
    pipeline::Trigger trigger{
        .name = name,
        .event = pipeline::trigger_event_from(json.at("event").get<std::string>()),
        .work = work(json, address),
        .enabled = json.value("enabled", true),
        .parameter = json.value("parameter", ""),
        .region = json.value("region", ""),
        .golden_image = json.value("golden_image", ""),
        .secret = json.value("secret", "")};
    for (const EventSetting& setting : kEventSettings) {
      const bool given = json.contains(setting.key);
      if (given && setting.event != trigger.event) {
        add(below(address, setting.key),
            "goes with event: " + std::string(to_string(setting.event)) + " only", "leave it out",
            true);
      }
      if (!given && setting.needed && setting.event == trigger.event) {
        add(address, std::string("does not say which ") + setting.key,
            std::string("add: ") + setting.key + ": " + setting.example);
      }
    }
    if (!trigger.secret.empty() && !secrets_.insert(trigger.secret).second) {
      add(below(address, "secret"), "is another trigger's too",
          "give each a key of its own: who may fire one could fire the other");
    }
    const bool of_image = trigger.event == TriggerEvent::golden_image;
    if (of_image && trigger.golden_image.empty()) {
      add(address, "does not say which golden image", "add: golden_image: PRODUCT/OS");
    }
    const bool rebuilds = trigger.work.starts == ScheduledWork::rebuild;
    if (rebuilds && trigger.golden_image.empty() && !of_image) {
      add(address, "does not say what is to be rebuilt", "add: golden_image: PRODUCT/OS");
    }
    refuse_other_golden_image(json, address, of_image || rebuilds);
    if (trigger.event == TriggerEvent::source && trigger.work.starts != ScheduledWork::build) {
      add(below(address, "start"), "goes with event: source only if it is build",
          "say start: build, and which pipeline");
    }
    // The cloud is asked less often than our own database and files.
    const bool asks_cloud =
        trigger.event == TriggerEvent::source || trigger.event == TriggerEvent::parameter;
    if (asks_cloud) trigger.every = std::chrono::minutes(5);
    if (json.contains("every")) trigger.every = parse_duration(json.at("every").get<std::string>());
    return trigger;
  }

 private:
  pipeline::Work work(const Json& json, const model::Address& address) {
    pipeline::Work work{.starts =
                            pipeline::scheduled_work_from(json.at("start").get<std::string>())};
    for (const Setting& setting : kSettings) {
      if (!json.contains(setting.key) || setting.work == work.starts) continue;
      add(below(address, setting.key),
          "goes with start: " + std::string(to_string(setting.work)) + " only", "leave it out",
          true);
    }
    work.pipeline_file = read_path(json, "pipeline");
    if (work.starts == ScheduledWork::build && work.pipeline_file.empty()) {
      add(address, "does not say which pipeline to build", "add: pipeline: golden.yaml");
    }
    work.policy_file = read_path(json, "policy");
    if (work.starts == ScheduledWork::remediate && work.policy_file.empty()) {
      add(address, "does not say by which policy", "add: policy: remediation.yaml");
    }
    const bool checks =
        work.starts == ScheduledWork::compliance || work.starts == ScheduledWork::remediate;
    if (json.contains("exemptions") && !checks) {
      add(below(address, "exemptions"), "goes with start: compliance or remediate only",
          "leave it out", true);
    }
    work.golden_image = json.value("golden_image", "");
    work.mode = json.value("mode", "");
    work.also = json.value("also", std::vector<std::string>());
    work.derived = json.value("derived", false);
    work.variables = json.value("variables", model::Variables());
    work.exemptions = read_path(json, "exemptions");
    work.accept_derived = json.value("accept_derived", false);
    if (json.contains("grace")) work.grace = parse_duration(json.at("grace").get<std::string>());
    return work;
  }

  void refuse_other_golden_image(const Json& json, const model::Address& address, bool has_use) {
    if (!json.contains("golden_image") || has_use) return;
    add(below(address, "golden_image"), "goes with start: rebuild only", "leave it out", true);
  }

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
  std::set<std::string> secrets_;  ///< of the triggers so far
};

}  // namespace

std::vector<pipeline::Schedule> read_schedules(const model::YamlDocument& document,
                                               const Path& file,
                                               std::vector<model::Problem>& problems) {
  Reader reader(document, file, problems);
  std::vector<pipeline::Schedule> schedules;
  for (const auto& [name, json] : document.json.at("schedules").items()) {
    schedules.push_back(reader.schedule(name, json));
  }
  return schedules;
}

std::vector<pipeline::Trigger> read_triggers(const model::YamlDocument& document, const Path& file,
                                             std::vector<model::Problem>& problems) {
  Reader reader(document, file, problems);
  std::vector<pipeline::Trigger> triggers;
  for (const auto& [name, json] : document.json.at("triggers").items()) {
    triggers.push_back(reader.trigger(name, json));
  }
  return triggers;
}

}  // namespace hallmark::app
