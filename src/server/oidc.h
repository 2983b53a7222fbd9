#pragma once
/// Another party's word for who somebody is: OpenID Connect, by authorization code with PKCE.

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/sync.h"
#include "net/exchange.h"
#include "server/caller.h"

namespace hallmark::server {

/// `server.oidc` of config.yaml.
struct OidcConfig {
  std::string name;    ///< on the page: "Sign in with NAME"
  std::string issuer;  ///< as the provider spells it
  std::string client_id;
  /// Asked for each time it is needed. Empty: a public client, which PKCE alone protects.
  std::function<std::string(std::stop_token)> client_secret;
  std::string redirect_url;  ///< of /api/v1/sign-in/callback, as browsers reach it
  std::vector<std::string> scopes = {"openid", "email", "profile"};
  std::string user_claim = "email";
  std::string groups_claim = "groups";
  /// What members of a group may do; "*" is everybody whom the provider knows.
  std::map<std::string, std::vector<Right>> roles;
  std::string ca_file;
};

/// Made up when somebody begins to sign in, and kept by the browser until they come back.
struct SignIn {
  std::string state, nonce, verifier;
  static SignIn begin();
};

/// Whom the provider named.
struct Person {
  std::string name;
  std::string subject;  ///< what the provider never gives to another; see `sub`
  std::vector<std::string> groups;
};

/// Finds out the provider's addresses and keys when they are first needed, and again when they may
/// have changed. Thread-safe.
class OidcProvider {
 public:
  explicit OidcProvider(OidcConfig config) : config_(std::move(config)) {}

  const OidcConfig& config() const { return config_; }
  /// Where the browser is to go. Throws `unavailable` while the provider is away, `corrupt` if what
  /// it says of itself is not to be used.
  std::string authorization_url(const SignIn& sign_in, TimePoint now, std::stop_token stop);
  /// The code's worth. Throws `denied`, and as above.
  Person redeem(const std::string& code, const SignIn& sign_in, TimePoint now,
                std::stop_token stop);

 private:
  struct Known {
    Json about;  ///< the discovery document
    Json keys;
    TimePoint read_at{};
  };
  Known known(TimePoint now, std::stop_token stop);
  Json read_keys(const Json& about, std::stop_token stop);
  Json get(const std::string& url, const std::string& access_token, std::stop_token stop);
  Json tokens_for(const Json& about, const std::string& code, const SignIn& sign_in,
                  std::stop_token stop);
  net::ExchangeResponse send(net::ExchangeRequest request, std::stop_token stop);

  const OidcConfig config_;
  net::ConnectionPool pool_;
  Sync<std::optional<Known>> known_;
};

/// Throws `usage` unless nobody can listen: https, or http on this machine.
void require_safe_url(const std::string& url, const std::string& what);

/// What the groups allow, each right once.
std::vector<Right> rights_of(const OidcConfig& config, const std::vector<std::string>& groups);

/// From claims to whom they name. Throws `denied` without a usable name, or if the provider says
/// that the mail address was never proved.
Person person_from(const OidcConfig& config, const Json& claims);

}  // namespace hallmark::server
