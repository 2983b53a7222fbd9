#include "net/loopback_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <list>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace hallmark::net {
namespace {

// How soon the destructor is noticed.
constexpr int kPollMilliseconds = 20;

struct Connection {
  FileDescriptor fd;
  std::string received;
};

/// How long the first request in `received` is; 0 while it is not complete.
std::size_t request_length(const std::string& received) {
  std::size_t head = received.find("\r\n\r\n");
  if (head == received.npos) return 0;
  std::string lower = to_lower(received.substr(0, head));
  std::size_t at = lower.find("\r\ncontent-length:");
  std::size_t body = 0;
  if (at != lower.npos) body = std::strtoull(lower.c_str() + at + 17, nullptr, 10);
  return received.size() < head + 4 + body ? 0 : head + 4 + body;
}

void send_all(int fd, std::string_view answer) {
  while (!answer.empty()) {
    ssize_t n = ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    answer.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

LoopbackServer::LoopbackServer(Answer answer) : answer_(std::move(answer)) {
  ::setenv("no_proxy", "127.0.0.1", 1);  // the machine's proxy cannot reach us
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw_errno(errno, "cannot listen on the loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
}

LoopbackServer::~LoopbackServer() {
  thread_.request_stop();
  thread_.join();
}

std::string LoopbackServer::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::vector<std::string> LoopbackServer::requests() { return *requests_.lock(); }

void LoopbackServer::serve(std::stop_token stop) {
  std::list<Connection> open;
  while (!stop.stop_requested()) {
    std::vector<pollfd> polls = {{listener_.get(), POLLIN, 0}};
    for (const Connection& connection : open) polls.push_back({connection.fd.get(), POLLIN, 0});
    if (::poll(polls.data(), polls.size(), kPollMilliseconds) <= 0) continue;
    std::size_t index = 1;
    for (auto at = open.begin(); at != open.end(); ++index) {
      bool keep = polls[index].revents == 0 || serve_one(at->fd.get(), at->received);
      at = keep ? std::next(at) : open.erase(at);
    }
    if (polls[0].revents == 0) continue;
    FileDescriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++connections_;
    open.push_back({std::move(fd), {}});
  }
}

bool LoopbackServer::serve_one(int fd, std::string& received) {
  char buffer[16384];
  ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n <= 0) return false;
  received.append(buffer, static_cast<std::size_t>(n));
  while (std::size_t length = request_length(received)) {
    std::string request = received.substr(0, length);
    received.erase(0, length);
    requests_.lock()->push_back(request.substr(0, request.find("\r\n")));
    std::string answer = answer_(request);
    send_all(fd, answer);
    if (answer.find("\r\nConnection: keep-alive\r\n") == answer.npos) return false;
  }
  return true;
}

std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                     body.size(), headers, body);
}

std::string kept_http_answer(const std::string& status, const std::string& body,
                             const std::string& headers) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: keep-alive\r\n{}\r\n{}",
                     status, body.size(), headers, body);
}

}  // namespace hallmark::net
