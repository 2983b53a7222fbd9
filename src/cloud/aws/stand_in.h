#pragma once
/// For tests: the AWS stand-in of tests/aws_fake as a process of its own, and a cloud on it.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/http_client.h"
#include "base/json.h"
#include "cloud/aws/aws_cloud.h"
#include "cloud/aws/image_services.h"
#include "net/stand_in_process.h"

namespace hallmark::cloud {

/// Why it cannot run on this machine; empty if it can.
std::string why_no_stand_in();

/// Ends with the object, and with this process in any case.
class StandIn {
 public:
  /// The first account is ours.
  explicit StandIn(const std::vector<std::string>& accounts);

  /// Its control endpoint: POST /_fake/<name>, or GET without a body. See tests/aws_fake/README.md.
  Json control(const std::string& name, const std::optional<Json>& body = std::nullopt) const;
  /// A client that acts for `account` unless a call says otherwise.
  std::shared_ptr<hallmark::aws::HttpClient> client(const std::string& account, Clock& clock) const;
  /// One that has these keys.
  std::shared_ptr<hallmark::aws::HttpClient> client(const hallmark::aws::Credentials& keys,
                                                    Clock& clock) const;
  std::shared_ptr<hallmark::aws::CredentialProvider> credentials(const std::string& account) const;

  const std::string& endpoint() const { return endpoint_; }
  /// One more cloud over the same accounts and regions, with all that the stand-in was set up with.
  std::unique_ptr<Cloud> open(const AwsCloudConfig& config, Clock& clock) const;
  /// The same of image services.
  std::shared_ptr<ImageServices> open_image_services(const AwsCloudConfig& config,
                                                     Clock& clock) const;

 private:
  net::StandInProcess process_;
  std::string endpoint_;
  std::map<std::string, hallmark::aws::Credentials> keys_;
};

}  // namespace hallmark::cloud
