#include "server/watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "base/text.h"

namespace hallmark::server {

namespace {

using namespace std::chrono_literals;

/// A page that follows a run does not feel slow, and the database does not feel it.
constexpr auto kBetweenLooks = 1s;
constexpr auto kAfterOutage = 5s;
/// Of one log at one look; the rest comes with the next.
constexpr std::size_t kMostOfLog = 64 * 1024;

/// "<host>:<pid>:", as leases of this process begin (workflow/lease.h).
std::string our_leases() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{}:{}:", replace_all(host, ":", "_"), ::getpid());
}

std::uint64_t size_of(const Path& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : size;
}

std::string read_part(const Path& path, std::uint64_t from, std::uint64_t to) {
  std::string text(std::min<std::uint64_t>(to - from, kMostOfLog), '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

Watch::Watch(Hub& hub, db::Database& database, workflow::Engine& engine)
    : hub_(hub),
      database_(database),
      engine_(engine),
      news_(hub.others_observer()),
      us_(our_leases()),
      thread_([this](std::stop_token stop) { work(stop); }) {}

void Watch::work(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::unique_lock lock(mutex);
  auto wait = [&](auto time) { ended.wait_for(lock, stop, time, [] { return false; }); };
  while (!stop.stop_requested()) {
    try {
      if (hub_.streams() > 0) {
        look();
        fresh_ = false;
      } else {
        fresh_ = true;
        told_.clear();
      }
      wait(kBetweenLooks);
    } catch (const Error& error) {
      log_warning("what others' runs do cannot be seen just now: {}", error.full_text());
      wait(kAfterOutage);
    }
  }
}

void Watch::look() {
  std::vector<std::string> runs;
  std::string newest = newest_;
  const db::Patience brief(Duration{2'000});
  database_.read([&](db::Connection& connection) {
    runs.clear();
    auto add = [&](const std::vector<db::Row>& rows) {
      for (const db::Row& row : rows) {
        runs.push_back(row.text("run_id"));
        newest = std::max(newest, row.text("created_at"));
      }
    };
    if (fresh_) {
      for (const db::Row& row :
           connection.query("select created_at from runs order by created_at desc limit 1", {})) {
        newest = row.text("created_at");
      }
    } else {
      // Also what began and ended since the last look.
      add(
          connection.query("select run_id, created_at from runs where created_at > :newest"
                           " and state in ('succeeded', 'failed', 'cancelled')",
                           {{"newest", newest_}}));
    }
    add(connection.query(
        "select run_id, created_at from runs where state in ('pending', 'running', 'waiting')",
        {}));
  });
  newest_ = newest;
  for (const std::string& run_id : runs) told_.try_emplace(run_id);
  for (auto each = told_.begin(); each != told_.end();) {
    each = look_at(each->first, each->second) ? std::next(each) : told_.erase(each);
  }
}

bool Watch::look_at(const std::string& run_id, Told& told) {
  const workflow::RunInfo run = engine_.show(run_id);
  const bool running = run.state == workflow::RunState::running;
  const bool by_us = running && run.lease_owner.starts_with(us_);
  const bool by_others = running && !by_us;
  const std::string now =
      fmt::format("{} {}", workflow::to_string(run.state), to_rfc3339(run.updated_at));
  // Its last steps came while they still held it.
  const bool steps_too = by_others || told.by_others || (told.run.empty() && !by_us);
  if (steps_too && (by_others || now != told.run)) {
    for (const workflow::StepInfo& step : engine_.steps(run_id)) {
      const std::string stands = fmt::format("{} {}", static_cast<int>(step.state), step.attempts);
      std::string& before = told.steps[step.key];
      const bool changed = before != stands;
      before = stands;
      if (changed || !step.ended_at) look_at_log(run_id, step.key, told);
      if (changed && !fresh_) news_.step_changed(run_id, step);
    }
  }
  if (now != told.run && !by_us && !fresh_) news_.run_changed(run);
  told.run = now;
  told.by_others = by_others;
  return !workflow::ended(run.state);
}

void Watch::look_at_log(const std::string& run_id, const std::string& key, Told& told) {
  const Path path = engine_.log_path(run_id, key);
  const std::uint64_t size = size_of(path);
  std::uint64_t& seen = told.logs[key];
  if (fresh_) seen = size;
  if (size <= seen) return;
  while (seen < size) {
    const std::string text = read_part(path, seen, size);
    if (text.empty()) return;
    seen += text.size();
    news_.log(run_id, key, text);
  }
}

}  // namespace hallmark::server
