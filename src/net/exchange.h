#pragma once
/// Any HTTP exchange, over connections that stay open: for clients of an API, where http.h is for
/// fetching things.

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace hallmark::net {

struct ExchangeRequest {
  std::string method;
  std::string url;  ///< http:// or https://, encoded; its path is sent as it stands, dots and all
  /// Sent in this order, besides what HTTP itself demands (Host, Content-Length). No User-Agent,
  /// Accept, Expect or Content-Type is made up.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::uint64_t max_bytes = 256u << 20;  ///< a longer answer throws `corrupt`
  Duration connect_limit = std::chrono::seconds(15);
  Duration time_limit = std::chrono::minutes(5);  ///< for the whole exchange
  /// Nothing received or sent for this long ends the exchange with `timeout`.
  Duration stall_limit = std::chrono::seconds(60);
  std::string ca_file;  ///< certificates to trust instead of the system's
  /// False: on a new connection. On a kept one that turns out to be closed the request is sent
  /// again silently, although the other side may have read it before it closed.
  bool repeatable = true;
  /// Gets the body of a 2xx answer as it comes, in the calling thread; the answer's is empty then,
  /// and `max_bytes` does not count.
  std::function<void(std::string_view)> on_body = {};
  bool use_proxy = true;  ///< those of the environment; never for link-local services
  /// Connects to public addresses only (net/public_address.h), whatever the name stands for at that
  /// moment, and so without a proxy; else `denied`. For URLs that somebody else may choose.
  bool public_only = false;
};

struct ExchangeResponse {
  int status = 0;  ///< any: what it means is the caller's to say
  std::vector<std::pair<std::string, std::string>> headers;  ///< of the final answer
  std::string body;
  bool reused_connection = false;
};

/// No connection was made, so the other side has heard nothing: trying again cannot do a thing
/// twice.
class NotSent : public Error {
 public:
  using Error::Error;
};

/// Keeps connections open, one exchange at a time on each, as many as there are threads at work at
/// once. HTTP/2 where TLS negotiates it. Redirects are answers like others. Safe from several
/// threads.
class ConnectionPool {
 public:
  /// `idle_limit`: unused connections per host that are kept.
  explicit ConnectionPool(std::size_t idle_limit = 64);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  /// Throws `usage` (a URL or header that is none), `unavailable` (no connection, broken off, cut
  /// short), `timeout`, `denied` (a certificate that does not hold), `corrupt` (too long, no
  /// HTTP), `cancelled` (`stop`; within milliseconds). Unless it throws NotSent, the service may
  /// have done what was asked.
  ExchangeResponse send(const ExchangeRequest& request, std::stop_token stop = {});

 private:
  class Line;
  struct Lines;
  std::unique_ptr<Line> take(const std::string& host);
  void give_back(const std::string& host, std::unique_ptr<Line> line);

  std::size_t idle_limit_;
  std::unique_ptr<Lines> lines_;
};

}  // namespace hallmark::net
