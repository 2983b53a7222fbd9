#pragma once
/// What is fetched because a caller of the API said so.

#include <stop_token>
#include <string>

namespace hallmark::server {

/// The text behind an http or https URL. Unless `allow_private`, over public addresses only, also
/// after redirects: else a caller could have the server look around in its own network. Its files
/// are not read either way. Throws `denied` for another place, `usage` for another kind of URL, and
/// what net::ConnectionPool throws.
std::string fetch_for_caller(const std::string& url, bool allow_private, std::stop_token stop);

}  // namespace hallmark::server
