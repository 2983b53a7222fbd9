#pragma once
/// Signed envelopes: https://github.com/secure-systems-lab/dsse, version 1, with Ed25519.

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/signing.h"

namespace hallmark::evidence {

inline constexpr std::string_view kInTotoType = "application/vnd.in-toto+json";

/// What is signed: "DSSEv1", and type and payload each after its length, so that neither can be
/// taken for a part of the other.
std::string pre_authentication_encoding(std::string_view payload_type, std::string_view payload);

/// {"payload", "payloadType", "signatures": [{"keyid", "sig"}]} as the text of a file.
std::string seal(std::string_view payload_type, std::string_view payload, const SigningKey& key);

/// The payload. Throws `corrupt` naming `origin` if the text is not an envelope just as `seal`
/// writes it, has another type, or its signature does not fit; `denied` if another key signed it.
std::string open_sealed(std::string_view envelope, std::string_view payload_type,
                        const PublicKey& trusted, std::string_view origin);

}  // namespace hallmark::evidence
