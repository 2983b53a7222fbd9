/// Requests at a steady rate, whatever the answers do: bench_load PORT RATE SECONDS CONNECTIONS
/// PATH.. with the API token in $HALLMARK_TOKEN. A request's time begins when it was due, so that a
/// server that stops answering is not excused from what was not asked meanwhile. One line of JSON.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace hallmark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Link {
  FileDescriptor socket;
  std::string answer;
  SteadyClock::time_point due;
};

struct Tally {
  std::vector<double> milliseconds;
  std::size_t wrong = 0;  ///< not answered with 200
};

FileDescriptor connect_to(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw_errno(errno, fmt::format("cannot connect to port {}", port));
  }
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

/// Whether all of the answer is there.
bool is_whole(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t at = answer.find(kLength);
  if (at == std::string::npos || at > end) return true;
  return answer.size() >= end + 4 + std::strtoul(answer.c_str() + at + kLength.size(), nullptr, 10);
}

class Load {
 public:
  Load(std::uint16_t port, std::size_t links, const std::vector<std::string>& paths) {
    const char* token = std::getenv("HALLMARK_TOKEN");
    for (const std::string& path : paths) {
      requests_.push_back(
          fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n",
                      path, token ? token : ""));
    }
    for (std::size_t i = 0; i < links; ++i) {
      links_.push_back({.socket = connect_to(port), .answer = {}, .due = {}});
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, links_[i].socket.get(), &event);
      idle_.push_back(i);
    }
  }

  Tally run(double rate, double seconds) {
    const auto begun = SteadyClock::now();
    const auto count = static_cast<std::size_t>(rate * seconds);
    std::size_t sent = 0;
    while (tally_.milliseconds.size() < count) {
      const auto now = SteadyClock::now();
      for (; sent < count && !idle_.empty(); ++sent) {
        const auto due = begun + std::chrono::duration_cast<SteadyClock::duration>(
                                     Seconds(static_cast<double>(sent) / rate));
        if (due > now) break;
        send(requests_[sent % requests_.size()], due);
      }
      receive();
    }
    return std::move(tally_);
  }

 private:
  void send(const std::string& request, SteadyClock::time_point due) {
    Link& link = links_[idle_.front()];
    idle_.pop_front();
    link.due = due;
    link.answer.clear();
    if (::write(link.socket.get(), request.data(), request.size()) !=
        static_cast<ssize_t>(request.size())) {
      throw_errno(errno, "cannot send");
    }
  }

  void receive() {
    epoll_event events[64];
    const int ready = ::epoll_wait(epoll_.get(), events, 64, 1);
    for (int i = 0; i < ready; ++i) {
      const std::size_t at = events[i].data.u64;
      Link& link = links_[at];
      char buffer[64 << 10];
      const ssize_t got = ::read(link.socket.get(), buffer, sizeof buffer);
      if (got <= 0) throw Error(ErrorKind::unavailable, "the server closed a connection");
      link.answer.append(buffer, static_cast<std::size_t>(got));
      if (!is_whole(link.answer)) continue;
      if (!link.answer.starts_with("HTTP/1.1 200")) ++tally_.wrong;
      tally_.milliseconds.push_back(1000 * Seconds(SteadyClock::now() - link.due).count());
      idle_.push_back(at);
    }
  }

  FileDescriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<std::string> requests_;
  std::vector<Link> links_;
  std::deque<std::size_t> idle_;
  Tally tally_;
};

int main_of(int count, char** words) {
  if (count < 6) {
    fmt::print(stderr, "usage: bench_load PORT RATE SECONDS CONNECTIONS PATH..\n");
    return 2;
  }
  Load load(static_cast<std::uint16_t>(std::stoi(words[1])), std::stoul(words[4]),
            std::vector<std::string>(words + 5, words + count));
  const double seconds = std::stod(words[3]);
  const auto begun = SteadyClock::now();
  Tally tally = load.run(std::stod(words[2]), seconds);
  const double took = Seconds(SteadyClock::now() - begun).count();
  std::vector<double>& sorted = tally.milliseconds;
  std::sort(sorted.begin(), sorted.end());
  auto at = [&](double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
  };
  fmt::print(
      "{{\"requests\": {}, \"wrong\": {}, \"per_second\": {:.0f}, \"p50_ms\": {:.2f}, \"p99_ms\": "
      "{:.2f}, \"worst_ms\": {:.2f}}}\n",
      sorted.size(), tally.wrong, static_cast<double>(sorted.size()) / took, at(0.5), at(0.99),
      sorted.back());
  return 0;
}

}  // namespace
}  // namespace hallmark::bench

int main(int count, char** words) {
  try {
    return hallmark::bench::main_of(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
}
