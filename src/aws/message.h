#pragma once
/// An HTTP exchange with AWS as plain data: what the protocols write and read, the signer signs and
/// the transport carries.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::aws {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;        ///< "POST"
  std::string scheme;        ///< "https"; empty until the endpoint is known
  std::string host;          ///< with ":port" unless it is the scheme's own; empty like the scheme
  std::string path;          ///< percent-encoded as it is sent, starts with "/"
  NamedValues query;         ///< not encoded; in the order it is sent
  NamedValues headers;       ///< names in any case
  std::string body;          ///< raw bytes
  std::string host_prefix;   ///< the model's endpoint.hostPrefix with labels filled in, or empty
  bool sign = true;          ///< authtype "none": false
  bool sign_payload = true;  ///< authtype "v4-unsigned-body": false
};

struct Response {
  int status = 0;
  NamedValues headers;
  std::string body;
};

/// Names are compared without case. The first one counts.
std::optional<std::string> header(const NamedValues& headers, std::string_view name);

}  // namespace hallmark::aws
