#pragma once
/// Becoming a role, also of another account, for as long as work lasts.

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "aws/client.h"
#include "aws/credentials/credentials.h"

namespace hallmark::aws {

struct Role {
  std::string arn;
  std::string session_name;  ///< empty: "hallmark"
  std::string external_id;
  /// 15 minutes to 12 hours, as the role allows. AWS allows no more than one hour to a role that
  /// becomes another role; then it is cut to that.
  std::chrono::seconds duration = std::chrono::hours(1);
  std::string region;  ///< whose STS is asked

  friend auto operator<=>(const Role&, const Role&) = default;
};

/// Asks STS when first needed and again before the session ends. `caller` and `clock` must outlive
/// the provider. Throws `usage` at once for an ARN, name, id or duration that STS would refuse;
/// what STS says comes from get().
std::shared_ptr<CredentialProvider> assume_role(Caller& caller, Clock& clock, Role role,
                                                std::shared_ptr<CredentialProvider> source);

/// The same with a token of an identity provider in a file, which is read again each time.
std::shared_ptr<CredentialProvider> assume_role_with_web_identity(Caller& caller, Clock& clock,
                                                                  Role role,
                                                                  std::string token_file);

/// One provider per role and source, so that a fan-out asks STS once per account. Safe from several
/// threads.
class RoleCache {
 public:
  RoleCache(Caller& caller, Clock& clock) : caller_(caller), clock_(clock) {}
  std::shared_ptr<CredentialProvider> get(const Role& role,
                                          const std::shared_ptr<CredentialProvider>& source);

 private:
  using Key = std::pair<Role, std::shared_ptr<CredentialProvider>>;
  Caller& caller_;
  Clock& clock_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<CredentialProvider>> roles_;
};

}  // namespace hallmark::aws
