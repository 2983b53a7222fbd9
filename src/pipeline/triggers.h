#pragma once
/// What happens because something else did: triggers that start runs when a source image, a
/// parameter, a golden image or the advisories are other than they were, or when somebody else's
/// program says so. What they are is said in config.yaml; what they have seen is in the database.
///
/// An event is written down once, in the transaction that tells the audit log, and the ids of the
/// runs that it starts come from it: whoever sees it, and however often somebody dies over it, it
/// starts them once. What a trigger saw before it never fires again.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/work.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

enum class TriggerEvent {
  source,        ///< what a pipeline would be built from is another image
  parameter,     ///< a parameter has another version
  golden_image,  ///< another version of a golden image is active, and has been distributed
  advisories,    ///< other advisories were compiled
  webhook,       ///< a signed request
};
std::string_view to_string(TriggerEvent event);
/// Throws `usage`.
TriggerEvent trigger_event_from(std::string_view text);

struct Trigger {
  std::string name;
  TriggerEvent event = TriggerEvent::source;
  Work work;
  bool enabled = true;
  Duration every{};          ///< between two looks
  std::string parameter;     ///< with `parameter`: its name, in `region` of our account
  std::string region;        ///< empty: the cloud's first one
  std::string golden_image;  ///< with `golden_image`: "product/os"
  std::string secret;        ///< with `webhook`: where the key is, such as "env:CI_KEY"
};

/// All of them, and what they ask other rooms.
struct Triggers {
  std::vector<Trigger> all;
  std::function<std::string()> advisories;  ///< a digest of them; empty: there are none
  /// The value of a secret. Throws as what keeps it does.
  std::function<std::string(const std::string& reference, std::stop_token)> secret;
};

enum class TriggerFiringState {
  seen,     ///< as it was when it was first looked at; starts nothing
  waiting,  ///< is to be started, and will be when what was started before has ended
  started,
  skipped,  ///< a newer event came while it waited
  failed,   ///< it could not be started
};
std::string_view to_string(TriggerFiringState state);

struct TriggerFiring {
  std::string trigger;
  std::string event;  ///< an image id, "/name version 3", a digest, what a webhook says
  TimePoint happened_at{};
  TriggerFiringState state = TriggerFiringState::waiting;
  std::vector<std::string> run_ids;
  std::string detail;  ///< why nothing was started, or not all
};

/// How a trigger stands.
struct TriggerStanding {
  bool paused = false;
  std::string looked_at;               ///< empty: not yet
  std::string problem;                 ///< why the last look saw nothing
  std::vector<TriggerFiring> firings;  ///< newest first, at most `most`
};

/// Looks at what is watched wherever it is time to, and writes down what is new. A trigger that is
/// new, not as it was, or was paused, sees how things are and fires nothing. What cannot be looked
/// at says why in its standing and keeps no other. Throws `cancelled`, and what the database
/// throws.
void look_at_triggers(Context& context, workflow::Engine& engine, const Triggers& triggers,
                      std::stop_token stop);

/// Starts the newest event of the trigger that waits, unless what it started before has not ended;
/// older ones are skipped. Returns what came of them. Starts runs, drives none.
std::vector<TriggerFiring> start_waiting(workflow::Engine& engine, Context& context,
                                         const Trigger& trigger, std::stop_token stop);

/// Does both, until `stop`; tells what came of it. Of all processes on one database one looks.
void keep_triggers(workflow::Engine& engine, Context& context, const Triggers& triggers,
                   const std::function<void(const TriggerFiring&)>& told, std::stop_token stop);

/// What a webhook's request says of itself.
struct WebhookCall {
  std::string timestamp;  ///< X-Hallmark-Timestamp: Unix seconds
  std::string signature;  ///< X-Hallmark-Signature: "v1=" and hex over timestamp, "." and body
  std::string body;       ///< empty, or a JSON object; its member `event` names what happened
};
inline constexpr Duration kWebhookAge = std::chrono::minutes(5);  ///< before and after our clock

/// Throws `denied` for what says another time than about now: so much can be told without a key.
void require_recent(const WebhookCall& call, TimePoint now);

struct TakenWebhook {
  TriggerFiring firing;
  bool repeated = false;  ///< its event was written down before
};

/// Writes down the event of a request that `key` signed. Of several with one `event` in their
/// bodies the first one counts, and the others answer what came of it. Throws `denied` for a
/// signature that does not hold or is too old, `conflict` for one that was taken already or while
/// the trigger is paused or off, `usage` for a body that is none.
TakenWebhook take_webhook(Context& context, const Trigger& trigger, const std::string& key,
                          const WebhookCall& call);

/// Changes nothing.
TriggerStanding trigger_standing(const Context& context, const Trigger& trigger, int most);
std::optional<TriggerFiring> find_trigger_firing(const Context& context, const std::string& trigger,
                                                 const std::string& event);

/// A paused trigger sees nothing; what happens meanwhile is not made up for. The audit log is told.
void pause_trigger(const Context& context, const Trigger& trigger, const std::string& by);
void resume_trigger(const Context& context, const Trigger& trigger, const std::string& by);

void to_json(Json& json, const TriggerFiring& value);

}  // namespace hallmark::pipeline
