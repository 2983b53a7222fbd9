#include "measure.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace hallmark::bench {

std::chrono::nanoseconds ProcessorTime::now() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double seconds_since(std::chrono::nanoseconds start) {
  return std::chrono::duration<double>(ProcessorTime::now() - start).count();
}

double own_status(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1));
  }
  return 0;
}

void forget_peak() {
  ::malloc_trim(0);
  // proc(5): 5 resets the peak resident set size.
  std::ofstream("/proc/self/clear_refs") << 5;
}

std::vector<Result> in_child(const std::function<std::vector<Result>()>& part) {
  int channel[2];
  if (::pipe(channel) != 0) throw_errno(errno, "cannot make a pipe");
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      for (const Result& r : part()) text += fmt::format("{}\t{}\t{}\n", r.name, r.value, r.unit);
    } catch (const Error& error) {
      fmt::print(stderr, "{}\n", error.full_text());
      ::_exit(1);
    }
    const bool written =
        ::write(channel[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(channel[1]);
  std::vector<Result> results;
  FILE* in = ::fdopen(channel[0], "r");
  char name[128], unit[32];
  for (double value = 0; std::fscanf(in, "%127[^\t]\t%lf\t%31[^\n]\n", name, &value, unit) == 3;) {
    results.push_back({name, value, unit});
  }
  std::fclose(in);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) throw Error(ErrorKind::failed, "a part of the benchmark failed");
  return results;
}

int report(const std::string& bench, const std::string& title,
           const std::vector<std::function<std::vector<Result>()>>& parts) {
  try {
    fmt::print(stderr, "{}\n", title);
    for (const auto& part : parts) {
      for (const Result& r : in_child(part)) {
        const Json line = {
            {"bench", bench}, {"name", r.name}, {"value", r.value}, {"unit", r.unit}};
        fmt::print("{}\n", compact(line));
        fmt::print(stderr, "  {:<52} {:>12.3f} {}\n", r.name, r.value, r.unit);
      }
    }
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.full_text());
    return traits(error.kind()).exit_code;
  }
  return 0;
}

}  // namespace hallmark::bench
