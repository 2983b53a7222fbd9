#include "notify/event.h"

#include <algorithm>

#include "base/ids.h"
#include "base/text.h"

namespace hallmark::notify {

Event event_from(const audit::Entry& entry, const std::string& token) {
  const Json json = parse_json(entry.text, "audit_log.entry");
  return {.event_id = id_from_token("event", token),
          .kind = member<std::string>(json, "action"),
          .subject = member<std::string>(json, "subject"),
          .actor = member<std::string>(json, "actor"),
          .at = member<std::string>(json, "at"),
          .detail = json.value("detail", Json::object())};
}

std::string product_of(const Event& event) {
  const std::vector<std::string> parts = split(event.subject, '/');
  return parts.size() == 3 && !parts.front().empty() ? parts.front() : "";
}

bool is_urgent(const std::string& kind) {
  return kind == "image.awaiting_approval" || kind == "decision.reminder";
}

const std::vector<std::string>& usual_kinds() {
  static const std::vector<std::string> kinds = {"image.*",   "decision.*", "channel.*",
                                                 "notice.*",  "account.*",  "schedule.*",
                                                 "trigger.*", "user.*",     "machine.stopped"};
  return kinds;
}

void to_json(Json& json, const Event& value) {
  json = {{"event_id", value.event_id}, {"kind", value.kind}, {"subject", value.subject},
          {"actor", value.actor},       {"at", value.at},     {"detail", value.detail}};
}

void from_json(const Json& json, Event& value) {
  value = {.event_id = member<std::string>(json, "event_id"),
           .kind = member<std::string>(json, "kind"),
           .subject = member<std::string>(json, "subject"),
           .actor = member<std::string>(json, "actor"),
           .at = member<std::string>(json, "at"),
           .detail = member<Json>(json, "detail")};
}

}  // namespace hallmark::notify
