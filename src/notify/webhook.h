#pragma once
/// A message as a POST.

#include "net/exchange.h"
#include "notify/message.h"

namespace hallmark::notify {

/// In the receiver's shape: our own JSON, Slack's blocks, or an Adaptive Card for Teams.
Json webhook_body(const Message& message, const std::string& shape);

/// With X-Hallmark-Message, and if `secret` is not empty X-Hallmark-Timestamp (Unix seconds) and
/// X-Hallmark-Signature: "v1=" and the HMAC-SHA256 in hex over timestamp, "." and body.
net::ExchangeRequest webhook_request(const Message& message, const Webhook& webhook,
                                     const std::string& url, const std::string& secret,
                                     TimePoint now);

/// Throws what the answer means: `failed` if the same message will never be taken.
void check_webhook_answer(const net::ExchangeResponse& response);

}  // namespace hallmark::notify
