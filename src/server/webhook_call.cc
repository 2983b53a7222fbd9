#include "server/webhook_call.h"

#include <algorithm>

#include "base/log.h"
#include "pipeline/triggers.h"
#include "server/problem.h"

namespace hallmark::server {

namespace {

const pipeline::Trigger* webhook_named(const pipeline::Triggers& triggers,
                                       const std::string& name) {
  for (const pipeline::Trigger& trigger : triggers.all) {
    if (trigger.name == name && trigger.event == pipeline::TriggerEvent::webhook) return &trigger;
  }
  return nullptr;
}

}  // namespace

Response answer_webhook(cli::App& app, const std::string& name, const Request& request,
                        const std::stop_token& stop) {
  cli::Workplace& workplace = app.workplace();
  const pipeline::Trigger* trigger = webhook_named(workplace.triggers, name);
  const pipeline::WebhookCall call{.timestamp = request.header("x-hallmark-timestamp"),
                                   .signature = request.header("x-hallmark-signature"),
                                   .body = request.body};
  if (call.timestamp.empty() || call.signature.empty()) {
    throw NotKnown(ErrorKind::denied, "the request is not signed as it should be");
  }
  // What anybody can be told, before anything is asked for.
  try {
    pipeline::require_recent(call, app.clock.now());
  } catch (const Error& error) {
    throw NotKnown(ErrorKind::denied, "{}", error.message());
  }
  if (trigger == nullptr) {
    throw NotKnown(ErrorKind::denied, "the request is not signed as it should be");
  }
  std::string key;
  try {
    key = workplace.triggers.secret(trigger->secret, stop);
  } catch (const Error& error) {
    // Where the key should be is not for strangers.
    log_error("the key of the trigger {} cannot be had: {}", name, error.full_text());
    throw NotKnown(ErrorKind::denied, "the request is not signed as it should be");
  }
  pipeline::TakenWebhook taken;
  try {
    taken = pipeline::take_webhook(workplace.context, *trigger, key, call);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::denied) {
      log_warning("a request from {} to the trigger {} is refused: {}", request.peer, name,
                  error.message());
      throw NotKnown(ErrorKind::denied, "{}", error.message());
    }
    throw;
  }
  // At once, as far as it can be; whoever looks after triggers does what is left.
  pipeline::start_waiting(workplace.engine, workplace.context, *trigger, stop);
  Json record = pipeline::find_trigger_firing(workplace.context, name, taken.firing.event)
                    .value_or(taken.firing);
  record["repeated"] = taken.repeated;
  return json_response(record, taken.repeated ? 200 : 202);
}

}  // namespace hallmark::server
