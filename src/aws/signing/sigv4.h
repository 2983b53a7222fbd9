#pragma once
/// Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

#include <string>
#include <string_view>

#include "aws/credentials/credentials.h"
#include "aws/message.h"
#include "base/clock.h"

namespace hallmark::aws {

/// For which service and region, and how that service wants it.
struct SigningRules {
  std::string region;
  std::string service;
  /// The path is signed with each of its escapes encoded once more. Not S3.
  bool encode_path_again = true;
  /// "." and ".." and empty segments are resolved in the signed path. Not S3, where they are keys.
  bool normalize_path = true;
  /// Sends X-Amz-Content-Sha256 even if the payload is signed. Only S3 insists on it.
  bool send_payload_hash = false;
  /// False: the session token is added after signing. Some services once wanted it in presigned
  /// URLs.
  bool sign_session_token = true;
};

/// The rules for a service by its signing name.
SigningRules signing_rules(std::string_view service, std::string_view region);

/// Adds Host, X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256 where they belong, and
/// Authorization; earlier ones are replaced. Everything else in `request` stays as it is. Safe from
/// several threads.
void sign(Request& request, const Credentials& credentials, const SigningRules& rules,
          TimePoint now);

/// Signs in the query: whoever has the URL may make this one request for `lifetime` from `now`.
/// Throws `usage` if that is not 1 second to 7 days.
void presign(Request& request, const Credentials& credentials, const SigningRules& rules,
             TimePoint now, std::chrono::seconds lifetime);

/// What is digested of a request: `signed_headers` is the list that it names.
struct CanonicalRequest {
  std::string text;
  std::string signed_headers;
};
CanonicalRequest canonical_request(const Request& request, const SigningRules& rules,
                                   std::string_view payload_hash);

}  // namespace hallmark::aws
