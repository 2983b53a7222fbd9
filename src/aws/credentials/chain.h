#pragma once
/// Finding credentials where AWS's own tools find them, in the same order.

#include <functional>
#include <memory>
#include <string>

#include "aws/client.h"
#include "aws/credentials/credentials.h"
#include "aws/credentials/profiles.h"
#include "base/clock.h"
#include "net/exchange.h"

namespace hallmark::aws {

using HttpExchange =
    std::function<net::ExchangeResponse(const net::ExchangeRequest&, std::stop_token)>;

/// All that the sources touch, so that tests need no machine. What is referred to must outlive the
/// providers made from it.
struct CredentialContext {
  Environment environment;
  Path home;
  Clock* clock = nullptr;
  HttpExchange exchange;
  Caller* caller = nullptr;  ///< asks STS
  std::string region;        ///< of STS; empty: what environment and profile say, else us-east-1
  std::string profile;       ///< as the user gave it; empty: the environment's or "default"
};

/// The chain: environment (not if a profile is given), role of the profile, web identity, single
/// sign-on, credentials file, credential_process, config file, container, instance metadata. The
/// first source that is configured is the one; if it fails, its error is thrown and no other is
/// asked.
/// Files are read and sources asked at the first get(). get() throws `denied` listing what each
/// source said if none is there.
std::shared_ptr<CredentialProvider> credential_chain(CredentialContext context);

/// Of the region setting: `given`, else AWS_REGION, AWS_DEFAULT_REGION, the profile's; else empty.
std::string choose_region(const std::string& given, const Profiles& profiles,
                          const std::string& profile, const Environment& environment);

}  // namespace hallmark::aws
