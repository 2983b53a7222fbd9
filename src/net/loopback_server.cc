#include "net/loopback_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace hallmark::net {
namespace {

// How soon the destructor is noticed.
constexpr int kPollMilliseconds = 20;

/// Waits until `fd` can be read; false when the server is to end.
bool wait_readable(int fd, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd poll{fd, POLLIN, 0};
    if (::poll(&poll, 1, kPollMilliseconds) > 0) return true;
  }
  return false;
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
  while (wait_readable(listener_.get(), stop)) {
    FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == request.npos && wait_readable(connection.get(), stop)) {
      ssize_t n = ::read(connection.get(), buffer, sizeof buffer);
      if (n <= 0) break;
      request.append(buffer, static_cast<std::size_t>(n));
    }
    requests_.lock()->push_back(request.substr(0, request.find("\r\n")));
    std::string answer = answer_(request);
    for (std::size_t sent = 0; sent < answer.size();) {
      ssize_t n =
          ::send(connection.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
  }
}

std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                     body.size(), headers, body);
}

}  // namespace hallmark::net
