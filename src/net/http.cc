#include "net/http.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "net/curl.h"

namespace hallmark::net {
namespace {

using Sink = std::function<void(std::string_view)>;

/// What the callbacks of one exchange share. Exceptions cannot pass through C code, so the first
/// one waits here until curl has returned.
struct Exchange {
  const HttpRequest& request;
  const Sink& sink;
  std::stop_token stop;
  CURL* easy = nullptr;
  HttpResponse response;
  std::exception_ptr failure;
};

template <typename Function>
bool guarded(Exchange& exchange, Function function) {
  try {
    function();
    return true;
  } catch (...) {
    if (!exchange.failure) exchange.failure = std::current_exception();
    return false;
  }
}

/// The body of a redirect or of an error is not what was asked for.
bool is_wanted(Exchange& exchange) {
  long status = 0;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
  return status == 0 || status / 100 == 2;  // 0: file://
}

std::size_t on_fetched_body(char* data, std::size_t, std::size_t length, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  bool ok = guarded(exchange, [&] {
    if (!is_wanted(exchange)) return;
    exchange.response.body_bytes += length;
    if (exchange.response.body_bytes > exchange.request.max_bytes) {
      throw Error(ErrorKind::corrupt, "{} is longer than the {} that are allowed",
                  without_credentials(exchange.request.url),
                  format_size(exchange.request.max_bytes));
    }
    exchange.sink(std::string_view(data, length));
  });
  return ok ? length : 0;  // anything else than the length ends the exchange
}

std::size_t on_fetched_header(char* data, std::size_t, std::size_t length, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  bool ok = guarded(exchange, [&] {
    std::string_view line = trim(std::string_view(data, length));
    if (line.starts_with("HTTP/")) {  // a new answer: after a redirect
      exchange.response.etag.clear();
      exchange.response.last_modified.clear();
    }
    std::size_t colon = line.find(':');
    if (colon == line.npos) return;
    std::string name = to_lower(line.substr(0, colon));
    std::string value(trim(line.substr(colon + 1)));
    if (name == "etag") exchange.response.etag = value;
    if (name == "last-modified") exchange.response.last_modified = value;
  });
  return ok ? length : 0;
}

int on_progress(void* context, curl_off_t total, curl_off_t received, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(context);
  if (exchange.stop.stop_requested()) return 1;
  if (!exchange.request.on_progress) return 0;
  return guarded(exchange,
                 [&] {
                   exchange.request.on_progress(static_cast<std::uint64_t>(received),
                                                static_cast<std::uint64_t>(total));
                 })
             ? 0
             : 1;
}

ErrorKind kind_of_status(long status) {
  if (status == 404 || status == 410) return ErrorKind::not_found;
  if (status == 401 || status == 403 || status == 407) return ErrorKind::denied;
  if (status == 408) return ErrorKind::timeout;
  if (status == 429) return ErrorKind::throttled;
  if (status >= 500) return ErrorKind::unavailable;
  return ErrorKind::failed;
}

void check_transfer(CURLcode code, const char* details, const std::string& url) {
  if (code == CURLE_OK) return;
  Error error(kind_of(code), "cannot fetch {}: {}", without_credentials(url),
              *details ? details : curl_easy_strerror(code));
  if (error.kind() == ErrorKind::denied) {
    error.hint("is the machine's clock right, and is the package ca-certificates installed?");
  }
  throw error;
}

HttpResponse fetch(const HttpRequest& request, const Sink& sink, std::stop_token stop) {
  start_curl();
  bool file = request.url.starts_with("file://");
  bool https = request.url.starts_with("https://");
  if (!https && !request.url.starts_with("http://") && !(file && request.allow_file)) {
    throw Error(ErrorKind::usage, "\"{}\" is not an http:// or https:// URL",
                without_credentials(request.url));
  }
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before fetching");

  std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  if (!easy) throw Error(ErrorKind::unavailable, "no memory for an HTTP exchange");
  Exchange exchange{request, sink, stop, easy.get(), {}, {}};
  char details[CURL_ERROR_SIZE] = "";
  auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, file ? "file" : "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, static_cast<long>(request.max_redirects));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_limit.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.time_limit.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  auto stall = std::chrono::ceil<std::chrono::seconds>(request.stall_limit);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));
  set(CURLOPT_NOSIGNAL, 1L);  // signals belong to the program, not to its threads
  set(CURLOPT_USERAGENT, "hallmark");
  set(CURLOPT_ERRORBUFFER, details);
  set(CURLOPT_WRITEFUNCTION, on_fetched_body);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_HEADERFUNCTION, on_fetched_header);
  set(CURLOPT_HEADERDATA, &exchange);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, &exchange);

