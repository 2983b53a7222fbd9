/// What triggers see: a look at what is watched, or a request that says so.

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "model/pipeline_file.h"
#include "pipeline/image_store.h"
#include "pipeline/source.h"
#include "pipeline/trigger_store.h"

namespace hallmark::pipeline {

namespace {

/// What a webhook says of itself goes into lists, logs and ids.
constexpr std::size_t kLongestEvent = 200;
/// Events of webhooks are kept for a quarter; by then their age has long refused a repetition.
constexpr Duration kEventsKept = std::chrono::hours(24 * 92);

/// The run that the build began when it was approved; empty if there is none.
std::string distribution_of(workflow::Engine& engine, const std::string& build_id) {
  try {
    const Json result = engine.show(build_id).result;
    return result.is_object() ? result.value("distribution", "") : "";
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return "";
  }
}

/// The run id of the newest active version whose build, and the distribution that it began, have
/// ended: then it is where it should be, so that what is built on it finds it there.
std::string published_version(const Context& context, workflow::Engine& engine,
                              const std::string& golden_image) {
  for (const GoldenImage& image : list_golden_images(context.database, {GoldenState::active})) {
    if (image.product + "/" + image.os != golden_image) continue;
    if (!open_of(engine, {image.run_id}).empty()) continue;
    const std::string distribution = distribution_of(engine, image.run_id);
    if (!distribution.empty() && !open_of(engine, {distribution}).empty()) continue;
    return image.image_key;
  }
  throw Error(ErrorKind::not_found, "no version of {} is active and distributed", golden_image);
}

/// What is there now, in a text that is another one when it is another. Throws if it cannot be
/// told.
std::string value_of(Context& context, workflow::Engine& engine, const Triggers& triggers,
                     const Trigger& trigger) {
  switch (trigger.event) {
    case TriggerEvent::source: {
      const auto pipeline =
          model::load_pipeline(trigger.work.pipeline_file, trigger.work.variables);
      return find_source(context, context.home(pipeline.build.region), pipeline.source).image_id;
    }
    case TriggerEvent::parameter: {
      const cloud::Place place = context.home(trigger.region);
      const auto parameter = context.cloud.get_parameter(place, trigger.parameter);
      if (!parameter) {
        throw Error(ErrorKind::not_found, "there is no parameter {} in {}", trigger.parameter,
                    cloud::to_string(place));
      }
      return fmt::format("{} version {}", trigger.parameter, parameter->version);
    }
    case TriggerEvent::golden_image:
      return published_version(context, engine, trigger.golden_image);
    case TriggerEvent::advisories: {
      const std::string digest = triggers.advisories ? triggers.advisories() : "";
      if (digest.empty()) throw Error(ErrorKind::not_found, "no advisories are compiled yet");
      return digest;
    }
    case TriggerEvent::webhook:
      break;
  }
  throw Error(ErrorKind::internal, "nothing is watched for a webhook");
}

void look_at(Context& context, workflow::Engine& engine, const Triggers& triggers,
             const Trigger& trigger) {
  if (trigger.event == TriggerEvent::webhook || !trigger.enabled) return;
  const TimePoint now = context.clock.now();
  std::optional<TriggerRow> row;
  context.database.read(
      [&](db::Connection& connection) { row = trigger_row(connection, trigger.name); });
  const bool anew = !row || row->watched != watched_by(trigger) || row->looked_at.empty();
  if (row && row->paused) return;
  if (!anew && now < from_rfc3339(row->looked_at) + trigger.every) return;
  std::string value;
  std::string problem;
  try {
    value = value_of(context, engine, triggers, trigger);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    problem = e.message();
    log_debug("trigger {} sees nothing: {}", trigger.name, e.full_text());
  }
  context.audit.append([&](db::Connection& connection) -> std::optional<audit::Event> {
    const std::optional<TriggerRow> current = trigger_row(connection, trigger.name);
    if (current && current->paused) return std::nullopt;
    // While nothing can be seen of a new one, what is seen first is how it is.
    const bool blind = anew && value.empty();
    write_trigger_row(connection, trigger.name,
                      {.watched = watched_by(trigger),
                       .looked_at = blind ? "" : to_rfc3339(now),
                       .problem = problem});
    if (value.empty()) return std::nullopt;
    const TriggerFiring firing{
        .trigger = trigger.name,
        .event = value,
        .happened_at = now,
        .state = anew ? TriggerFiringState::seen : TriggerFiringState::waiting};
    if (!write_event(connection, firing) || anew) return std::nullopt;
    return fired_event(trigger, firing);
  });
}

/// What the body says happened, or else the signature, which is of this one request.
std::string event_of(const WebhookCall& call) {
  if (!trim(call.body).empty()) {
    Json json;
    try {
      json = parse_json(call.body, "the body");
    } catch (const Error& e) {
      throw Error(ErrorKind::usage, "{}", e.message());
    }
    if (!json.is_object()) throw Error(ErrorKind::usage, "the body is to be a JSON object");
    if (json.contains("event")) {
      const Json& event = json.at("event");
      const std::string text = event.is_string() ? event.get<std::string>() : "";
      const bool plain = std::all_of(text.begin(), text.end(),
                                     [](unsigned char c) { return c > ' ' && c < 0x7f; });
      if (text.empty() || text.size() > kLongestEvent || !plain) {
        throw Error(ErrorKind::usage,
                    "event is to be a text of 1 to {} printable ASCII characters without spaces",
                    kLongestEvent);
      }
      return text;
    }
  }
  return "request " + sha256_hex(call.signature).substr(0, 32);
}

}  // namespace

void require_recent(const WebhookCall& call, TimePoint now) {
  constexpr std::size_t kLongestTime = 12;
  if (call.timestamp.empty() || call.timestamp.size() > kLongestTime ||
      call.timestamp.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(ErrorKind::denied, "the request is not signed as it should be");
  }
  const TimePoint at{
      std::chrono::duration_cast<Duration>(std::chrono::seconds(std::stoll(call.timestamp)))};
  if (at < now - kWebhookAge || at > now + kWebhookAge) {
    throw Error(ErrorKind::denied, "the request was signed at {}, and it is {} here",
                to_rfc3339(at), to_rfc3339(now))
        .hint("sign it when it is sent, and see that both clocks are right");
  }
}

void look_at_triggers(Context& context, workflow::Engine& engine, const Triggers& triggers,
                      std::stop_token stop) {
  for (const Trigger& trigger : triggers.all) {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "interrupted");
    look_at(context, engine, triggers, trigger);
  }
}

