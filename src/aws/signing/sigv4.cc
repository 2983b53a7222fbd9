#include "aws/signing/sigv4.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "aws/url.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/sync.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr std::string_view kHashHeader = "x-amz-content-sha256";
// Set or changed between here and the service (by the transport, proxies and load balancers).
constexpr std::array<std::string_view, 6> kNeverSigned = {
    "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"};
// One key per day, region, service and secret; a fan-out over many accounts stays far below.
constexpr std::size_t kMaxCachedKeys = 1024;

/// "20150830T123600Z"
std::string basic_time(TimePoint now) {
  std::time_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// Without white space at the ends, and with one space for each run of it inside.
std::string folded(std::string_view value) {
  std::string out;
  bool gap = false;
  for (char c : trim(value)) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      gap = true;
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

/// RFC 3986 remove_dot_segments, with "//" as "/", and a "/" at the end only where it was.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string> kept;
  for (const std::string& segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else {
      kept.push_back(segment);
    }
  }
  if (kept.empty()) return "/";
  std::string out = "/" + join(kept, "/");
  return path.ends_with('/') ? out + "/" : out;
}

std::string canonical_path(const Request& request, const SigningRules& rules) {
  std::string path = request.path.empty() ? "/" : request.path;
  if (rules.normalize_path) path = without_dot_segments(path);
  return rules.encode_path_again ? percent_encode(path, true) : path;
}

std::string canonical_query(const NamedValues& query) {
  NamedValues encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(percent_encode(name), percent_encode(value));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name + '=' + value;
  }
  return out;
}

void remove_header(NamedValues& headers, std::string_view name) {
  std::erase_if(headers, [&](const auto& header) { return to_lower(header.first) == name; });
}

void remove_parameter(NamedValues& query, std::string_view name) {
  std::erase_if(query, [&](const auto& parameter) { return parameter.first == name; });
}

std::string signing_key(const Credentials& credentials, const SigningRules& rules,
                        std::string_view day) {
  static Sync<std::map<std::string, std::string>> cache;
  std::string name = fmt::format("{}\n{}\n{}\n{}", credentials.secret_access_key, day, rules.region,
                                 rules.service);
  {
    auto keys = cache.lock();
    if (auto found = keys->find(name); found != keys->end()) return found->second;
  }
  std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, day);
  for (std::string_view part : {std::string_view(rules.region), std::string_view(rules.service),
                                std::string_view("aws4_request")}) {
    key = hmac_sha256(key, part);
  }
  auto keys = cache.lock();
  if (keys->size() >= kMaxCachedKeys) keys->clear();
  (*keys)[name] = key;
  return key;
}

std::string scope_of(const SigningRules& rules, std::string_view day) {
  return fmt::format("{}/{}/{}/aws4_request", day, rules.region, rules.service);
}

std::string signature_of(const CanonicalRequest& canonical, const Credentials& credentials,
                         const SigningRules& rules, const std::string& time) {
  std::string_view day = std::string_view(time).substr(0, 8);
  std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope_of(rules, day),
                                    sha256_hex(canonical.text));
  return to_hex(hmac_sha256(signing_key(credentials, rules, day), to_sign));
}

/// Over plain HTTP nothing else protects the payload, so it is signed although the model waives it.
bool signs_payload(const Request& request) {
  return request.sign_payload || request.scheme != "https";
}

}  // namespace

SigningRules signing_rules(std::string_view service, std::string_view region) {
  SigningRules rules;
  rules.region = region;
  rules.service = service;
  if (service == "s3") {
    rules.encode_path_again = false;
    rules.normalize_path = false;
    rules.send_payload_hash = true;
  }
  return rules;
}

