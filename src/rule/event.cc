#include "rule/event.h"

namespace hallmark::rule {

namespace {

/// A text that may be missing or null.
std::string text(const Json& json, const char* key) {
  auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& nothing() {
  static const Json kNothing = Json::object();
  return kNothing;
}

const Json& part(const Json& json, const char* key) {
  auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() ? nothing() : *found;
}

Json configuration_of(const Json& item) {
  const Json& configuration = part(item, "configuration");
  if (!configuration.is_string()) return configuration;
  return parse_json(configuration.get<std::string>(), "the configuration of a resource");
}

std::string parameter_of(const Json& event) {
  const std::string parameters = text(event, "ruleParameters");
  if (parameters.empty()) return kDefaultParameter;
  const std::string name = text(parse_json(parameters, "ruleParameters"), "parameterName");
  return name.empty() ? kDefaultParameter : name;
}

}  // namespace

Item read_item(const Json& json) {
  Item item{.resource_type = member<std::string>(json, "resourceType"),
            .resource_id = member<std::string>(json, "resourceId"),
            .status = text(json, "configurationItemStatus"),
            .captured_at = text(json, "configurationItemCaptureTime")};
  const Json configuration = configuration_of(json);
  item.image_id = text(configuration, "imageId");
  item.state = text(part(configuration, "state"), "name");
  return item;
}

Event read_event(const Json& json) {
  Event event;
  if (text(json, "source") == "aws.ssm") {
    event.kind = Event::Kind::list_changed;
    event.parameter = member<std::string>(part(json, "detail"), "name");
    return event;
  }
  event.result_token = member<std::string>(json, "resultToken");
  event.parameter = parameter_of(json);
  const Json& left = part(json, "eventLeftScope");
  event.left_scope = left.is_boolean() && left.get<bool>();
  const Json invoking =
      parse_json(member<std::string>(json, "invokingEvent"), "the event's invokingEvent");
  const std::string type = member<std::string>(invoking, "messageType");
  if (type == "ConfigurationItemChangeNotification") {
    event.kind = Event::Kind::change;
    event.item = read_item(part(invoking, "configurationItem"));
  } else if (type == "OversizedConfigurationItemChangeNotification") {
    event.kind = Event::Kind::oversized;
    event.item = read_item(part(invoking, "configurationItemSummary"));
  } else if (type != "ScheduledNotification") {
    throw Error(ErrorKind::corrupt, "the rule does not know messages of type {}", type)
        .hint("let the rule be triggered by changes of configuration and by schedule only");
  }
  event.sent_at = member<std::string>(invoking, "notificationCreationTime");
  return event;
}

}  // namespace hallmark::rule
