#pragma once
/// Passwords as Argon2id digests. The one door to libargon2.

#include <string>

namespace hallmark::server {

/// With a new salt. Throws `usage` for a password that is too short or too long.
std::string hash_password(const std::string& password);
/// Takes a while on purpose; one at a time, so that its memory stays bounded.
bool fits_password(const std::string& hash, const std::string& password);

}  // namespace hallmark::server
