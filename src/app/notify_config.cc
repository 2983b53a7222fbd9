#include "app/notify_config.h"

#include <algorithm>

#include "app/aws_access.h"
#include "app/secrets.h"
#include "base/sync.h"
#include "base/text.h"
#include "notify/facts.h"

namespace hallmark::app {

namespace {

using notify::Receiver;

/// What each kind takes besides what all take; those that it needs first.
struct WayKind {
  const char* name;
  std::vector<std::string> needs;
  std::vector<std::string> takes;
};
const std::vector<WayKind>& kinds() {
  static const std::vector<WayKind> all = {
      {"webhook", {"url"}, {"shape", "secret", "allow_private", "ca_file"}},
      {"email",
       {"smtp", "from", "to"},
       {"tls", "username", "password", "ca_file", "attach_report"}},
      {"sns", {"topic"}, {}},
      {"eventbridge", {"bus"}, {"region"}}};
  return all;
}
const std::vector<std::string>& for_all() {
  static const std::vector<std::string> keys = {"kind",   "events", "products",
                                                "digest", "title",  "text"};
  return keys;
}

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

class ReceiverReader {
 public:
  ReceiverReader(const Config& config, const std::string& name, const Json& json)
      : config_(config), name_(name), json_(json) {}

  Receiver read() const {
    check_keys();
    Receiver receiver{.name = name_};
    receiver.kinds = json_.value("events", receiver.kinds);
    receiver.products = json_.value("products", receiver.products);
    if (json_.contains("digest")) receiver.digest = parse_duration(text("digest"));
    receiver.title = text("title");
    receiver.text = text("text");
    const std::string kind = text("kind");
    if (kind == "webhook") receiver.way = webhook();
    if (kind == "email") receiver.way = mail();
    if (kind == "sns") receiver.way = notify::Topic{.arn = text("topic")};
    if (kind == "eventbridge") {
      receiver.way = notify::Bus{.name = text("bus"),
                                 .region = json_.value("region", config_.cloud.regions.front())};
    }
    return receiver;
  }

 private:
  Error wrong(const std::string& what) const {
    return {ErrorKind::usage, "{}: notices.{} {}", config_.file.string(), name_, what};
  }

  std::string text(const char* key) const { return json_.value(key, ""); }

  void check_keys() const {
    const std::string kind = text("kind");
    const auto known = std::find_if(kinds().begin(), kinds().end(),
                                    [&](const WayKind& each) { return each.name == kind; });
    if (known == kinds().end()) throw wrong("is of no kind that there is");
    for (const std::string& key : known->needs) {
      if (!json_.contains(key)) throw wrong("does not say " + key);
    }
    for (const auto& [key, value] : json_.items()) {
      if (!has(for_all(), key) && !has(known->needs, key) && !has(known->takes, key)) {
        throw wrong("says " + key + ", which does not go with kind: " + kind);
      }
    }
  }

  std::string file(const char* key) const {
    if (!json_.contains(key)) return "";
    return (config_.file.parent_path() / text(key)).lexically_normal().string();
  }

  notify::Webhook webhook() const {
    const std::string url = text("url");
    if (url.starts_with("http://") && !json_.value("allow_private", false)) {
      throw wrong("has a url without TLS")
          .hint("use https://, or say allow_private: true if it is within your own network");
    }
    return {.url = url,
            .shape = json_.value("shape", "json"),
            .secret = text("secret"),
            .allow_private = json_.value("allow_private", false),
            .ca_file = file("ca_file")};
  }

  notify::Mail mail() const {
    const std::string tls = json_.value("tls", "starttls");
    notify::Mail mail{.server = {.place = text("smtp"),
                                 .tls = tls == "tls"    ? net::SmtpTls::tls
                                        : tls == "none" ? net::SmtpTls::none
                                                        : net::SmtpTls::starttls,
                                 .username = text("username"),
                                 .ca_file = file("ca_file")},
                      .password = text("password"),
                      .from = text("from"),
                      .to = json_.value("to", std::vector<std::string>{}),
                      .attach_report = json_.value("attach_report", true)};
    if (mail.server.username.empty() != mail.password.empty()) {
      throw wrong("says one of username and password, which go together");
    }
    if (mail.server.tls == net::SmtpTls::none && !mail.password.empty()) {
      throw wrong("would send its password without TLS").hint("say tls: starttls or tls: tls");
    }
    std::vector<std::string> addresses = mail.to;
    addresses.push_back(mail.from);
    for (const std::string& address : addresses) {
      if (!net::is_mail_address(address)) {
        throw wrong("has \"" + notify::one_line(address) + "\", which is no mail address");
      }
    }
    return mail;
  }

  const Config& config_;
  const std::string& name_;
  const Json& json_;
};

}  // namespace

std::vector<Receiver> read_receivers(const Config& config) {
  std::vector<Receiver> receivers;
  for (const auto& [name, json] : config.notices.items()) {
    receivers.push_back(ReceiverReader(config, name, json).read());
  }
  return receivers;
}

notify::Desk open_desk(cli::App& app) {
  const Config config = load_config(app.state_directory);
  pipeline::Context& context = app.workplace().context;
  auto made = std::make_shared<Sync<std::shared_ptr<AwsAccess>>>();
  auto aws = [config, made, &clock = app.clock]() -> std::shared_ptr<aws::Caller> {
    auto access = made->lock();
    if (!*access) {
      *access = std::make_shared<AwsAccess>(config.cloud.aws, config.cloud.regions.front(), clock);
    }
    return {*access, &(*access)->client};
  };
  notify::Ways ways = notify::real_ways();
  ways.aws = aws;
  ways.secret = [config, aws](const std::string& reference, std::stop_token stop) {
    return secret_value(reference,
                        {.directory = config.file.parent_path(),
                         .aws = aws,
                         .aws_region = config.cloud.regions.front()},
                        std::move(stop));
  };
  return {.database = context.database,
          .clock = app.clock,
          .receivers = read_receivers(config),
          .server_url = config.server_url,
          .facts_of = notify::facts_of_evidence(context),
          .ways = std::move(ways)};
}

}  // namespace hallmark::app