  std::unique_ptr<curl_slist, FreeList> list;
  auto add_header = [&](const std::string& line) {
    if (line.find_first_of("\r\n") != line.npos) {
      throw Error(ErrorKind::usage, "a header holds a line break");
    }
    list.reset(curl_slist_append(list.release(), line.c_str()));
  };
  for (const auto& [name, value] : request.headers) add_header(name + ": " + value);
  if (!request.etag.empty()) add_header("If-None-Match: " + request.etag);
  if (!request.last_modified.empty()) add_header("If-Modified-Since: " + request.last_modified);
  set(CURLOPT_HTTPHEADER, list.get());

  CURLcode code = curl_easy_perform(easy.get());
  if (exchange.failure) std::rethrow_exception(exchange.failure);
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    throw Error(ErrorKind::cancelled, "stopped while fetching {}",
                without_credentials(request.url));
  }
  check_transfer(code, details, request.url);

  long status = 0;
  char* final_url = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy.get(), CURLINFO_EFFECTIVE_URL, &final_url);
  exchange.response.status = file ? 200 : static_cast<int>(status);
  exchange.response.final_url = without_credentials(final_url ? final_url : request.url);
  bool conditional = !request.etag.empty() || !request.last_modified.empty();
  exchange.response.not_modified = conditional && status == 304;
  if (!file && status / 100 != 2 && !exchange.response.not_modified) {
    throw Error(kind_of_status(status), "{} answered with status {}", exchange.response.final_url,
                status);
  }
  return std::move(exchange.response);
}

}  // namespace

HttpResponse http_get(const HttpRequest& request, std::stop_token stop) {
  std::string body;
  HttpResponse response = fetch(
      request, [&](std::string_view piece) { body += piece; }, std::move(stop));
  response.body = std::move(body);
  return response;
}

HttpResponse http_get_to_file(const HttpRequest& request, const Path& file, std::stop_token stop) {
  Path directory = file.has_parent_path() ? file.parent_path() : Path(".");
  make_directories(directory);
  Path part = directory / (file.filename().string() + "." + random_id("part"));
  FileDescriptor fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) throw_errno(errno, "cannot create " + part.string());
  auto write = [&](std::string_view piece) {
    while (!piece.empty()) {
      ssize_t n = ::write(fd.get(), piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_errno(errno, "cannot write " + part.string());
      piece.remove_prefix(static_cast<std::size_t>(n));
    }
  };
  try {
    HttpResponse response = fetch(request, write, std::move(stop));
    if (response.not_modified) {
      hallmark::remove_all(part);
      return response;
    }
    if (::fsync(fd.get()) != 0) throw_errno(errno, "cannot sync " + part.string());
    if (::rename(part.c_str(), file.c_str()) != 0) {
      throw_errno(errno, "cannot rename to " + file.string());
    }
    return response;
  } catch (const std::exception&) {
    hallmark::remove_all(part);
    throw;
  }
}

HttpResponse http_get_retrying(const HttpRequest& request, Clock& clock, int attempts,
                               std::stop_token stop) {
  Duration wait = std::chrono::seconds(1);
  for (int attempt = 1;; ++attempt) {
    try {
      return http_get(request, stop);
    } catch (const Error& error) {
      if (attempt >= attempts || !traits(error.kind()).retry) throw;
    }
    if (!clock.sleep_until(clock.now() + wait, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while fetching {}",
                  without_credentials(request.url));
    }
    wait *= 2;
  }
}

std::string without_credentials(const std::string& url) {
  std::size_t start = url.find("://");
  if (start == url.npos) return url;
  start += 3;
  std::size_t end = url.find_first_of("/?#", start);
  std::size_t at = url.substr(start, end == url.npos ? end : end - start).rfind('@');
  if (at == url.npos) return url;
  return url.substr(0, start) + url.substr(start + at + 1);
}

}  // namespace hallmark::net
