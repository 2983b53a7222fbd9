#pragma once
/// Identifiers and digests.

#include <string>
#include <string_view>

namespace hallmark {

/// `<prefix>-` and 17 random hex digits, the shape of an EC2 id.
std::string random_id(std::string_view prefix);
/// `<prefix>-` and 17 hex digits taken from SHA-256 of `token`: the same token gives the same id,
/// so that creating twice is creating once.
std::string id_from_token(std::string_view prefix, std::string_view token);
/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
/// 40 lower-case hex digits; only where a format wants it, never for trust.
std::string sha1_hex(std::string_view bytes);
/// 16 raw bytes; only where a protocol wants it, never for trust.
std::string md5(std::string_view bytes);
/// HMAC with SHA-256: 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace hallmark
