#include "cloud/libvirt/guard_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <thread>

#include "base/error.h"
#include "base/log.h"

namespace hallmark::cloud::libvirt {
namespace {

constexpr std::string_view kSocketName = "guard.sock";
// A script and its environment, base64, with room to spare; an answer carries a piece of output.
constexpr std::size_t kMaxMessageBytes = 64u << 20;
constexpr int kAcceptPollMs = 200;

/// A socket's address has 108 bytes at most; through the open directory any path fits.
sockaddr_un address_in(const FileDescriptor& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = fmt::format("/proc/self/fd/{}/{}", directory.get(), kSocketName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

FileDescriptor open_directory(const Path& directory) {
  return FileDescriptor(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

FileDescriptor new_socket() {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno(errno, "cannot create a socket");
  return fd;
}

/// Returns whether the other side took it all.
bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// To the end of the stream; nothing if it is reset. Throws `unavailable` if it takes too long.
std::optional<std::string> receive_all(int fd, Duration time_limit) {
  std::string text;
  auto until = std::chrono::steady_clock::now() + time_limit;
  char buffer[1 << 16];
  while (text.size() <= kMaxMessageBytes) {
    auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) throw Error(ErrorKind::unavailable, "a machine's guard does not answer");
    ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return std::nullopt;
}

Json answer_or_error(const std::function<Json(const Json&)>& answer, const std::string& request) {
  try {
    return {{"answer", answer(parse_json(request, "request"))}};
  } catch (const Error& e) {
    return {{"error", error_to_json(e)}};
  } catch (const std::exception& e) {
    return {{"error", error_to_json(Error(ErrorKind::internal, "machine guard: {}", e.what()))}};
  }
}

}  // namespace

std::optional<Json> ask_guard(const Path& directory, const Json& request, Duration time_limit) {
  FileDescriptor at = open_directory(directory);
  if (!at) return std::nullopt;
  FileDescriptor fd = new_socket();
  sockaddr_un address = address_in(at);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
    throw_errno(errno, "cannot reach the guard of " + directory.filename().string());
  }
  if (!send_all(fd.get(), compact(request))) return std::nullopt;
  ::shutdown(fd.get(), SHUT_WR);
  // A guard that is killed while we speak to it leaves us without an answer.
  std::optional<std::string> text = receive_all(fd.get(), time_limit);
  if (!text || text->empty()) return std::nullopt;
  Json json = parse_json(*text, "guard's answer");
  if (json.contains("error")) throw error_from_json(json["error"]);
  return json.at("answer");
}

GuardSocket::GuardSocket(const Path& directory) : directory_(directory), listener_(new_socket()) {
  Path file = directory_ / kSocketName;
  ::unlink(file.c_str());
  FileDescriptor at = open_directory(directory_);
  sockaddr_un address = address_in(at);
  mode_t before = ::umask(0177);
  int bound = ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  int failure = errno;
  ::umask(before);
  if (bound != 0) throw_errno(failure, "cannot create " + file.string());
  constexpr int kBacklog = 64;
  if (::listen(listener_.get(), kBacklog) != 0) throw_errno(errno, "cannot listen");
}

GuardSocket::~GuardSocket() { ::unlink((directory_ / kSocketName).c_str()); }

void GuardSocket::serve(const std::function<Json(const Json&)>& answer, std::stop_token stop) {
  struct Worker {
    std::atomic<bool> done = false;
    std::jthread thread;
  };
  std::list<Worker> workers;
  while (!stop.stop_requested()) {
    workers.remove_if([](const Worker& worker) { return worker.done.load(); });
    pollfd wait{listener_.get(), POLLIN, 0};
    if (::poll(&wait, 1, kAcceptPollMs) <= 0) continue;
    int accepted = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) continue;
    Worker& worker = workers.emplace_back();
    worker.thread = std::jthread([&answer, &worker, fd = FileDescriptor(accepted)] {
      try {
        constexpr Duration kRequestLimit = std::chrono::seconds(10);
        if (std::optional<std::string> request = receive_all(fd.get(), kRequestLimit)) {
          send_all(fd.get(), compact(answer_or_error(answer, *request)));
        }
      } catch (const Error& e) {
        log_info("a caller went away: {}", e.message());
      }
      ::shutdown(fd.get(), SHUT_RDWR);
      worker.done = true;
    });
  }
}

}  // namespace hallmark::cloud::libvirt
