#pragma once
/// Tells everybody what they are to be told.

#include <functional>
#include <memory>
#include <stop_token>

#include "aws/client.h"
#include "net/exchange.h"
#include "net/smtp.h"
#include "notify/message.h"

namespace hallmark::notify {

/// The outside, so that tests have another.
struct Ways {
  std::function<net::ExchangeResponse(const net::ExchangeRequest&, std::stop_token)> http;
  std::function<void(const net::SmtpServer&, const net::Envelope&, const std::string& message,
                     std::stop_token)>
      mail;
  std::function<std::shared_ptr<aws::Caller>()> aws;
  /// The value of a reference (app/secrets.h).
  std::function<std::string(const std::string& reference, std::stop_token)> secret;
};
/// The real ones but for `aws` and `secret`.
Ways real_ways();

struct Desk {
  db::Database& database;
  Clock& clock;
  std::vector<Receiver> receivers;
  std::string server_url;
  FactsOf facts_of;
  Ways ways;
};

struct Told {
  int delivered = 0;  ///< deliveries, not messages
  int waiting = 0;    ///< tried, and to be tried again
  int dead = 0;
};

/// Collects what is new and sends what is due, once. Throws `cancelled` and what the database
/// throws; what a receiver does wrong is in its deliveries.
Told tell_due(const Desk& desk, std::stop_token stop);

/// Again and again until `stop`. One look costs a read of the log's head.
void keep_telling(const Desk& desk, std::stop_token stop);

}  // namespace hallmark::notify
