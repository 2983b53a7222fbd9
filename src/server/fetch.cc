#include "server/fetch.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "net/exchange.h"
#include "notify/message.h"

namespace hallmark::server {

namespace {

constexpr std::uint64_t kMostScript = 4u << 20;
constexpr int kMostRedirects = 5;

bool is_http(const std::string& url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

/// Where an answer sends us; empty if nowhere.
std::string place_of(const net::ExchangeResponse& response, const std::string& from) {
  if (response.status / 100 != 3) return "";
  const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                  [](const auto& h) { return to_lower(h.first) == "location"; });
  if (found == response.headers.end()) return "";
  const std::string& place = found->second;
  const std::size_t path = from.find('/', from.find("://") + 3);
  if (place.starts_with("//")) return from.substr(0, from.find(':') + 1) + place;
  if (place.starts_with('/')) return from.substr(0, path) + place;
  return place;
}

}  // namespace

std::string fetch_for_caller(const std::string& url, bool allow_private, std::stop_token stop) {
  net::ConnectionPool pool;
  std::string at = url;
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    if (!is_http(at) || (url.starts_with("https://") && !at.starts_with("https://"))) {
      throw Error(ErrorKind::usage, "a server does not fetch {}", notify::one_line(at, 200))
          .hint("use https, or put the script beside golden.yaml");
    }
    try {
      const net::ExchangeResponse response = pool.send(
          {.method = "GET", .url = at, .max_bytes = kMostScript, .public_only = !allow_private},
          stop);
      if (response.status == 200) return response.body;
      const std::string next = place_of(response, at);
      if (next.empty()) {
        throw Error(response.status == 404 ? ErrorKind::not_found : ErrorKind::failed,
                    "{} answers with status {}", notify::one_line(at, 200), response.status);
      }
      at = next;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::denied || !error.hint().empty()) throw;
      throw Error(ErrorKind::denied, "{}", error.message())
          .hint(
              "put the script beside golden.yaml, or have an admin say "
              "`server: {allow_private: true}` in config.yaml");
    }
  }
  throw Error(ErrorKind::failed, "{} leads from place to place", notify::one_line(url, 200));
}

}  // namespace hallmark::server
