#include "notify/desk.h"

#include <algorithm>

#include "base/log.h"
#include "notify/aws_ways.h"
#include "notify/mime.h"
#include "notify/webhook.h"

namespace hallmark::notify {

namespace {

/// How long news may lie where nobody tells us of them.
constexpr Duration kLook{2'000};
/// A database that cannot be used is not asked all the time.
constexpr Duration kAfterProblem{5'000};

bool is_reference(const std::string& text) { return text.find("://") == std::string::npos; }

void send(const Desk& desk, const Receiver& receiver, const Message& message,
          std::stop_token stop) {
  auto secret = [&](const std::string& reference) {
    return reference.empty() ? "" : desk.ways.secret(reference, stop);
  };
  if (const auto* webhook = std::get_if<Webhook>(&receiver.way)) {
    const std::string url = is_reference(webhook->url) ? secret(webhook->url) : webhook->url;
    check_webhook_answer(desk.ways.http(
        webhook_request(message, *webhook, url, secret(webhook->secret), desk.clock.now()), stop));
  } else if (const auto* mail = std::get_if<Mail>(&receiver.way)) {
    net::SmtpServer server = mail->server;
    server.password = secret(mail->password);
    desk.ways.mail(server, {.from = mail->from, .to = mail->to},
                   mime_of(message, *mail, desk.clock.now()), stop);
  } else if (const auto* topic = std::get_if<Topic>(&receiver.way)) {
    publish(*desk.ways.aws(), *topic, message, stop);
  } else {
    put_events(*desk.ways.aws(), std::get<Bus>(receiver.way), message, stop);
  }
}

/// The same message would be refused again.
bool is_for_good(ErrorKind kind) {
  return kind == ErrorKind::failed || kind == ErrorKind::usage || kind == ErrorKind::corrupt;
}

/// Returns whether the receiver may be sent more now.
bool tell(const Desk& desk, const Receiver& receiver, const Batch& batch, Told& told,
          std::stop_token stop) {
  const int count = static_cast<int>(batch.deliveries.size());
  try {
    send(desk, receiver, compose(batch, receiver, desk.server_url, desk.facts_of), stop);
  } catch (const Error& error) {
    // What was claimed is due again when the lease ends: it may have arrived, or not.
    if (error.kind() == ErrorKind::cancelled) throw;
    const bool for_good = is_for_good(error.kind());
    record_failure(desk.database, batch, error.full_text(), for_good, desk.clock.now());
    const bool dead = for_good || batch.deliveries.front().attempts >= kAttempts;
    (dead ? told.dead : told.waiting) += count;
    log_warning("{} was not told{}: {}", receiver.name, dead ? "; no more is tried" : "",
                error.full_text());
    return for_good;
  }
  record_delivered(desk.database, batch, desk.clock.now());
  told.delivered += count;
  return true;
}

}  // namespace

Ways real_ways() {
  auto pool = std::make_shared<net::ConnectionPool>(1);
  Ways ways;
  ways.http = [pool](const net::ExchangeRequest& request, std::stop_token stop) {
    return pool->send(request, std::move(stop));
  };
  ways.mail = net::send_mail;
  return ways;
}

Told tell_due(const Desk& desk, std::stop_token stop) {
  Told told;
  collect(desk.database, desk.receivers, desk.clock.now());
  for (const Receiver& receiver : desk.receivers) {
    while (!stop.stop_requested()) {
      const std::optional<Batch> batch = claim(desk.database, receiver, desk.clock.now());
      if (!batch || !tell(desk, receiver, *batch, told, stop)) break;
    }
  }
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped while sending notices");
  return told;
}

void keep_telling(const Desk& desk, std::stop_token stop) {
  while (!stop.stop_requested()) {
    try {
      const std::uint64_t seen = desk.database.news();
      tell_due(desk, stop);
      desk.database.wait_for_news(seen, kLook, stop);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) return;
      log_error("notices cannot be sent just now: {}", error.full_text());
      desk.clock.sleep_until(desk.clock.now() + kAfterProblem, stop);
    }
  }
}

}  // namespace hallmark::notify
