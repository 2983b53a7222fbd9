#pragma once
/// What an OpenID provider says of somebody: an ID token (OpenID Connect Core 1.0, section 2).

#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace hallmark::server {

/// What a token must say to be the answer to our question.
struct TokenWanted {
  std::string issuer;
  std::string client_id;
  std::string nonce;
};

/// So far a provider's clock and ours may be apart.
inline constexpr Duration kClockLeeway{60'000};

/// Whether a key of `keys` (a JSON Web Key Set) has the id that the token names. False: the
/// provider may have new keys, also when it names none. Throws `denied` for what is no token.
bool has_key_of(const std::string& token, const Json& keys);

/// The token's claims, if a key of `keys` signed it by RS256 or ES256 and check_claims takes them.
/// Throws `denied`, saying why.
Json check_id_token(const std::string& token, const Json& keys, const TokenWanted& wanted,
                    TimePoint now);

/// Issuer, audience, times and nonce. Throws `denied`, saying why.
void check_claims(const Json& claims, const TokenWanted& wanted, TimePoint now);

}  // namespace hallmark::server
