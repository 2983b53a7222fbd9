#include "scan/service.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>

#include "base/log.h"
#include "base/text.h"
#include "model/finding.h"

namespace hallmark::scan {

using namespace std::chrono_literals;

namespace {

// Enough of a refusal to see what it says; a page of a proxy has many kilobytes.
constexpr std::size_t kQuoted = 300;
// More steps than any service takes to say where a thing is; else it is a loop.
constexpr int kRedirects = 5;
// A failed call is not tried less often than this, however long it has failed.
constexpr Duration kLongestDelay = 120s;

double any_number() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

bool same_letters(std::string_view a, std::string_view b) { return to_lower(a) == to_lower(b); }

/// "https://host:8834" of a URL.
std::string origin_of(const std::string& url) {
  std::size_t start = url.find("://");
  if (start == url.npos) return {};
  return to_lower(url.substr(0, url.find_first_of("/?#", start + 3)));
}

bool is_this_machine(const std::string& origin) {
  std::string host = origin.substr(origin.find("://") + 3);
  std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host.resize(colon);
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

void check_url(const std::string& name, const std::string& url) {
  std::string origin = origin_of(url);
  bool secure = origin.starts_with("https://") && origin.size() > 8;
  bool clear = origin.starts_with("http://") && origin.size() > 7;
  if ((!secure && !clear) || url.find_first_of("?#@ \r\n") != url.npos) {
    throw Error(ErrorKind::usage, "the URL of {} is none, or has more than a host and a path", name)
        .hint("it looks like https://host or https://host:port/path");
  }
  if (clear && !is_this_machine(origin)) {
    throw Error(ErrorKind::usage,
                "the URL of {} begins with http://: its credentials would travel "
                "in the clear",
                name)
        .hint("use https://, with ca_file if its certificate is your own");
  }
}

bool is_retryable(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::timeout ||
         kind == ErrorKind::throttled;
}

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return ErrorKind::denied;
    case 404:
    case 410:
      return ErrorKind::not_found;
    case 408:
      return ErrorKind::timeout;
    case 409:
    case 412:
      return ErrorKind::conflict;
    case 429:
      return ErrorKind::throttled;
    default:
      return status >= 400 && status < 500 ? ErrorKind::usage : ErrorKind::unavailable;
  }
}

/// Full jitter: many that failed at once do not come back at once.
Duration jittered(const ServiceVerdict& verdict, int attempt, double random) {
  double most = std::min(
      static_cast<double>(verdict.base_wait.count()) * std::ldexp(1, std::min(attempt, 20)),
      static_cast<double>(kLongestDelay.count()));
  return Duration(static_cast<std::int64_t>(random * most));
}

}  // namespace

bool may_have_happened(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::timeout || kind == ErrorKind::corrupt;
}

bool is_html(std::string_view body) {
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
  while (true) {
    body = body.substr(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
    std::string_view end;
    if (body.starts_with("<!--")) end = "-->";
    if (body.starts_with("<?")) end = "?>";
    if (end.empty()) break;
    std::size_t at = body.find(end);
    if (at == body.npos) return false;
    body.remove_prefix(at + end.size());
  }
  std::string start = to_lower(body.substr(0, 14));
  return start.starts_with("<!doctype html") || start.starts_with("<html") ||
         start.starts_with("<head") || start.starts_with("<body");
}

std::string header_of(const TextPairs& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_letters(key, name)) return value;
  }
  return {};
}

std::optional<Duration> parse_retry_after(std::string_view text, TimePoint now) {
  std::string copy(trim(text));
  std::int64_t seconds = 0;
  auto [end, error] = std::from_chars(copy.data(), copy.data() + copy.size(), seconds);
  if (error == std::errc() && end == copy.data() + copy.size() && seconds >= 0) {
    // Longer than any deadline; more would not fit into a Duration.
    return std::chrono::seconds(std::min<std::int64_t>(seconds, 366 * 86400));
  }
  std::tm parts{};
  const char* rest = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!rest || *rest != '\0') return std::nullopt;
  return std::max<Duration>(TimePoint(std::chrono::seconds(::timegm(&parts))) - now, 0ms);
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

std::string form_text(const TextPairs& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + '=' + percent_encode(value);
  }
  return text;
}

ServiceVerdict judge_by_status(const ServiceCall& call, const ServiceAnswer& answer,
                               TimePoint now) {
  using Kind = ServiceVerdict::Kind;
  bool page = is_html(answer.body) && !call.html_is_data;
  bool well = answer.status >= 200 && answer.status < 300;
  if (well && !page) return {};
  ServiceVerdict verdict;
  verdict.error = well ? ErrorKind::unavailable : kind_of_status(answer.status);
  verdict.kind = is_retryable(verdict.error) ? Kind::uncertain : Kind::refused;
  if (is_html(answer.body)) verdict.message = "a web page instead of an answer";
  if (auto wait = parse_retry_after(header_of(answer.headers, "retry-after"), now)) {
    verdict.wait = wait;
  }
  return verdict;
}

Service::Service(ServiceConfig config, Clock& clock) : config_(std::move(config)), clock_(clock) {
  check_url(config_.name, config_.url);
  while (config_.url.ends_with('/')) config_.url.pop_back();
  for (const auto& [name, value] : config_.secret_headers) redact(value);
  if (!config_.judge) config_.judge = judge_by_status;
  if (!config_.random) config_.random = any_number;
}

