#pragma once
/// Fetching things over HTTP: blocking, bounded in size and time, and stopped on request.

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/files.h"

namespace hallmark::net {

struct HttpRequest {
  std::string url;  ///< http:// or https://; file:// only with allow_file
  std::map<std::string, std::string> headers;
  /// From an earlier answer: if the thing did not change, the answer says `not_modified`.
  std::string etag;
  std::string last_modified;
  std::uint64_t max_bytes = 64u << 20;  ///< a longer answer throws `corrupt`
  Duration connect_limit = std::chrono::seconds(15);
  Duration time_limit = std::chrono::minutes(5);  ///< for the whole exchange
  /// Less than one byte per second for this long ends the exchange with `timeout`.
  Duration stall_limit = std::chrono::seconds(30);
  int max_redirects = 5;  ///< https never leads to http
  bool allow_file = false;
  /// Bytes received so far and in all (0 if the server does not say), from the calling thread.
  std::function<void(std::uint64_t received, std::uint64_t total)> on_progress;
};

struct HttpResponse {
  int status = 0;  ///< 200 for file://
  bool not_modified = false;
  std::string body;  ///< empty if it went to a file
  std::uint64_t body_bytes = 0;
  std::string etag;
  std::string last_modified;
  std::string final_url;  ///< after redirects
};

/// GET into memory. The environment's proxies are used (http_proxy, https_proxy, no_proxy) and TLS
/// certificates are verified. Throws `usage` (a URL that is none of ours), `not_found` (404, 410),
/// `denied` (401, 403, 407, a certificate that does not hold), `throttled` (429), `unavailable`
/// (no connection, 5xx, broken off), `timeout`, `corrupt` (too long, too many redirects),
/// `failed` (any other status that is no success), `cancelled` (`stop`). User names and passwords
/// in the URL do not appear in messages.
HttpResponse http_get(const HttpRequest& request, std::stop_token stop = {});

/// GET into a file, which appears whole or not at all; untouched if `not_modified`.
HttpResponse http_get_to_file(const HttpRequest& request, const Path& file,
                              std::stop_token stop = {});

/// http_get, tried again up to `attempts` times in all while the error's kind says that this may
/// help (see base/error.h), with waits of 1, 2, 4 .. seconds.
HttpResponse http_get_retrying(const HttpRequest& request, Clock& clock, int attempts,
                               std::stop_token stop = {});

/// `url` without user name and password: fit for messages.
std::string without_credentials(const std::string& url);

}  // namespace hallmark::net
