#pragma once
/// Who signs: keys with an end, and where they come from.

#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"

namespace hallmark::aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;         ///< empty for keys that last
  std::optional<TimePoint> expires;  ///< nothing: never
  std::string account_id;            ///< if the source told it
  bool is_role = false;              ///< of a session of a role, not of a user
  std::string source;                ///< for people: "environment", "role arn:.. through profile a"
};

/// A source of credentials. Safe from several threads.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  /// Credentials that are good now, fetched anew when their end is near. Blocks for that.
  /// Throws `denied` if there are none (saying which sources were asked and why each said no),
  /// `cancelled`, and what a source throws that has no old credentials to fall back on.
  virtual Credentials get(std::stop_token stop) = 0;
  /// The service says that `refused` have expired: the next get() fetches new ones, unless that has
  /// happened already. Returns false for credentials that cannot be fetched anew.
  virtual bool renew(const Credentials& refused) = 0;
};

}  // namespace hallmark::aws
