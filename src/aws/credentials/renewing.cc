#include "aws/credentials/renewing.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace hallmark::aws {

using namespace std::chrono_literals;

namespace {
// What the SDKs do, so that a wait of minutes never starts with credentials about to end.
constexpr Duration kAdvisable = 15min;
constexpr Duration kUrgent = 10min;
// A source that is down is not asked at every single call.
constexpr Duration kPauseAfterFailure = 1min;
}  // namespace

RenewingCredentials::RenewingCredentials(Clock& clock, Fetch fetch)
    : clock_(clock), fetch_(std::move(fetch)) {}

RenewingCredentials::Need RenewingCredentials::need(TimePoint now) const {
  if (!current_) return Need::nothing_usable;
  if (!current_->expires) return Need::none;
  Duration left = *current_->expires - now;
  Duration life = *current_->expires - since_;
  if (left <= 0ms) return Need::nothing_usable;
  bool pause = now < not_before_;
  if (left <= std::min(kUrgent, life / 6)) return pause ? Need::none : Need::urgent;
  if (left <= std::min(kAdvisable, life / 4)) return pause ? Need::none : Need::advisable;
  return Need::none;
}

Credentials RenewingCredentials::get(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    Need now = need(clock_.now());
    if (now == Need::none || (now == Need::advisable && fetching_)) return *current_;
    if (!fetching_) return fetch_unlocked(lock, stop);
    if (!fetched_.wait(lock, stop, [this] { return !fetching_; })) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for credentials");
    }
  }
}

Credentials RenewingCredentials::fetch_unlocked(std::unique_lock<std::mutex>& lock,
                                                std::stop_token stop) {
  fetching_ = true;
  lock.unlock();
  std::optional<Credentials> fresh;
  std::exception_ptr failure;
  try {
    fresh = fetch_(stop);
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  lock.lock();
  fetching_ = false;
  fetched_.notify_all();
  TimePoint now = clock_.now();
  if (fresh) {
    current_ = std::move(fresh);
    since_ = now;
    not_before_ = {};
    return *current_;
  }
  not_before_ = now + kPauseAfterFailure;
  if (!current_ || (current_->expires && *current_->expires <= now) || stop.stop_requested()) {
    std::rethrow_exception(failure);
  }
  log_warning("credentials from {} could not be renewed; using them to their end at {}",
              current_->source, to_rfc3339(*current_->expires));
  return *current_;
}

bool RenewingCredentials::renew(const Credentials& refused) {
  std::lock_guard lock(mutex_);
  bool same = current_ && current_->access_key_id == refused.access_key_id &&
              current_->session_token == refused.session_token;
  if (same) current_.reset();
  return true;
}

}  // namespace hallmark::aws
