#pragma once
/// How the benchmarks measure and report: parts in processes of their own, JSON Lines and a table.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace hallmark::bench {

struct Result {
  std::string name;
  double value;
  std::string unit;
};

/// The processor's time, user and system, of this process: what is measured with it waits for
/// nothing, and other work on the machine does not count.
struct ProcessorTime {
  static std::chrono::nanoseconds now();
};
double seconds_since(std::chrono::nanoseconds start);

/// Seconds that `work` takes; what it returns is freed after that.
template <typename Work>
double seconds_of(Work work) {
  const auto start = ProcessorTime::now();
  [[maybe_unused]] const auto result = work();
  return seconds_since(start);
}

/// A field of /proc/self/status: "VmRSS", "VmHWM" in KiB, "Threads".
double own_status(const std::string& field);

/// Gives what was freed back and forgets the most that was used so far, so that "VmHWM" is of what
/// follows.
void forget_peak();

/// Results of one part, made in a process of its own so that memory and threads are its alone.
std::vector<Result> in_child(const std::function<std::vector<Result>()>& part);

/// Runs the parts, prints each result on stdout, as {"bench", "name", "value", "unit"},
/// and on stderr for people. Returns an exit code.
int report(const std::string& bench, const std::string& title,
           const std::vector<std::function<std::vector<Result>()>>& parts);

}  // namespace hallmark::bench
