#pragma once
/// Calls to AWS services, by name: no operation has code of its own.

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "aws/value.h"

namespace hallmark::aws {

class CredentialProvider;

struct Call {
  std::string service;    ///< the model's directory name: "ec2", "ssm", "ebs"
  std::string operation;  ///< "RunInstances"
  std::string region;     ///< "us-east-1"
  /// Whose call it is; null for the client's own.
  std::shared_ptr<CredentialProvider> credentials;
};

/// Anything that carries out calls: the real client, and scripts in tests.
class Caller {
 public:
  virtual ~Caller() = default;
  /// Validates `input` against the model, signs, sends, tries again as the service's retry rules
  /// say, and reads the answer. Blocks; safe from several threads. Throws `usage` (input that the
  /// model does not allow, naming the path in it; an unknown service or operation), `denied` (no
  /// credentials, or expired for good), `unavailable`, `timeout`, `corrupt` (an answer that is
  /// none), `cancelled` (`stop`), and ApiError with the kind that the service's code means: see
  /// aws/error_codes.h.
  virtual Value call(const Call& call, const Value& input, std::stop_token stop) = 0;
  /// A URL that lets whoever has it make this call once or often for `lifetime`, without
  /// credentials: S3 downloads and uploads. Throws as call() does, and `usage` if it makes none.
  virtual std::string presigned_url(const Call& call, const Value& input,
                                    std::chrono::seconds lifetime, std::stop_token stop);
};

}  // namespace hallmark::aws
