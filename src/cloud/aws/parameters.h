#pragma once
/// Parameters in Systems Manager's Parameter Store, with the guarded writes it does not have: only
/// creating is atomic there, so who changes or removes a parameter holds a lock, itself a parameter
/// that is created and removed.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// Locks lie here; they are not listed.
inline constexpr const char* kLockPath = "/hallmark/locks/";

/// The functions of cloud/cloud.h with the same names; see there.
std::optional<Parameter> get_parameter(const Session& session, const Place& place,
                                       const std::string& name);
std::int64_t put_parameter(const Session& session, const Place& place, const std::string& name,
                           const std::string& value, std::int64_t expected_version,
                           ParameterKind kind);
void remove_parameter(const Session& session, const Place& place, const std::string& name,
                      std::int64_t expected_version);
std::vector<Parameter> list_parameters(const Session& session, const Place& place,
                                       const std::string& path);

}  // namespace hallmark::cloud::on_aws
