#pragma once
/// An HTTP/1.1 answer as it came over the wire, from a file.

#include <string_view>

#include "aws/message.h"

namespace hallmark::aws {

struct RawResponse {
  Response response;
  /// Fewer bytes of body than the Content-Length says.
  bool is_cut_off = false;
};

/// Status line, headers, blank line, body; line ends with or without CR; chunked bodies are put
/// together. Throws `corrupt`.
RawResponse parse_raw_response(std::string_view text);

}  // namespace hallmark::aws
