#pragma once
/// A request by which somebody else's program fires a trigger.

#include <stop_token>
#include <string>

#include "cli/app.h"
#include "server/message.h"

namespace hallmark::server {

/// 202: its event is written down, and what it starts was started unless something is open still.
/// 200: the event was known. Throws NotKnown for a trigger that does not exist or takes no
/// webhooks, as for a wrong signature, and what take_webhook throws.
Response answer_webhook(cli::App& app, const std::string& name, const Request& request,
                        const std::stop_token& stop);

}  // namespace hallmark::server
