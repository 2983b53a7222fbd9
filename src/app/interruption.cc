#include "app/interruption.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace hallmark::app {

namespace {

/// What a shell says of a process that SIGINT ended; the same as of an Error `cancelled`.
constexpr int kInterrupted = 130;

/// A handler may do little: it writes into a pipe, and a thread does the rest.
std::atomic<int> pipe_writer{-1};
std::atomic<int> signals_seen{0};

void on_signal(int) {
  int error_number = errno;
  if (signals_seen.fetch_add(1) > 0) ::_exit(kInterrupted);
  char byte = 's';
  [[maybe_unused]] ssize_t written = ::write(pipe_writer.load(), &byte, 1);
  errno = error_number;
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal_number, &action, nullptr);
}

}  // namespace

Interruption::Interruption() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno(errno, "cannot make a pipe");
  reader_.reset(ends[0]);
  writer_.reset(ends[1]);
  pipe_writer = ends[1];
  listener_ = std::jthread([this] {
    char byte = 0;
    while (::read(reader_.get(), &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte == 's') source_.request_stop();
  });
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
}

Interruption::~Interruption() {
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
  char byte = 'q';
  [[maybe_unused]] ssize_t written = ::write(writer_.get(), &byte, 1);
  listener_.join();
}

}  // namespace hallmark::app
