#pragma once
/// A message to SNS and to EventBridge.

#include "aws/client.h"
#include "notify/message.h"

namespace hallmark::notify {

/// Text for people's subscriptions, JSON for programs'. The message id is an attribute, and on FIFO
/// topics what AWS itself knows doubles by.
void publish(aws::Caller& caller, const Topic& topic, const Message& message, std::stop_token stop);

/// One event each, with source "hallmark" and the kind as detail type; the event's id is in its
/// detail. Throws `failed` if AWS refuses one for good.
void put_events(aws::Caller& caller, const Bus& bus, const Message& message, std::stop_token stop);

}  // namespace hallmark::notify
