#include "aws/endpoint.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

struct PrefixedPartition {
  std::string_view region_prefix;
  Partition partition;
};

// By the beginning of a region's name; the first that fits counts.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
constexpr std::array<PrefixedPartition, 8> kPartitions = {{
    {"cn-",
     {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
      "iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "cn-northwest-1"}},
    {"us-gov-",
     {"aws-us-gov", "amazonaws.com", "api.aws", "iam.us-gov.amazonaws.com", "us-gov-west-1",
      "us-gov-west-1"}},
    {"us-isob-",
     {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "iam.us-isob-east-1.sc2s.sgov.gov",
      "us-isob-east-1", "us-isob-east-1"}},
    {"us-isof-",
     {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "iam.us-isof-south-1.csp.hci.ic.gov",
      "us-isof-south-1", "us-isof-south-1"}},
    {"us-iso-",
     {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
      "us-iso-east-1"}},
    {"eu-isoe-",
     {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "iam.eu-isoe-west-1.cloud.adc-e.uk",
      "eu-isoe-west-1", "eu-isoe-west-1"}},
    {"eusc-",
     {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "iam.eusc-de-east-1.amazonaws.eu",
      "eusc-de-east-1", "eusc-de-east-1"}},
    {"", {"aws", "amazonaws.com", "api.aws", "iam.amazonaws.com", "us-east-1", "us-east-1"}},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/// ^[a-z]{2,4}(-[a-z]+)+-\d+$
bool looks_like_region(std::string_view region) {
  std::vector<std::string> parts = split(region, '-');
  if (parts.size() < 3 || parts[0].size() < 2 || parts[0].size() > 4) return false;
  auto all = [](const std::string& part, bool (*accepts)(char)) {
    return !part.empty() && std::all_of(part.begin(), part.end(), accepts);
  };
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!all(parts[i], is_lower)) return false;
  }
  return all(parts.back(), is_digit);
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

/// "https://host:port/path" in its parts.
Endpoint from_url(const std::string& url) {
  std::size_t start = url.find("://");
  std::string scheme = start == url.npos ? "" : url.substr(0, start);
  std::string rest = start == url.npos ? "" : url.substr(start + 3);
  std::size_t slash = rest.find('/');
  Endpoint out{scheme, rest.substr(0, slash), slash == rest.npos ? "" : rest.substr(slash), "",
               true};
  while (out.path.ends_with('/')) out.path.pop_back();
  bool plain = url.find_first_of("?#@ \t\r\n") == url.npos;
  if ((scheme != "http" && scheme != "https") || out.host.empty() || !plain) {
    throw Error(ErrorKind::usage, "\"{}\" is not the URL of an endpoint", url)
        .hint("write it like https://host:port");
  }
  return out;
}

/// Whether a bucket may be a label of the host's name. A dot would make one more label, for which
/// no certificate stands.
bool fits_in_host(std::string_view bucket) {
  bool ends = !bucket.empty() && (is_lower(bucket.front()) || is_digit(bucket.front())) &&
              (is_lower(bucket.back()) || is_digit(bucket.back()));
  return ends && bucket.size() >= 3 && bucket.size() <= 63 &&
         std::all_of(bucket.begin(), bucket.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

/// The endpoints of GovCloud without "-fips" in the name are the FIPS ones for these services.
bool plain_is_fips(const Metadata& metadata, const Partition& partition, bool dual_stack) {
  constexpr std::array<std::string_view, 2> kAlways = {"events", "organizations"};
  constexpr std::array<std::string_view, 7> kWithoutDualStack = {
      "cloudformation", "config", "ec2", "iam", "sns", "ssm", "sts"};
  auto among = [&](const auto& names) {
    return std::find(names.begin(), names.end(), metadata.service) != names.end();
  };
  return partition.name == "aws-us-gov" &&
         (among(kAlways) || (among(kWithoutDualStack) && !dual_stack));
}

std::string aws_host(const Metadata& metadata, const std::string& region,
                     const EndpointSettings& settings) {
  const Partition& partition = partition_of(region);
  bool fips = settings.fips && !plain_is_fips(metadata, partition, settings.dual_stack);
  std::string mark = fips ? "-fips" : "";
  if (metadata.service == "s3") {
    return "s3" + mark + (settings.dual_stack ? ".dualstack." : ".") + region + "." +
           std::string(partition.dns_suffix);
  }
  std::string_view suffix =
      settings.dual_stack ? partition.dual_stack_suffix : partition.dns_suffix;
  return std::string(metadata.endpoint_prefix) + mark + "." + region + "." + std::string(suffix);
}

/// IAM is one service for all regions of a partition.
std::string iam_host(const Partition& partition, const EndpointSettings& settings) {
  bool gov = partition.name == "aws-us-gov";
  std::string mark = settings.fips && !gov ? "-fips" : "";
  if (settings.dual_stack) {
    return (gov ? "iam.us-gov." : "iam" + mark + ".global.") +
           std::string(partition.dual_stack_suffix);
  }
  return "iam" + mark + std::string(partition.iam_host.substr(3));
}

}  // namespace

const Partition& partition_of(std::string_view region) {
  return std::find_if(kPartitions.begin(), kPartitions.end(),
                      [&](const auto& row) { return region.starts_with(row.region_prefix); })
      ->partition;
}

void check_region(std::string_view region) {
  if (region.empty()) {
    throw Error(ErrorKind::usage, "no AWS region is known")
        .hint("give --region, set AWS_REGION, or set region in the profile");
  }
  if (looks_like_region(region)) return;
  Error error(ErrorKind::usage, "\"{}\" is not the name of an AWS region", region);
  std::string_view without_zone = region.substr(0, region.size() - 1);
  if (looks_like_region(without_zone)) {
    error.hint("that is an availability zone of " + std::string(without_zone));
  } else {
    error.hint("regions look like us-east-1");
  }
  throw error;
}

EndpointSettings endpoint_settings(const Metadata& metadata, const std::string& given,
                                   const Profiles& profiles, const std::string& profile,
                                   const Environment& environment) {
  std::string id = replace_all(std::string(metadata.service_id), " ", "_");
  id = replace_all(id, "-", "_");
  auto first = [](std::optional<std::string> a, std::optional<std::string> b) {
    return a && !a->empty() ? a : b;
  };
  auto setting = [&](const std::string& key) { return profiles.setting(profile, key); };
  EndpointSettings out;
  out.url = given;
  bool ignored = is_true(first(environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
                               setting("ignore_configured_endpoint_urls")));
  if (out.url.empty() && !ignored) {
    std::optional<std::string> url =
        first(environment("AWS_ENDPOINT_URL_" + upper(id)), environment("AWS_ENDPOINT_URL"));
    auto services = profiles.services.find(setting("services").value_or(""));
    if (services != profiles.services.end()) {
      auto found = services->second.find(to_lower(id) + ".endpoint_url");
      if (found != services->second.end()) url = first(url, found->second);
    }
    out.url = first(url, setting("endpoint_url")).value_or("");
  }
  out.fips = is_true(first(environment("AWS_USE_FIPS_ENDPOINT"), setting("use_fips_endpoint")));
  out.dual_stack =
      is_true(first(environment("AWS_USE_DUALSTACK_ENDPOINT"), setting("use_dualstack_endpoint")));
  out.s3_path_style = setting("s3.addressing_style").value_or("") == "path";
  return out;
}

Endpoint find_endpoint(const Metadata& metadata, const std::string& region,
                       const EndpointSettings& settings) {
  const Partition& partition = partition_of(region);
  bool iam = metadata.service == "iam";
  bool organizations = metadata.service == "organizations";
  if (!settings.url.empty()) {
    Endpoint out = from_url(settings.url);
    out.signing_region = iam             ? partition.iam_region
                         : organizations ? partition.organizations_region
                                         : std::string_view(region);
    if (out.signing_region.empty()) check_region(region);
    return out;
  }
  Endpoint out{"https", "", "", region, false};
  if (iam) {
    out.signing_region = partition.iam_region;
    out.host = iam_host(partition, settings);
    return out;
  }
  if (organizations) out.signing_region = partition.organizations_region;
  check_region(out.signing_region);
  out.host = aws_host(metadata, out.signing_region, settings);
  return out;
}

void address(Request& request, const Metadata& metadata, const Operation& operation,
             const Endpoint& endpoint, const EndpointSettings& settings) {
  request.scheme = endpoint.scheme;
  request.host = request.host_prefix + endpoint.host;
  if (metadata.service == "s3" && operation.uri.starts_with("/{Bucket}") && !endpoint.own &&
      !settings.s3_path_style) {
    std::size_t end = request.path.find('/', 1);
    std::string bucket = request.path.substr(1, end == request.path.npos ? end : end - 1);
    if (fits_in_host(bucket)) {
      request.host = bucket + "." + request.host;
      request.path = end == request.path.npos ? "/" : request.path.substr(end);
    }
  }
  request.path = endpoint.path + (request.path.empty() ? "/" : request.path);
}

}  // namespace hallmark::aws
