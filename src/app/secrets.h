#pragma once
/// Secrets that config.yaml names but never holds.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "aws/client.h"
#include "base/files.h"

namespace hallmark::app {

/// Where secrets are looked for. Copies are cheap.
struct SecretPlaces {
  Path directory;  ///< relative file names begin here
  /// Made when the first secret is in AWS.
  std::function<std::shared_ptr<aws::Caller>()> aws;
  std::string aws_region;  ///< unless the reference is an ARN, which names its own
};

/// The value of "env:NAME", "file:PATH" (without its last newline), "secretsmanager:NAME_OR_ARN",
/// "secretsmanager:NAME_OR_ARN#MEMBER" of a secret that is a JSON object, or "ssm:/NAME" of a
/// SecureString. It is blotted out of every log and error from then on. Throws `usage` for a
/// reference that is none of these or an empty secret, `not_found` with the reference if there is
/// no such secret, and what aws::Caller throws.
std::string secret_value(const std::string& reference, const SecretPlaces& places,
                         std::stop_token stop);

}  // namespace hallmark::app