CanonicalRequest canonical_request(const Request& request, const SigningRules& rules,
                                   std::string_view payload_hash) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) {
    std::string lower = to_lower(trim(name));
    if (std::find(kNeverSigned.begin(), kNeverSigned.end(), lower) != kNeverSigned.end()) continue;
    auto [entry, fresh] = headers.emplace(lower, folded(value));
    if (!fresh) entry->second += "," + folded(value);
  }
  headers.emplace("host", request.host);
  CanonicalRequest out;
  std::string lines;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    if (!out.signed_headers.empty()) out.signed_headers += ';';
    out.signed_headers += name;
  }
  out.text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(request, rules),
                         canonical_query(request.query), lines, out.signed_headers, payload_hash);
  return out;
}

void sign(Request& request, const Credentials& credentials, const SigningRules& rules,
          TimePoint now) {
  for (std::string_view name : {"authorization", "x-amz-date", "x-amz-security-token"}) {
    remove_header(request.headers, name);
  }
  std::string time = basic_time(now);
  if (!header(request.headers, "host")) request.headers.emplace_back("Host", request.host);
  request.headers.emplace_back("X-Amz-Date", time);
  const std::string& token = credentials.session_token;
  if (!token.empty() && rules.sign_session_token) {
    request.headers.emplace_back("X-Amz-Security-Token", token);
  }
  std::string payload_hash =
      signs_payload(request) ? sha256_hex(request.body) : std::string(kUnsignedPayload);
  if (rules.send_payload_hash || !signs_payload(request)) {
    remove_header(request.headers, kHashHeader);
    request.headers.emplace_back("X-Amz-Content-Sha256", payload_hash);
  }
  CanonicalRequest canonical = canonical_request(request, rules, payload_hash);
  std::string signature = signature_of(canonical, credentials, rules, time);
  request.headers.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key_id, scope_of(rules, time.substr(0, 8)),
                  canonical.signed_headers, signature));
  if (!token.empty() && !rules.sign_session_token) {
    request.headers.emplace_back("X-Amz-Security-Token", token);
  }
}

void presign(Request& request, const Credentials& credentials, const SigningRules& rules,
             TimePoint now, std::chrono::seconds lifetime) {
  // The service's own limit.
  if (lifetime < std::chrono::seconds(1) || lifetime > std::chrono::days(7)) {
    throw Error(ErrorKind::usage, "a presigned URL lasts 1 second to 7 days, not {} seconds",
                lifetime.count());
  }
  for (std::string_view name : {"authorization", "x-amz-date", "x-amz-security-token"}) {
    remove_header(request.headers, name);
  }
  for (std::string_view name :
       {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
        "X-Amz-Security-Token", "X-Amz-SignedHeaders", "X-Amz-Signature"}) {
    remove_parameter(request.query, name);
  }
  // Nobody knows yet what will be uploaded with a URL of S3.
  std::string payload_hash =
      rules.service == "s3" ? std::string(kUnsignedPayload) : sha256_hex(request.body);
  if (rules.send_payload_hash && rules.service != "s3") {
    remove_header(request.headers, kHashHeader);
    request.headers.emplace_back("X-Amz-Content-Sha256", payload_hash);
  }
  std::string time = basic_time(now);
  auto add = [&](std::string_view name, std::string value) {
    request.query.emplace_back(name, std::move(value));
  };
  add("X-Amz-Algorithm", std::string(kAlgorithm));
  add("X-Amz-Credential", credentials.access_key_id + "/" + scope_of(rules, time.substr(0, 8)));
  add("X-Amz-Date", time);
  add("X-Amz-Expires", std::to_string(lifetime.count()));
  add("X-Amz-SignedHeaders", canonical_request(request, rules, payload_hash).signed_headers);
  const std::string& token = credentials.session_token;
  if (!token.empty() && rules.sign_session_token) add("X-Amz-Security-Token", token);
  CanonicalRequest canonical = canonical_request(request, rules, payload_hash);
  std::string signature = signature_of(canonical, credentials, rules, time);
  add("X-Amz-Signature", signature);
  if (!token.empty() && !rules.sign_session_token) add("X-Amz-Security-Token", token);
}

}  // namespace hallmark::aws
