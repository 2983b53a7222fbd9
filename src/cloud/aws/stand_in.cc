#include "cloud/aws/stand_in.h"

#include "aws/credentials/renewing.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::cloud {

namespace {

std::string look_for_stand_in() {
  std::string why = net::why_not_started("the AWS stand-in", {"python3", HALLMARK_STAND_IN});
  if (!why.empty()) return why;
  // A build from Debian's packages alone has models too old for this cloud; it refuses to start
  // too.
  try {
    hallmark::aws::ModelLibrary models;
    hallmark::aws::require(models, aws_model_needs());
  } catch (const Error& e) {
    return e.full_text();
  }
  return "";
}

}  // namespace

std::string why_no_stand_in() {
  static const std::string kWhy = look_for_stand_in();
  return kWhy;
}

StandIn::StandIn(const std::vector<std::string>& accounts)
    : process_({"python3", HALLMARK_STAND_IN, "--accounts", join(accounts, ",")}) {
  Json hello = parse_json(process_.hello(), "the AWS stand-in");
  endpoint_ = member<std::string>(hello, "endpoint");
  for (const Json& account : hello.at("accounts")) {
    keys_[member<std::string>(account, "account")] = {
        .access_key_id = member<std::string>(account, "access_key_id"),
        .secret_access_key = member<std::string>(account, "secret_access_key"),
        .source = "the stand-in"};
  }
}

Json StandIn::control(const std::string& name, const std::optional<Json>& body) const {
  return net::control_stand_in(endpoint_, name, body);
}

std::shared_ptr<hallmark::aws::CredentialProvider> StandIn::credentials(
    const std::string& account) const {
  auto found = keys_.find(account);
  if (found == keys_.end()) {
    throw Error(ErrorKind::denied, "the stand-in has no account {}", account);
  }
  return std::make_shared<hallmark::aws::FixedCredentials>(found->second);
}

namespace {

std::shared_ptr<hallmark::aws::HttpClient> client_at(
    const std::string& endpoint, std::shared_ptr<hallmark::aws::CredentialProvider> credentials,
    Clock& clock) {
  return std::make_shared<hallmark::aws::HttpClient>(
      clock,
      hallmark::aws::ClientOptions{.endpoint_url = endpoint,
                                   .credentials = std::move(credentials),
                                   .limit_rates = false,
                                   .environment = [](const std::string&) { return std::nullopt; },
                                   .home = "/nonexistent"});
}

}  // namespace

std::shared_ptr<hallmark::aws::HttpClient> StandIn::client(const std::string& account,
                                                           Clock& clock) const {
  return client_at(endpoint_, credentials(account), clock);
}

std::shared_ptr<hallmark::aws::HttpClient> StandIn::client(const hallmark::aws::Credentials& keys,
                                                           Clock& clock) const {
  return client_at(endpoint_, std::make_shared<hallmark::aws::FixedCredentials>(keys), clock);
}

std::unique_ptr<Cloud> StandIn::open(const AwsCloudConfig& config, Clock& clock) const {
  return make_aws_cloud(
      config, client(config.account_id, clock),
      [this](const std::string& account) { return credentials(account); }, clock);
}

std::shared_ptr<ImageServices> StandIn::open_image_services(const AwsCloudConfig& config,
                                                            Clock& clock) const {
  auto caller = client(config.account_id, clock);
  const bool watermarks = hallmark::aws::knows(caller->models(), watermark_need());
  return make_aws_image_services(
      config, std::move(caller),
      [this](const std::string& account) { return credentials(account); }, watermarks, clock);
}

}  // namespace hallmark::cloud
