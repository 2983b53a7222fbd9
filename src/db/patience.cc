/// Trying again: a database that is busy, and one that is away.

#include <random>
#include <thread>

#include "base/log.h"
#include "db/opening.h"

namespace hallmark::db {

namespace {

using namespace std::chrono_literals;

// Long enough for every other process to finish its (short) transactions, short enough that a
// person learns of a stuck one.
constexpr auto kBusyBudget = 60s;
constexpr Duration kLongestPause = 100ms;
constexpr Duration kLongestAwayPause = 1s;

thread_local std::optional<Duration> patience;

}  // namespace

Patience::Patience(Duration at_most) : before_(patience) { patience = at_most; }
Patience::~Patience() { patience = before_; }

void while_busy(const std::string& name, const std::function<void()>& fn, Duration patient) {
  thread_local std::minstd_rand random(std::random_device{}());
  using Instant = std::chrono::steady_clock::time_point;
  const auto now = [] { return std::chrono::steady_clock::now(); };
  std::optional<Instant> busy_since, away_since;
  for (Duration pause = 1ms;; pause *= 2) {
    std::string busy, away;
    try {
      fn();
      if (away_since) log_info("{} is back", name);
      return;
    } catch (const Busy& thrown) {
      busy = thrown.message;
      away_since.reset();
    } catch (const Away& thrown) {
      away = thrown.message;
      busy_since.reset();
    }
    if (!busy.empty()) {
      if (!busy_since) busy_since = now();
      if (now() - *busy_since >= kBusyBudget) {
        throw Error(ErrorKind::unavailable, "{} has been busy for a minute: {}", name, busy)
            .hint("another process holds it; see who with: fuser -v FILE");
      }
    } else {
      // The first connection may only be a stale one: another is tried at once, whoever waits.
      const bool first = !away_since;
      if (first) {
        away_since = now();
        pause = 1ms;
      } else if (pause == 4ms) {
        log_warning("{} is away, waiting for it: {}", name, away);
      }
      if (!first && now() - *away_since >= patience.value_or(patient)) {
        throw Error(ErrorKind::unavailable, "{} cannot be reached: {}", name, away)
            .hint("start the database server, or mend the way to it, and try again");
      }
    }
    pause = std::min(pause, busy.empty() ? kLongestAwayPause : kLongestPause);
    std::this_thread::sleep_for(pause / 2 +
                                std::chrono::microseconds(random() % 1000 * pause.count() / 2));
  }
}

}  // namespace hallmark::db
