/// How fast the workflow engine is on SQLite, durable settings, and what waiting runs cost.
/// JSON lines on stdout, a table for people on stderr. Usage: bench_engine [runs [directory]]

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "measure.h"
#include "workflow/engine.h"

namespace hallmark::workflow {
namespace {

using namespace std::chrono_literals;
using bench::own_status;
using bench::Result;
using Steady = std::chrono::steady_clock;

constexpr int kStepsPerRun = 100;
constexpr Duration kForEver = std::chrono::hours(24 * 365);

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

std::vector<WorkflowDefinition> workflows() {
  return {{"steps", 1,
           [](Run& run) -> Json {
             int sum = 0;
             for (int i = 0; i < kStepsPerRun; ++i) {
               sum += run.step("step-" + std::to_string(i), [i](Step&) { return i; });
             }
             return sum;
           }},
          {"wait", 1, [](Run& run) -> Json {
             run.step("before", [](Step&) { return 1; });
             auto said = run.wait_for_signal("approval", "decision", 48h, "an approval");
             return said ? *said : Json();
           }}};
}

std::vector<Result> bench_steps(const std::string& url, int width) {
  SystemClock clock;
  auto database = db::Database::open(url);
  Engine engine(*database, clock, workflows(), {});
  const int runs = 2 * width;
  for (int i = 0; i < runs; ++i) engine.start("steps", "bench", nullptr);
  const auto start = Steady::now();
  engine.drive_due(width, {});
  const double taken = seconds_since(start);
  return {{fmt::format("steps per second, {} threads", width), runs * kStepsPerRun / taken, "1/s"}};
}

std::vector<Result> bench_park(const std::string& url, int runs) {
  SystemClock clock;
  auto database = db::Database::open(url);
  Engine engine(*database, clock, workflows(), {});
  auto start = Steady::now();
  for (int i = 0; i < runs; ++i) engine.start("wait", "bench", i);
  std::vector<Result> results = {{"start a run", seconds_since(start) * 1e6 / runs, "us"}};
  start = Steady::now();
  engine.drive_due(4, {});
  results.push_back({"drive a run to its wait", seconds_since(start) * 1e6 / runs, "us"});
  return results;
}

std::vector<Result> bench_recover(const std::string& url, int runs) {
  SystemClock clock;
  const double threads_before = own_status("Threads"), memory_before = own_status("VmRSS");
  auto start = Steady::now();
  auto database = db::Database::open(url);
  Engine engine(*database, clock, workflows(), {});
  engine.drive_due(4, {});
  std::vector<Result> results = {
      {"recover all waiting runs after a restart", seconds_since(start), "s"}};
  if (engine.list({.states = {RunState::waiting}, .limit = runs + 1}).size() !=
      static_cast<std::size_t>(runs)) {
    throw Error(ErrorKind::failed, "not all runs wait");
  }
  results.push_back(
      {"memory while they wait", (own_status("VmRSS") - memory_before) / 1024, "MiB"});
  results.push_back({"threads while they wait", own_status("Threads") - threads_before, "threads"});
  return results;
}

std::vector<Result> bench_replay(const std::string& url, int runs) {
  SystemClock clock;
  auto database = db::Database::open(url);
  // Every one of them is due: the case after a long outage.
  database->transaction([](db::Connection& c) {
    c.execute("UPDATE runs SET wake_at = created_at WHERE state = 'waiting'", {});
  });
  Engine engine(*database, clock, workflows(), {});
  const auto start = Steady::now();
  engine.drive_due(4, {});
  return {{"replay a due run", seconds_since(start) * 1e6 / runs, "us"}};
}

}  // namespace
}  // namespace hallmark::workflow

int main(int argc, char** argv) {
  using namespace hallmark;
  using namespace hallmark::workflow;
  const int runs = argc > 1 ? std::stoi(argv[1]) : 10'000;
  TempDir directory(argc > 2 ? Path(argv[2]) : Path());
  auto url = [&](const std::string& name, bool durable) {
    return "sqlite://" + (directory.path() / name).string() + (durable ? "" : "?synchronous=off");
  };
  std::vector<std::function<std::vector<Result>()>> parts = {
      [&] { return bench_steps(url("one.db", true), 1); },
      [&] { return bench_steps(url("eight.db", true), 8); },
      [&] {
        auto results = bench_steps(url("quick.db", false), 1);
        results[0].name += ", without sync";
        return results;
      },
      // Parking them is preparation here, not what is measured: no sync.
      [&] { return bench_park(url("wait.db", false), runs); },
      [&] { return bench_recover(url("wait.db", true), runs); },
      [&] { return bench_replay(url("wait.db", false), runs); }};
  try {
    fmt::print(stderr, "engine on SQLite, {} waiting runs\n", runs);
    for (const auto& part : parts) {
      for (const Result& r : bench::in_child(part)) {
        Json line = {{"bench", "engine"},
                     {"name", r.name},
                     {"value", r.value},
                     {"unit", r.unit},
                     {"waiting_runs", runs}};
        fmt::print("{}\n", compact(line));
        fmt::print(stderr, "  {:<45} {:>12.2f} {}\n", r.name, r.value, r.unit);
      }
    }
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.full_text());
    return traits(error.kind()).exit_code;
  }
  return 0;
}
