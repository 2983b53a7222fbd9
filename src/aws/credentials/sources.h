#pragma once
/// The single sources of the chain. For the chain and for tests.

#include <memory>
#include <optional>
#include <string>

#include "aws/credentials/chain.h"

namespace hallmark::aws {

/// What a source said: a provider, or why it has none.
struct Offer {
  std::shared_ptr<CredentialProvider> provider;
  std::string why_not;
};

inline Offer no(std::string why) { return {nullptr, std::move(why)}; }

/// What all sources are given: the context and the files, read once.
struct SourceInput {
  const CredentialContext& context;
  const Profiles& profiles;
  std::string profile;
  bool use_environment = true;  ///< false: the user named a profile
};

/// Each throws `usage` or `denied` if it is configured, but wrongly.
Offer from_environment(const SourceInput& input);
Offer from_role(const SourceInput& input);
Offer from_web_identity(const SourceInput& input);
Offer from_single_sign_on(const SourceInput& input);
Offer from_credentials_file(const SourceInput& input);
Offer from_credential_process(const SourceInput& input);
Offer from_config_file(const SourceInput& input);
Offer from_container(const SourceInput& input);
/// Asks the service at once, because its being there is the configuration.
Offer from_instance_metadata(const SourceInput& input, std::stop_token stop);

/// The sources that belong to a profile, in order: for a profile itself and for the source_profile
/// of a role.
Offer from_profile(const SourceInput& input);

/// Credentials from a JSON document with the given names of members. Throws `corrupt` naming
/// `source` if one is missing.
struct CredentialNames {
  const char* key = "AccessKeyId";
  const char* secret = "SecretAccessKey";
  const char* token = "Token";
  const char* expires = "Expiration";
  bool token_required = true;
};
Credentials credentials_from_json(const std::string& text, const CredentialNames& names,
                                  const std::string& source);

/// STS's region for these.
std::string sts_region(const SourceInput& input);

}  // namespace hallmark::aws
