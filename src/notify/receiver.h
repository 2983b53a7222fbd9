#pragma once
/// Who is told: the receivers of config.yaml.

#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "net/smtp.h"
#include "notify/event.h"

namespace hallmark::notify {

/// A POST. `url` and `secret` may be references to secrets (app/secrets.h): in those of Slack and
/// Teams, who knows the URL may write.
struct Webhook {
  std::string url;
  std::string shape = "json";  ///< or "slack", "teams"
  std::string secret;          ///< reference to what signs; empty: not signed
  bool allow_private = false;  ///< may be within a private network
  std::string ca_file;
};

struct Mail {
  net::SmtpServer server;  ///< its password is not in here
  std::string password;    ///< reference
  std::string from;        ///< address
  std::vector<std::string> to;
  bool attach_report = true;  ///< to what asks for an approval
};

struct Topic {
  std::string arn;  ///< of SNS
};

struct Bus {
  std::string name;  ///< of EventBridge, or its ARN
  std::string region;
};

struct Receiver {
  std::string name;
  std::vector<std::string> kinds = usual_kinds();  ///< patterns
  std::vector<std::string> products;               ///< patterns; empty: all, and what is about none
  Duration digest{0};                              ///< how long what is not urgent is collected
  std::string title, text;  ///< templates; empty: our own words. See message.h
  std::variant<Webhook, Mail, Topic, Bus> way;
};

/// "webhook", "email", "sns", "eventbridge".
std::string way_of(const Receiver& receiver);

/// Whether the receiver is to be told of it.
bool wants(const Receiver& receiver, const Event& event);

}  // namespace hallmark::notify
