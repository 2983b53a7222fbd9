#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace hallmark {

using namespace std::chrono_literals;

std::optional<Path> find_program(std::string_view program) {
  auto executable = [](const Path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string_view::npos) {
    return executable(program) ? std::optional<Path>(program) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  // Administration tools live in sbin, which an ordinary user's PATH leaves out.
  std::string search = std::string(path ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
  for (const std::string& directory : split(search, ':')) {
    Path candidate = Path(directory) / program;
    if (!directory.empty() && executable(candidate)) return candidate;
  }
  return std::nullopt;
}

namespace {

struct Pipe {
  FileDescriptor read, write;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) throw_errno(errno, "cannot create a pipe");
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
};

/// The child after fork: only async-signal-safe calls. Reports the errno of a failed exec.
[[noreturn]] void become(const char* program, char* const* argv, char* const* envp,
                         const char* directory, int in, int out, int err, int report) {
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  bool ok = ::dup2(in, 0) >= 0 && ::dup2(out, 1) >= 0 && ::dup2(err, 2) >= 0;
  // Not everything that libraries open closes itself on exec, and programs that start with ten
  // files open get numbers of two digits, which dash cannot redirect to.
  constexpr unsigned kFirstInherited = 3;
  if (ok) ok = ::close_range(kFirstInherited, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  if (ok && directory[0] != '\0') ok = ::chdir(directory) == 0;
  if (ok) ::execve(program, argv, envp);
  int failure = errno;
  ssize_t ignored = ::write(report, &failure, sizeof failure);
  (void)ignored;
  ::_exit(127);
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> merged;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    std::string_view pair(*entry);
    if (!extra.contains(std::string(pair.substr(0, pair.find('='))))) merged.emplace_back(pair);
  }
  for (const auto& [key, value] : extra) merged.push_back(key + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> raw;
  for (std::string& s : strings) raw.push_back(s.data());
  raw.push_back(nullptr);
  return raw;
}

/// Kills the group and reaps its leader if the parent leaves early by an exception.
struct Child {
  pid_t pid = -1;
  ~Child() {
    if (pid > 0) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

}  // namespace

ProcessResult run_process(const ProcessSpec& spec, std::stop_token stop) {
  if (spec.argv.empty()) throw Error(ErrorKind::internal, "run_process without a program");
  std::optional<Path> program = find_program(spec.argv[0]);
  if (!program) {
    throw Error(ErrorKind::not_found, "the program {} is not installed", spec.argv[0])
        .hint("scripts/setup installs all that Hallmark needs on Debian 12");
  }
  std::vector<std::string> arguments = spec.argv;
  std::vector<std::string> environment = merged_environment(spec.environment);
  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> envp = pointers(environment);
  std::string directory = spec.directory.string();
  Pipe in, out, err, report, wake;

  Child child;
  child.pid = ::fork();
  if (child.pid < 0) throw_errno(errno, "cannot start " + spec.argv[0]);
  if (child.pid == 0) {
    become(program->c_str(), argv.data(), envp.data(), directory.c_str(), in.read.get(),
           out.write.get(), err.write.get(), report.write.get());
  }
  in.read.reset();
  out.write.reset();
  err.write.reset();
  report.write.reset();
  int exec_error = 0;
  if (::read(report.read.get(), &exec_error, sizeof exec_error) == sizeof exec_error) {
    child.wait();
    throw_errno(exec_error, "cannot start " + spec.argv[0]);
  }

  // A requested stop must wake poll(); the callback only writes one byte.
  std::stop_callback on_stop(stop, [fd = wake.write.get()] {
    ssize_t ignored = ::write(fd, "x", 1);
    (void)ignored;
  });
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);

  using Steady = std::chrono::steady_clock;
  auto now = Steady::now();
  std::optional<Steady::time_point> deadline;
  if (spec.time_limit) deadline = now + *spec.time_limit;
  std::optional<Steady::time_point> kill_at;
  std::optional<ErrorKind> ended_by;
  ProcessResult result;
  std::string_view to_feed = spec.stdin_text;
  if (to_feed.empty()) in.write.reset();

  while (out.read || err.read) {
    now = Steady::now();
    if (!ended_by && (stop.stop_requested() || (deadline && now >= *deadline))) {
      ended_by = stop.stop_requested() ? ErrorKind::cancelled : ErrorKind::timeout;
      ::kill(-child.pid, SIGTERM);
      kill_at = now + 5s;
    }
    if (kill_at && now >= *kill_at) {
      ::kill(-child.pid, SIGKILL);
      break;
    }
    auto next = kill_at ? kill_at : deadline;
    int wait_ms = -1;
    if (next) {
      wait_ms = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*next - now).count());
    }
    pollfd fds[4] = {{out.read.get(), POLLIN, 0},
                     {err.read.get(), POLLIN, 0},
                     {in.write.get(), POLLOUT, 0},
                     {ended_by ? -1 : wake.read.get(), POLLIN, 0}};
    if (::poll(fds, 4, wait_ms) < 0 && errno != EINTR) throw_errno(errno, "poll");
    auto drain = [&](const pollfd& entry, FileDescriptor& fd, std::string& keep) {
      if (!fd || !(entry.revents & (POLLIN | POLLHUP | POLLERR))) return;
      char buffer[1 << 15];
      ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) return;
      if (got <= 0) return fd.reset();
      std::string_view piece(buffer, static_cast<std::size_t>(got));
      if (spec.on_output) spec.on_output(piece);
      std::size_t room = spec.keep_bytes - std::min(spec.keep_bytes, keep.size());
      if (piece.size() > room) result.truncated = true;
      keep.append(piece.substr(0, room));
    };
    drain(fds[0], out.read, result.out);
    drain(fds[1], err.read, result.err);
    if (in.write && (fds[2].revents & (POLLOUT | POLLERR))) {
      ssize_t wrote = ::write(in.write.get(), to_feed.data(), to_feed.size());
      if (wrote > 0) to_feed.remove_prefix(static_cast<std::size_t>(wrote));
      if (to_feed.empty() || (wrote < 0 && errno != EAGAIN && errno != EINTR)) in.write.reset();
    }
  }
  ::sigaction(SIGPIPE, &before, nullptr);
  result.exit_code = child.wait();
  if (ended_by == ErrorKind::timeout) {
    throw Error(ErrorKind::timeout, "{} did not finish within {}", spec.argv[0],
                format_duration(*spec.time_limit));
  }
  if (ended_by) throw Error(ErrorKind::cancelled, "{} was stopped", spec.argv[0]);
  return result;
}

ProcessResult check_process(const ProcessSpec& spec, std::stop_token stop) {
  ProcessResult result = run_process(spec, stop);
  if (result.exit_code == 0) return result;
  std::string_view tail = trim(result.err.empty() ? result.out : result.err);
  constexpr std::size_t kTail = 2000;
  if (tail.size() > kTail) tail.remove_prefix(tail.size() - kTail);
  throw Error(ErrorKind::failed, "{} ended with exit code {}: {}", spec.argv[0], result.exit_code,
              tail);
}

}  // namespace hallmark
