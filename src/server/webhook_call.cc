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
  if (trigger == nullptr || call.timestamp.empty() || call.signature.empty()) {
    throw NotKnown(ErrorKind::denied, "the request is not signed as it should be");
  }
  const std::string key = workplace.triggers.secret(trigger->secret, stop);
  const TimePoint now = app.clock.now();
  pipeline::TriggerFiring firing;
  try {
    firing = pipeline::take_webhook(workplace.context, *trigger, key, call);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::denied) {
      log_warning("a request from {} to the trigger {} is refused: {}", request.peer, name,
                  error.message());
      throw NotKnown(ErrorKind::denied, "{}", error.message());
    }
    throw;
  }
  const bool repeated =
      firing.state != pipeline::TriggerFiringState::waiting || firing.happened_at < now;
  // At once, as far as it can be; whoever looks after triggers does what is left.
  pipeline::start_waiting(workplace.engine, workplace.context, *trigger, stop);
  firing = pipeline::find_trigger_firing(workplace.context, name, firing.event).value_or(firing);
  Json record = firing;
  record["repeated"] = repeated;
  return json_response(record, repeated ? 200 : 202);
}

}  // namespace hallmark::server
