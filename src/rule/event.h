#pragma once
/// What AWS asks of the rule. Source: AWS Config Developer Guide, "Example events for AWS Config
/// rules"; for the list, Systems Manager User Guide, "Monitoring and automating with EventBridge".

#include <string>

#include "base/json.h"

namespace hallmark::rule {

inline constexpr const char* kMachineType = "AWS::EC2::Instance";

/// What Config tells of a thing that changed.
struct Item {
  std::string resource_type;
  std::string resource_id;
  std::string status;       ///< "OK", "ResourceDiscovered", "ResourceDeleted", ..
  std::string captured_at;  ///< as Config writes it: "2026-11-23T14:00:00.000Z"
  std::string image_id;     ///< of a machine; empty if it is not said
  std::string state;        ///< of a machine: "running"; empty if it is not said
};

struct Event {
  enum class Kind {
    change,        ///< of `item`
    oversized,     ///< the same, but Config left out what `item` is like
    schedule,      ///< it is time to look at everything
    list_changed,  ///< Parameter Store says so; no answer to Config is possible
  };
  Kind kind = Kind::schedule;
  std::string result_token;
  std::string parameter;  ///< of the list: what the rule says, else kDefaultParameter
  /// Of all but `list_changed`. Not the item's time: after a change of the list Config sends items
  /// that are as old as before.
  std::string sent_at;
  bool left_scope = false;
  Item item;
};

inline constexpr const char* kDefaultParameter = "/GoldenAMI/latest";

/// Throws `corrupt`, naming what is missing, and for a kind of message that the rule does not know.
Event read_event(const Json& event);

/// From an element of GetResourceConfigHistory's `configurationItems`, or an event's own
/// `configurationItem`. Its configuration may be an object, or text that holds one.
Item read_item(const Json& item);

}  // namespace hallmark::rule
