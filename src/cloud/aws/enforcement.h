#pragma once
/// AWS Config, EC2's Allowed AMIs and AWS Organizations as cloud/enforcement.h.

#include "cloud/aws/aws_cloud.h"
#include "cloud/enforcement.h"

namespace hallmark::cloud {

/// As make_aws_cloud(). Verdicts go to process checks, as external evaluations: they are all that
/// Config takes from whoever was not asked by it, and they are about an account, not a machine
/// (AWS Config API Reference, PutExternalEvaluation; PutEvaluations needs the token that Config
/// gives to a rule's function alone). Rules of a conformance pack are found by the name that the
/// pack's template gives them.
std::unique_ptr<Enforcement> make_aws_enforcement(AwsCloudConfig config,
                                                  std::shared_ptr<hallmark::aws::Caller> caller,
                                                  CredentialsOf credentials_of, Clock& clock);

}  // namespace hallmark::cloud
