#pragma once
/// The web API of a scanner: one call at a time to one service, with its credentials, its ways to
/// say "later", and its secrets kept out of every text.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "net/exchange.h"

namespace hallmark::scan {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct ServiceCall {
  std::string method = "GET";
  std::string path;   ///< begins with '/', encoded; no secrets
  std::string query;  ///< encoded, without '?'; never part of an error's text
  TextPairs headers;  ///< besides the service's own
  std::string body;
  /// Doing it twice is doing it once. Else it is sent again only where the service has certainly
  /// not done it: no connection, or an answer that says so.
  bool repeatable = false;
  bool html_is_data = false;  ///< a report may be a page; anything else that is one is an outage
  std::optional<TimePoint> deadline;  ///< with all its repetitions; sooner than the service's
  std::uint64_t max_bytes = 0;        ///< 0: as the service
};

struct ServiceAnswer {
  int status = 0;
  TextPairs headers;
  std::string body;
  int attempts = 1;
};

/// What an answer means.
struct ServiceVerdict {
  enum class Kind {
    good,
    refused,    ///< asking again is pointless
    later,      ///< nothing was done; the same call may be sent again, repeatable or not
    uncertain,  ///< it may have been done
  };
  Kind kind = Kind::good;
  ErrorKind error = ErrorKind::unavailable;  ///< if it is not good
  std::string message;                       ///< of the service, not yet safe; empty: the body
  std::string hint;
  /// How long the service asks us to wait; nothing: as we like.
  std::optional<Duration> wait;
  /// At least this long between tries, where nothing is asked for.
  Duration base_wait = std::chrono::seconds(1);
};

/// By the HTTP status, and a page instead of data. What a service's own judge falls back to.
ServiceVerdict judge_by_status(const ServiceCall& call, const ServiceAnswer& answer, TimePoint now);

struct ServiceConfig {
  std::string name;  ///< of the service, for people: "Qualys"
  /// "https://qualysapi.qualys.com", perhaps with a path. Plain http:// only to this machine.
  std::string url;
  TextPairs headers;
  TextPairs secret_headers;  ///< their values are blotted out of every log line and error
  std::string ca_file;       ///< trusted instead of the system's certificates
  std::uint64_t max_bytes = 512u << 20;
  Duration call_limit = std::chrono::minutes(5);  ///< of a call with all its repetitions
  Duration stall_limit = std::chrono::seconds(60);
  int attempts = 5;  ///< when it fails; being told to wait is bounded by the deadline only
  std::function<ServiceVerdict(const ServiceCall&, const ServiceAnswer&, TimePoint now)> judge;
  std::function<double()> random;  ///< in [0, 1); for tests
};

/// Safe from several threads.
class Service {
 public:
  /// Throws `usage` for a URL that is none, or would send the credentials in the clear.
  Service(ServiceConfig config, Clock& clock);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// A good answer. Throws what the judge says, what net::ConnectionPool throws, and `denied` for a
  /// redirect to another host or scheme. Waits that would pass the deadline are not begun: then it
  /// throws at once. Texts hold method, path, status and a little of the body, no secrets.
  ServiceAnswer call(const ServiceCall& call, std::stop_token stop = {}) const;

  const ServiceConfig& config() const { return config_; }

 private:
  ServiceAnswer attempt(const ServiceCall& call, TimePoint deadline, std::stop_token stop) const;
  net::ExchangeRequest request_for(const ServiceCall& call, TimePoint deadline) const;
  bool redirected(const ServiceAnswer& answer, const ServiceCall& call,
                  net::ExchangeRequest& request) const;
  Error error_of(const ServiceCall& call, const ServiceAnswer& answer,
                 const ServiceVerdict& verdict) const;

  ServiceConfig config_;
  Clock& clock_;
  mutable net::ConnectionPool pool_;
};

/// Whether a call that failed so may have taken effect: its answer was lost, cut off or spoilt.
bool may_have_happened(ErrorKind kind);
/// Whether the text is a page for people: what a proxy or a maintenance window answers.
bool is_html(std::string_view body);
/// The header's value whatever the case of its name; empty if there is none.
std::string header_of(const TextPairs& headers, std::string_view name);
/// Seconds, or a date: "120", "Sun, 06 Nov 1994 08:49:37 GMT". Nothing if it is neither.
std::optional<Duration> parse_retry_after(std::string_view text, TimePoint now);
/// "a%2Fb", for a path or a query.
std::string percent_encode(std::string_view text);
/// "a=1&b=x%2Fy": application/x-www-form-urlencoded.
std::string form_text(const TextPairs& fields);

}  // namespace hallmark::scan
