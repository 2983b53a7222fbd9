#include "net/exchange.h"

#include <sys/socket.h>

#include <map>
#include <string_view>

#include "base/sync.h"
#include "base/text.h"
#include "net/curl.h"
#include "net/http.h"
#include "net/public_address.h"

namespace hallmark::net {
namespace {

struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// What the callbacks of one exchange share.
struct Transfer {
  const ExchangeRequest& request;
  ExchangeResponse response;
  bool too_long = false;
  bool good = false;  ///< 2xx
  bool refused_address = false;
};

/// Asked with the very address that is connected to, so that a name that changes between a look at
/// it and its use gains nothing.
curl_socket_t open_public_socket(void* context, curlsocktype, curl_sockaddr* address) {
  if (!is_public_address(&address->addr)) {
    static_cast<Transfer*>(context)->refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t on_body(char* data, std::size_t, std::size_t length, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (transfer.good && transfer.request.on_body) {
    transfer.request.on_body({data, length});
    return length;
  }
  if (transfer.response.body.size() + length > transfer.request.max_bytes) {
    transfer.too_long = true;
    return 0;
  }
  transfer.response.body.append(data, length);
  return length;
}

std::size_t on_header(char* data, std::size_t, std::size_t length, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  std::string_view line = trim(std::string_view(data, length));
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();  // an interim answer came first
    const std::size_t space = line.find(' ');
    transfer.good = space != line.npos && line.substr(space + 1).starts_with('2');
  }
  std::size_t colon = line.find(':');
  if (colon == line.npos) return length;
  transfer.response.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  return length;
}

std::string host_of(const std::string& url) {
  std::size_t start = url.find("://");
  start = start == url.npos ? 0 : start + 3;
  return url.substr(0, url.find_first_of("/?#", start));
}

[[noreturn]] void throw_failure(CURLcode code, const char* details, const std::string& url) {
  std::string text = "no answer from " + without_credentials(host_of(url)) + ": " +
                     (*details ? details : curl_easy_strerror(code));
  ErrorKind kind = kind_of(code);
  bool not_sent = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                  code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CONNECT_ERROR;
  if (not_sent) throw NotSent(kind, text);
  Error error(kind, text);
  if (kind == ErrorKind::denied) {
    error.hint("is the machine's clock right, and is the package ca-certificates installed?");
  }
  throw error;
}

}  // namespace

/// One connection and what drives it. A multi handle of its own, because only that can be woken
/// from another thread.
class ConnectionPool::Line {
 public:
  Line() : multi_(curl_multi_init()), easy_(curl_easy_init()) {
    if (!multi_ || !easy_) throw Error(ErrorKind::unavailable, "no memory for an HTTP exchange");
  }
  ExchangeResponse send(const ExchangeRequest& request, const std::stop_token& stop);

 private:
  CURLcode drive(const std::stop_token& stop);
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::unique_ptr<CURL, FreeEasy> easy_;
};

CURLcode ConnectionPool::Line::drive(const std::stop_token& stop) {
  curl_multi_add_handle(multi_.get(), easy_.get());
  std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_.get()); });
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  int running = 1;
  while (!stop.stop_requested()) {
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) {
      result = CURLE_OUT_OF_MEMORY;
      break;
    }
    if (running == 0) {
      int left = 0;
      while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg == CURLMSG_DONE) result = message->data.result;
      }
      break;
    }
    // libcurl shortens this to its own next time limit.
    curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
  }
  curl_multi_remove_handle(multi_.get(), easy_.get());
  return result;
}

