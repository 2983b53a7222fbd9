#pragma once
/// Secrets that nobody can guess, and comparing them.

#include <string>
#include <string_view>

namespace hallmark {

/// From the operating system's generator.
std::string random_bytes(std::size_t count);
/// Takes the same time wherever they differ.
bool same_secret(std::string_view left, std::string_view right);
/// Without padding (RFC 4648, section 5): fit for headers, cookies and addresses.
std::string base64url_encode(std::string_view bytes);
/// Throws `corrupt` on bytes that are not.
std::string base64url_decode(std::string_view text);

}  // namespace hallmark
