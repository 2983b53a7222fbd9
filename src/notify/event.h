#pragma once
/// What happened, as the audit log has it: every transition is told there in its own transaction,
/// so what is read from there is neither lost nor made up.

#include <string>
#include <vector>

#include "audit/audit.h"
#include "base/json.h"

namespace hallmark::notify {

struct Event {
  std::string event_id;  ///< the same whenever and to whomever it is told
  std::string kind;      ///< "image.awaiting_approval"
  std::string subject;   ///< "product/os/version", or what else it is about
  std::string actor;
  std::string at;  ///< RFC 3339
  Json detail = Json::object();
};

Event event_from(const audit::Entry& entry, const std::string& token);

/// "product" of "product/os/version"; empty if the subject is no image.
std::string product_of(const Event& event);

/// Somebody is waited for: this is never held back for a digest.
bool is_urgent(const std::string& kind);

/// What people are told if a receiver does not say what it wants: not every look at evidence.
const std::vector<std::string>& usual_kinds();

void to_json(Json& json, const Event& value);
void from_json(const Json& json, Event& value);

}  // namespace hallmark::notify
