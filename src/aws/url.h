#pragma once
/// Percent-encoding as AWS wants it, and the URL of a request.

#include <string>
#include <string_view>

#include "aws/message.h"

namespace hallmark::aws {

/// Everything but letters, digits and "-_.~" as %XX in upper case; "/" too unless `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash = false);
/// Bytes that are no escape stay as they are.
std::string percent_decode(std::string_view text);

/// "a=1&b=2", encoded, in the request's order; empty without a query.
std::string encoded_query(const NamedValues& query);
/// Path and query as they stand in the first line of the request.
std::string request_target(const Request& request);
/// The whole URL. The endpoint must be known.
std::string request_url(const Request& request);

}  // namespace hallmark::aws
