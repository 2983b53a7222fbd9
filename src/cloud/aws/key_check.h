#pragma once
/// What a key's policy and grants let our account do, read before anything is encrypted with it.

#include <string_view>

#include "cloud/aws/session.h"
#include "cloud/image_services.h"

namespace hallmark::cloud::on_aws {

/// The function of cloud/image_services.h with the same name; see there.
KeyCheck check_key(const Session& session, const Place& place, const std::string& key_id,
                   bool to_share);

/// Those of `actions` that the policy does not let the account do by itself, without a condition
/// that keeps it from making grants for others. Conditions that cannot be judged from here count
/// for the account. Throws `corrupt` if it is no policy.
std::vector<std::string> actions_missing(std::string_view policy, const std::string& account_id,
                                         const std::vector<std::string>& actions);

/// The statement that lets the account do them, as JSON.
std::string statement_for(const std::string& principal, const std::vector<std::string>& actions);

}  // namespace hallmark::cloud::on_aws