ExchangeResponse ConnectionPool::Line::send(const ExchangeRequest& request,
                                            const std::stop_token& stop) {
  CURL* easy = easy_.get();
  curl_easy_reset(easy);
  auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  char details[CURL_ERROR_SIZE] = "";
  Transfer transfer{request, {}};
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_limit.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.time_limit.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  auto stall = std::chrono::ceil<std::chrono::seconds>(request.stall_limit);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));
  set(CURLOPT_NOSIGNAL, 1L);  // signals belong to the program, not to its threads
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_ERRORBUFFER, details);
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
  if (!request.repeatable) set(CURLOPT_FRESH_CONNECT, 1L);
  if (!request.use_proxy || request.public_only) set(CURLOPT_NOPROXY, "*");
  if (request.public_only) {
    set(CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
    set(CURLOPT_OPENSOCKETDATA, &transfer);
    set(CURLOPT_FRESH_CONNECT, 1L);  // a kept one was perhaps made without this question
  }

  bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (has_body) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    set(CURLOPT_HTTPGET, 1L);
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  std::unique_ptr<curl_slist, FreeList> list;
  auto add = [&list](const std::string& line) {
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos) {
      throw Error(ErrorKind::usage, "a header holds a line break");
    }
    list.reset(curl_slist_append(list.release(), line.c_str()));
  };
  // "Name:" takes libcurl's own header away; "Name;" sends an empty one.
  bool own_type = true, own_agent = true, own_accept = true;
  for (const auto& [name, value] : request.headers) {
    std::string lower = to_lower(name);
    if (lower == "content-length") continue;  // libcurl counts
    if (lower == "content-type") own_type = false;
    if (lower == "user-agent") own_agent = false;
    if (lower == "accept") own_accept = false;
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  add("Expect:");
  if (own_type) add("Content-Type:");
  if (own_agent) add("User-Agent:");
  if (own_accept) add("Accept:");
  set(CURLOPT_HTTPHEADER, list.get());

  CURLcode code = drive(stop);
  if (transfer.too_long) {
    throw Error(ErrorKind::corrupt, "the answer of {} is longer than the {} that are allowed",
                without_credentials(host_of(request.url)), format_size(request.max_bytes));
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    throw Error(ErrorKind::cancelled, "stopped while waiting for {}",
                without_credentials(host_of(request.url)));
  }
  if (code != CURLE_OK && transfer.refused_address) {
    throw Error(ErrorKind::denied, "{} is at a private address, where nothing is sent",
                without_credentials(host_of(request.url)));
  }
  if (code != CURLE_OK) throw_failure(code, details, request.url);
  long status = 0;
  long connects = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  transfer.response.status = static_cast<int>(status);
  transfer.response.reused_connection = connects == 0;
  return std::move(transfer.response);
}

struct ConnectionPool::Lines {
  Sync<std::map<std::string, std::vector<std::unique_ptr<Line>>>> idle;
};

ConnectionPool::ConnectionPool(std::size_t idle_limit)
    : idle_limit_(idle_limit), lines_(std::make_unique<Lines>()) {
  start_curl();
}

ConnectionPool::~ConnectionPool() = default;

std::unique_ptr<ConnectionPool::Line> ConnectionPool::take(const std::string& host) {
  auto idle = lines_->idle.lock();
  auto& lines = (*idle)[host];
  if (lines.empty()) return std::make_unique<Line>();
  std::unique_ptr<Line> line = std::move(lines.back());  // the one whose connection is freshest
  lines.pop_back();
  return line;
}

void ConnectionPool::give_back(const std::string& host, std::unique_ptr<Line> line) {
  auto idle = lines_->idle.lock();
  auto& lines = (*idle)[host];
  if (lines.size() < idle_limit_) lines.push_back(std::move(line));
}

ExchangeResponse ConnectionPool::send(const ExchangeRequest& request, std::stop_token stop) {
  if (!request.url.starts_with("https://") && !request.url.starts_with("http://")) {
    throw Error(ErrorKind::usage, "\"{}\" is not an http:// or https:// URL",
                without_credentials(request.url));
  }
  std::string host = host_of(request.url);
  if (stop.stop_requested()) {
    throw Error(ErrorKind::cancelled, "stopped before asking {}", without_credentials(host));
  }
  std::unique_ptr<Line> line = take(host);
  // Given back only after success: what failed may hold a connection in an unknown state.
  ExchangeResponse response = line->send(request, stop);
  give_back(host, std::move(line));
  return response;
}

}  // namespace hallmark::net