TakenWebhook take_webhook(Context& context, const Trigger& trigger, const std::string& key,
                          const WebhookCall& call) {
  const TimePoint now = context.clock.now();
  const std::string wanted = "v1=" + to_hex(hmac_sha256(key, call.timestamp + "." + call.body));
  if (key.empty() || !same_secret(wanted, call.signature)) {
    throw Error(ErrorKind::denied, "the request is not signed as it should be");
  }
  require_recent(call, now);
  if (!trigger.enabled) throw Error(ErrorKind::conflict, "the trigger {} is off", trigger.name);
  TriggerFiring firing{.trigger = trigger.name, .event = event_of(call), .happened_at = now};
  bool repeated = false;
  context.audit.append([&](db::Connection& connection) -> std::optional<audit::Event> {
    std::optional<TriggerRow> row = trigger_row(connection, trigger.name);
    if (row && row->paused) {
      throw Error(ErrorKind::conflict, "the trigger {} is paused", trigger.name)
          .hint("let it go on: hallmark trigger resume " + trigger.name);
    }
    const std::string text = to_rfc3339(now);
    connection.execute("delete from webhook_signatures where until < :now", {{"now", text}});
    // Signed for the far end of the window it would be good for twice as long.
    if (connection.execute("insert into webhook_signatures (name, signature, until)"
                           " values (:name, :signature, :until)"
                           " on conflict (name, signature) do nothing",
                           {{"name", trigger.name},
                            {"signature", call.signature},
                            {"until", to_rfc3339(now + 2 * kWebhookAge)}}) == 0) {
      throw Error(ErrorKind::conflict, "this request was taken already")
          .hint("a repetition is to be signed anew, with the same event in its body");
    }
    write_trigger_row(connection, trigger.name,
                      {.watched = watched_by(trigger), .looked_at = text, .problem = ""});
    connection.execute(
        "delete from trigger_firings where name = :name and happened_at < :kept"
        " and state <> 'waiting'",
        {{"name", trigger.name}, {"kept", to_rfc3339(now - kEventsKept)}});
    repeated = !write_event(connection, firing);
    if (repeated) return std::nullopt;
    return fired_event(trigger, firing);
  });
  return {find_trigger_firing(context, trigger.name, firing.event).value_or(firing), repeated};
}

}  // namespace hallmark::pipeline