Service::~Service() = default;

net::ExchangeRequest Service::request_for(const ServiceCall& call, TimePoint deadline) const {
  net::ExchangeRequest request;
  request.method = call.method;
  request.url = config_.url + call.path;
  if (!call.query.empty()) request.url += "?" + call.query;
  request.headers = config_.headers;
  request.headers.insert(request.headers.end(), config_.secret_headers.begin(),
                         config_.secret_headers.end());
  request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
  request.body = call.body;
  request.max_bytes = call.max_bytes > 0 ? call.max_bytes : config_.max_bytes;
  request.time_limit = std::max<Duration>(deadline - clock_.now(), 1ms);
  request.stall_limit = config_.stall_limit;
  request.ca_file = config_.ca_file;
  request.repeatable = call.repeatable;
  return request;
}

bool Service::redirected(const ServiceAnswer& answer, const ServiceCall& call,
                         net::ExchangeRequest& request) const {
  switch (answer.status) {
    case 301:
    case 302:
    case 307:
    case 308:
      break;
    default:
      return false;
  }
  std::string target = header_of(answer.headers, "location");
  bool is_path = target.starts_with('/') && !target.starts_with("//");
  if (is_path) target = origin_of(config_.url) + target;
  if (origin_of(target) != origin_of(config_.url)) {
    // The credentials are for the host that was configured, and for no other.
    throw Error(ErrorKind::denied, "{}: {} {}: the service sends us to another address, {}",
                config_.name, call.method, call.path, model::safe_text(origin_of(target), 200))
        .hint("if that is right, put that address into the configuration");
  }
  // 301 and 302 make a GET of a POST in many clients; here they change nothing, so they are refused
  // for what is not a GET.
  if (call.method != "GET" && answer.status < 307) {
    throw Error(ErrorKind::usage, "{}: {} {}: HTTP {}: this call has moved", config_.name,
                call.method, call.path, answer.status)
        .hint("see whether the URL in the configuration is the API's and not the portal's");
  }
  request.url = target;
  return true;
}

ServiceAnswer Service::attempt(const ServiceCall& call, TimePoint deadline,
                               std::stop_token stop) const {
  net::ExchangeRequest request = request_for(call, deadline);
  for (int i = 0; i < kRedirects; ++i) {
    net::ExchangeResponse response = pool_.send(request, stop);
    ServiceAnswer answer{response.status, std::move(response.headers), std::move(response.body)};
    if (!redirected(answer, call, request)) return answer;
  }
  throw Error(ErrorKind::unavailable, "more than {} redirects", kRedirects);
}

Error Service::error_of(const ServiceCall& call, const ServiceAnswer& answer,
                        const ServiceVerdict& verdict) const {
  std::string said = verdict.message.empty() ? answer.body.substr(0, 4 * kQuoted) : verdict.message;
  said = redacted(model::safe_text(said, kQuoted));
  Error error(verdict.error, "{}: {} {}: HTTP {}{}{}", config_.name, call.method, call.path,
              answer.status, trim(said).empty() ? "" : ": ", trim(said));
  if (!verdict.hint.empty()) error.hint(verdict.hint);
  return error;
}

ServiceAnswer Service::call(const ServiceCall& call, std::stop_token stop) const {
  using Kind = ServiceVerdict::Kind;
  TimePoint deadline = clock_.now() + config_.call_limit;
  if (call.deadline) deadline = std::min(deadline, *call.deadline);
  for (int attempt = 1, failures = 0;; ++attempt) {
    ServiceVerdict verdict;
    std::optional<Error> error;
    if (clock_.now() >= deadline) {
      throw Error(ErrorKind::timeout, "{}: {} {}: no time left for the call", config_.name,
                  call.method, call.path);
    }
    try {
      ServiceAnswer answer = this->attempt(call, deadline, stop);
      answer.attempts = attempt;
      verdict = config_.judge(call, answer, clock_.now());
      if (verdict.kind == Kind::good) return answer;
      error = error_of(call, answer, verdict);
    } catch (const net::NotSent& failure) {
      bool again = is_retryable(failure.kind());
      verdict = {.kind = again ? Kind::later : Kind::refused, .error = failure.kind()};
      error = failure;
    } catch (const Error& failure) {
      bool again = is_retryable(failure.kind());
      verdict = {.kind = again ? Kind::uncertain : Kind::refused, .error = failure.kind()};
      error = failure;
      error->note(fmt::format("{}: {} {}", config_.name, call.method, call.path));
    }
    bool again =
        verdict.kind == Kind::later || (verdict.kind == Kind::uncertain && call.repeatable);
    if (verdict.error != ErrorKind::throttled && ++failures >= config_.attempts) again = false;
    if (!again) throw *error;
    Duration wait = jittered(verdict, attempt, config_.random());
    if (verdict.wait) wait = *verdict.wait + std::min<Duration>(wait, 1s);
    // Waiting that must end in a timeout tells less than what the service says now.
    if (clock_.now() + wait >= deadline) {
      if (verdict.wait) {
        error->note(fmt::format("it asks us to wait for {}", format_duration(*verdict.wait)));
      }
      throw *error;
    }
    log_debug("{}; once more in {}", error->message(), format_duration(wait));
    if (!clock_.sleep_until(clock_.now() + wait, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for {}", config_.name);
    }
  }
}

}  // namespace hallmark::scan
