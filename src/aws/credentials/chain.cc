#include "aws/credentials/chain.h"

#include <array>
#include <mutex>

#include "aws/credentials/sources.h"
#include "base/error.h"
#include "base/log.h"

namespace hallmark::aws {
namespace {

struct NamedSource {
  const char* name;
  Offer (*open)(const SourceInput& input, std::stop_token stop);
};

template <Offer (*open)(const SourceInput&)>
Offer local(const SourceInput& input, std::stop_token) {
  return open(input);
}

constexpr std::array<NamedSource, 9> kSources = {{
    {"environment", local<from_environment>},
    {"role of the profile", local<from_role>},
    {"web identity", local<from_web_identity>},
    {"single sign-on", local<from_single_sign_on>},
    {"credentials file", local<from_credentials_file>},
    {"credential_process", local<from_credential_process>},
    {"config file", local<from_config_file>},
    {"container", local<from_container>},
    {"instance metadata", from_instance_metadata},
}};

class Chain : public CredentialProvider {
 public:
  explicit Chain(CredentialContext context) : context_(std::move(context)) {}

  Credentials get(std::stop_token stop) override { return provider(stop)->get(stop); }

  bool renew(const Credentials& refused) override {
    std::lock_guard lock(mutex_);
    if (!provider_ || provider_->renew(refused)) return true;
    // Lasting keys: perhaps somebody has written new ones into the file meanwhile.
    std::shared_ptr<CredentialProvider> anew = open({});
    Credentials fresh = anew->get({});
    if (fresh.access_key_id == refused.access_key_id &&
        fresh.session_token == refused.session_token) {
      return false;
    }
    provider_ = anew;
    return true;
  }

 private:
  std::shared_ptr<CredentialProvider> provider(const std::stop_token& stop) {
    std::lock_guard lock(mutex_);
    if (!provider_) provider_ = open(stop);
    return provider_;
  }

  std::shared_ptr<CredentialProvider> open(const std::stop_token& stop) {
    Profiles profiles = load_profiles(context_.environment, context_.home);
    SourceInput input{context_, profiles, profiles.choose(context_.profile, context_.environment),
                      context_.profile.empty()};
    Error none(ErrorKind::denied, "no AWS credentials were found");
    for (const NamedSource& source : kSources) {
      bool is_environment = source.open == local<from_environment>;
      if (is_environment && !input.use_environment) {
        none.note(std::string(source.name) + ": not asked, because a profile was given");
        continue;
      }
      Offer offer;
      try {
        offer = source.open(input, stop);
      } catch (Error& error) {
        error.note(std::string("while looking for AWS credentials: ") + source.name);
        throw;
      }
      if (offer.provider) {
        log_debug("AWS credentials: {}", source.name);
        return offer.provider;
      }
      none.note(std::string(source.name) + ": " + offer.why_not);
    }
    none.hint(
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws/config with "
        "--profile");
    throw none;
  }

  CredentialContext context_;
  std::mutex mutex_;
  std::shared_ptr<CredentialProvider> provider_;
};

}  // namespace

std::shared_ptr<CredentialProvider> credential_chain(CredentialContext context) {
  return std::make_shared<Chain>(std::move(context));
}

std::string choose_region(const std::string& given, const Profiles& profiles,
                          const std::string& profile, const Environment& environment) {
  if (!given.empty()) return given;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    auto value = environment(name);
    if (value && !value->empty()) return *value;
  }
  return profiles.setting(profile, "region").value_or("");
}

}  // namespace hallmark::aws
