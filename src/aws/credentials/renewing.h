#pragma once
/// The two kinds of provider that everything else is made of: keys that last, and keys that are
/// fetched again before they end.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "aws/credentials/credentials.h"

namespace hallmark::aws {

class FixedCredentials : public CredentialProvider {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  Credentials get(std::stop_token) override { return credentials_; }
  bool renew(const Credentials&) override { return false; }

 private:
  Credentials credentials_;
};

/// Fetches when first asked and again when the end is near: from 15 minutes before it one caller
/// tries while the others go on with the old ones, from 10 minutes before it all wait for that one.
/// (Credentials of less than an hour: from a quarter and a sixth of their life.) If fetching fails,
/// the old ones are used to their end.
class RenewingCredentials : public CredentialProvider {
 public:
  using Fetch = std::function<Credentials(std::stop_token)>;
  /// `clock` must outlive the provider.
  RenewingCredentials(Clock& clock, Fetch fetch);
  Credentials get(std::stop_token stop) override;
  bool renew(const Credentials& refused) override;

 private:
  enum class Need { none, advisable, urgent, nothing_usable };
  Need need(TimePoint now) const;
  Credentials fetch_unlocked(std::unique_lock<std::mutex>& lock, std::stop_token stop);

  Clock& clock_;
  Fetch fetch_;
  std::mutex mutex_;
  std::condition_variable_any fetched_;
  bool fetching_ = false;
  std::optional<Credentials> current_;
  TimePoint since_{};       ///< when current_ were fetched
  TimePoint not_before_{};  ///< after a failure: when the next advisable fetch may be tried
};

}  // namespace hallmark::aws
