#pragma once
/// Signatures of others that we only check: RS256 and ES256 of RFC 7518, by a key as JSON (RFC
/// 7517).

#include <string>
#include <string_view>

#include "base/json.h"

namespace hallmark {

/// Whether the holder of `jwk` signed `message` by `algorithm`. False for every other algorithm,
/// for a key of another kind or for another use, and for RSA below 2048 bits: never throws for what
/// somebody else wrote.
bool verify_jwk(const Json& jwk, std::string_view algorithm, std::string_view message,
                std::string_view signature);

}  // namespace hallmark
