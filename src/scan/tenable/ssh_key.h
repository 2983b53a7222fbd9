#pragma once
/// Private keys as they are about to leave the house.

#include <string_view>

namespace hallmark::scan::tenable {

/// Whether the key opens nothing without its passphrase: PEM (PKCS #1, PKCS #8) or OpenSSH's own
/// format. What cannot be read is not locked.
bool is_locked_key(std::string_view key);

}  // namespace hallmark::scan::tenable
