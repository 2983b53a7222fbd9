#pragma once
/// Where a service is reached and for which region it wants its signature.

#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials/profiles.h"
#include "aws/message.h"
#include "aws/model.h"

namespace hallmark::aws {

/// A world of regions of its own, with its own names.
struct Partition {
  std::string_view name;  ///< "aws", "aws-cn": as in ARNs
  std::string_view dns_suffix;
  std::string_view dual_stack_suffix;
  std::string_view iam_host;
  std::string_view iam_region;
  std::string_view organizations_region;
};
/// Regions that nobody has heard of are of "aws".
const Partition& partition_of(std::string_view region);

/// Throws `usage` if `region` does not look like one. New regions need no release of ours.
void check_region(std::string_view region);

struct EndpointSettings {
  std::string url;  ///< a user's own endpoint; empty: AWS's
  bool fips = false;
  bool dual_stack = false;
  bool s3_path_style = false;  ///< the bucket in the path even where it could stand in the host
};

/// What the user says about endpoints: `given` (a flag), AWS_ENDPOINT_URL_<SERVICE>,
/// AWS_ENDPOINT_URL, the profile's services section, its endpoint_url; AWS_USE_FIPS_ENDPOINT,
/// AWS_USE_DUALSTACK_ENDPOINT and their twins in the profile.
/// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS silences all but `given`.
EndpointSettings endpoint_settings(const Metadata& metadata, const std::string& given,
                                   const Profiles& profiles, const std::string& profile,
                                   const Environment& environment);

struct Endpoint {
  std::string scheme;
  std::string host;
  std::string path;  ///< before the request's own; without "/" at the end
  std::string signing_region;
  bool own = false;  ///< a user's, not AWS's
};
/// Throws `usage` for a region or URL that is none.
Endpoint find_endpoint(const Metadata& metadata, const std::string& region,
                       const EndpointSettings& settings);

/// Puts scheme, host and path into `request`: with the model's host prefix, and for S3 with the
/// bucket in the host where that is possible.
void address(Request& request, const Metadata& metadata, const Operation& operation,
             const Endpoint& endpoint, const EndpointSettings& settings);

}  // namespace hallmark::aws
