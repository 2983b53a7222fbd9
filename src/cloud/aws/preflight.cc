#include "cloud/aws/preflight.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "cloud/aws/preflight_key.h"
#include "cloud/aws/preflight_permissions.h"
#include "cloud/aws/session.h"

namespace hallmark::cloud {

namespace {

using aws::ApiError;
using aws::Value;
using on_aws::text;
using State = Finding::State;

constexpr const char* kSetUp = "hallmark aws setup --apply makes it";
/// A build needs two at a time; what is left for others should not be the last ones.
constexpr std::int64_t kFewAddresses = 8;

class Preflight {
 public:
  Preflight(aws::Caller& caller, const CredentialsOf& credentials_of, const PreflightSpec& spec,
            std::stop_token stop)
      : caller_(caller), credentials_of_(credentials_of), spec_(spec), stop_(stop) {}

  std::vector<Finding> run() {
    std::string arn;
    if (!check_identity(arn)) return std::move(findings_);
    check("", "permissions", [&] {
      for (Finding& one : on_aws::check_permissions(caller_, spec_, arn, stop_))
        add(std::move(one));
    });
    check("", "instance profile", [&] { check_profile(); });
    std::map<std::string, std::string> opted;
    check("", "regions", [&] { opted = opt_in_states(); });
    for (const AwsRegion& region : spec_.config.regions) {
      if (check_opted_in(region.name, opted)) check_region(region);
    }
    for (const std::string& account : spec_.child_accounts) check_child(account);
    return std::move(findings_);
  }

 private:
  std::string home() const { return spec_.config.regions.front().name; }

  Value call(const std::string& service, const std::string& operation, const std::string& region,
             const Value& input, std::shared_ptr<aws::CredentialProvider> credentials = nullptr) {
    return caller_.call({service, operation, region, std::move(credentials)}, input, stop_);
  }

  void add(Finding finding) { findings_.push_back(std::move(finding)); }
  void good(const std::string& where, const std::string& what, std::string found) {
    add({.where = where, .what = what, .found = std::move(found)});
  }
  void warn(const std::string& where, const std::string& what, std::string found,
            std::string way_out) {
    add({.where = where,
         .what = what,
         .state = State::warning,
         .found = std::move(found),
         .way_out = std::move(way_out)});
  }
  void miss(const std::string& where, const std::string& what, std::string found,
            std::string way_out, ErrorKind kind) {
    add({.where = where,
         .what = what,
         .state = State::missing,
         .found = std::move(found),
         .way_out = std::move(way_out),
         .kind = kind});
  }

  /// What a look throws becomes a finding: one thing that cannot be seen hides no other.
  template <typename Look>
  void check(const std::string& where, const std::string& what, const Look& look) {
    try {
      look();
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      if (e.kind() == ErrorKind::denied) {
        warn(where, what, "could not be looked at: " + e.message(),
             "hallmark aws policy prints what whoever runs Hallmark needs");
      } else {
        miss(where, what, e.message(),
             e.hint().empty() ? "look closer with: hallmark --verbose aws preflight" : e.hint(),
             e.kind());
      }
    }
  }

  bool check_identity(std::string& arn) {
    try {
      Value answer = call("sts", "GetCallerIdentity", home(), Value::object());
      arn = text(answer, "Arn");
      const std::string account = text(answer, "Account");
      if (account != spec_.config.account_id) {
        miss("", "credentials",
             fmt::format("{} is of account {}, not of {}", arn, account, spec_.config.account_id),
             "choose other credentials (cloud.aws.profile in config.yaml), or correct "
             "cloud.account_id",
             ErrorKind::usage);
        return false;
      }
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      miss(
          "", "credentials", e.message(),
          e.hint().empty() ? "see: hallmark aws call sts GetCallerIdentity --debug-wire" : e.hint(),
          e.kind());
      return false;
    }
    good("", "credentials", arn);
    return true;
  }

  void check_profile() {
    const std::string& name = spec_.config.instance_profile;
    if (name.empty()) {
      miss("", "instance profile", "config.yaml names none: no machine could be given commands",
           "hallmark aws setup --apply makes one and prints the section of config.yaml",
           ErrorKind::usage);
      return;
    }
    Value profile;
    try {
      profile = call("iam", "GetInstanceProfile", home(), {{"InstanceProfileName", name}})
                    .at("InstanceProfile");
    } catch (const ApiError& e) {
      if (e.kind() != ErrorKind::not_found) throw;
      miss("", "instance profile", "there is none named " + name, kSetUp, ErrorKind::not_found);
      return;
    }
    const Value roles = profile.value("Roles", Value::array());
    if (roles.empty()) {
      miss("", "instance profile", name + " has no role",
           "add one: hallmark aws call iam AddRoleToInstanceProfile", ErrorKind::not_found);
      return;
    }
    good("", "instance profile", name + " with role " + text(roles.at(0), "RoleName"));
  }

  std::map<std::string, std::string> opt_in_states() {
    std::map<std::string, std::string> states;
    Value answer = call("ec2", "DescribeRegions", home(), {{"AllRegions", true}});
    for (const Value& region : answer.value("Regions", Value::array())) {
      states[text(region, "RegionName")] = text(region, "OptInStatus");
    }
    return states;
  }

  bool check_opted_in(const std::string& name, const std::map<std::string, std::string>& opted) {
    if (opted.empty()) return true;  // could not be looked at
    auto found = opted.find(name);
    if (found == opted.end()) {
      miss(name, "region", "AWS has no such region", "correct cloud.regions in config.yaml",
           ErrorKind::not_found);
      return false;
    }
    if (found->second == "not-opted-in") {
      miss(name, "region", "the account has not opted in",
           fmt::format("enable it: aws account enable-region --region-name {}", name),
           ErrorKind::denied);
      return false;
    }
    good(name, "region", found->second);
    return true;
  }

  void check_region(const AwsRegion& region) {
    const std::string& name = region.name;
    check(name, "instance types", [&] { check_types(name); });
    check(name, "quota", [&] { check_quota(name); });
    std::set<std::string> networks;
    check(name, "subnets", [&] { check_subnets(region, networks); });
    check(name, "security groups", [&] { check_groups(region, networks); });
    check(name, "bucket", [&] { check_bucket(region); });
    check(name, "key", [&] {
      for (Finding& one : on_aws::check_key(caller_, spec_, region, stop_)) add(std::move(one));
    });
    check(name, "Systems Manager", [&] {
      call("ssm", "DescribeInstanceInformation", name, {{"MaxResults", 5}});
      good(name, "Systems Manager", "answers");
    });
  }

  void check_types(const std::string& region) {
    const std::vector<std::string>& wanted = spec_.config.instance_types;
    Value filter = {{"Name", "instance-type"}, {"Values", wanted}};
    Value answer = call("ec2", "DescribeInstanceTypeOfferings", region,
                        {{"LocationType", "region"}, {"Filters", Value::array({filter})}});
    std::set<std::string> offered;
    for (const Value& one : answer.value("InstanceTypeOfferings", Value::array())) {
      offered.insert(text(one, "InstanceType"));
    }
    std::vector<std::string> absent;
    for (const std::string& type : wanted) {
      if (!offered.contains(type)) absent.push_back(type);
    }
    const char* way_out = "choose others under cloud.aws.instance_types in config.yaml";
    if (absent.size() == wanted.size()) {
      miss(region, "instance types", "none of " + join(absent, ", ") + " is offered", way_out,
           ErrorKind::not_found);
    } else if (!absent.empty()) {
      warn(region, "instance types", join(absent, ", ") + " not offered", way_out);
    } else {
      good(region, "instance types", join(wanted, ", "));
    }
  }

  void check_quota(const std::string& region) {
    Value answer = call("ec2", "DescribeAccountAttributes", region, Value::object());
    std::string limit;
    for (const Value& one : answer.value("AccountAttributes", Value::array())) {
      if (text(one, "AttributeName") != "max-instances") continue;
      for (const Value& value : one.value("AttributeValues", Value::array())) {
        limit = text(value, "AttributeValue");
      }
    }
    if (limit.empty()) return;
    // A build's machine and the one that tests its image may stand at the same time.
    bool enough = limit.size() > 1 || limit >= "2";
    if (enough) {
      good(region, "quota", limit + " instances; of vCPUs EC2 shows none");
    } else {
      miss(region, "quota", limit + " instances",
           "ask for more in Service Quotas: Running On-Demand Standard instances",
           ErrorKind::unavailable);
    }
  }

  void check_subnets(const AwsRegion& region, std::set<std::string>& networks) {
    if (region.subnet_ids.empty()) {
      warn(region.name, "subnets", "none configured: machines stand in the default VPC, if any",
           kSetUp);
      return;
    }
    std::vector<std::string> shown;
    for (const std::string& id : region.subnet_ids) {
      try {
        Value subnet =
            call("ec2", "DescribeSubnets", region.name, {{"SubnetIds", Value::array({id})}})
                .at("Subnets")
                .at(0);
        networks.insert(text(subnet, "VpcId"));
        shown.push_back(id + " in " + text(subnet, "AvailabilityZone"));
        if (subnet.value("MapPublicIpOnLaunch", false)) {
          warn(region.name, "subnets", id + " gives machines public addresses",
               "take a private subnet");
        }
        if (subnet.value("AvailableIpAddressCount", kFewAddresses) < kFewAddresses) {
          warn(region.name, "subnets", id + " has hardly any free address", "take a larger subnet");
        }
      } catch (const ApiError& e) {
        if (e.kind() != ErrorKind::not_found) throw;
        miss(region.name, "subnets", "there is no " + id, kSetUp, ErrorKind::not_found);
      }
    }
    if (!shown.empty()) good(region.name, "subnets", join(shown, ", "));
  }

  void check_groups(const AwsRegion& region, const std::set<std::string>& networks) {
    if (region.security_group_ids.empty()) {
      warn(region.name, "security groups", "none configured: machines get the VPC's default group",
           kSetUp);
      return;
    }
    for (const std::string& id : region.security_group_ids) {
      Value group;
      try {
        group =
            call("ec2", "DescribeSecurityGroups", region.name, {{"GroupIds", Value::array({id})}})
                .at("SecurityGroups")
                .at(0);
      } catch (const ApiError& e) {
        if (e.kind() != ErrorKind::not_found) throw;
        miss(region.name, "security groups", "there is no " + id, kSetUp, ErrorKind::not_found);
        continue;
      }
      if (!group.value("IpPermissions", Value::array()).empty()) {
        miss(region.name, "security groups", id + " lets connections in",
             "nothing needs to come in: remove its inbound rules, or take another group",
             ErrorKind::failed);
      } else if (!networks.empty() && !networks.contains(text(group, "VpcId"))) {
        miss(region.name, "security groups",
             fmt::format("{} is of {}, where no subnet of ours is", id, text(group, "VpcId")),
             "take a group of the subnets' VPC", ErrorKind::usage);
      } else {
        good(region.name, "security groups", id + " lets nothing in");
      }
    }
  }

  void check_bucket(const AwsRegion& region) {
    const std::string& bucket = region.bucket;
    if (bucket.empty()) {
      warn(region.name, "bucket", "none configured: output past 24,000 characters is lost", kSetUp);
      return;
    }
    const Value whose = {{"Bucket", bucket}, {"ExpectedBucketOwner", spec_.config.account_id}};
    try {
      call("s3", "HeadBucket", region.name, whose);
    } catch (const ApiError& e) {
      if (e.kind() == ErrorKind::not_found) {
        miss(region.name, "bucket", "there is no " + bucket, kSetUp, ErrorKind::not_found);
        return;
      }
      if (e.kind() != ErrorKind::denied) throw;
      miss(region.name, "bucket", bucket + " is not ours, or not for us to see",
           "name another under cloud.aws.regions in config.yaml, or allow s3:ListBucket",
           ErrorKind::denied);
      return;
    }
    check_not_public(region.name, bucket, whose);
  }

  void check_not_public(const std::string& region, const std::string& bucket, const Value& whose) {
    constexpr const char* kWayOut = "hallmark aws call s3 PutPublicAccessBlock, all four true";
    bool blocked = false;
    try {
      Value answer = call("s3", "GetPublicAccessBlock", region, whose);
      const Value block = answer.value("PublicAccessBlockConfiguration", Value::object());
      blocked = true;
      for (const char* what :
           {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}) {
        blocked = blocked && block.value(what, false);
      }
    } catch (const ApiError& e) {
      if (e.code() != "NoSuchPublicAccessBlockConfiguration") {
        warn(region, "bucket",
             bucket + " is ours; whether it is public could not be looked at: " + e.message(),
             "allow s3:GetBucketPublicAccessBlock");
        return;
      }
    }
    if (blocked) return good(region, "bucket", bucket + " is ours, and nobody else's to read");
    bool open = false;
    try {
      open = call("s3", "GetBucketPolicyStatus", region, whose)
                 .value("PolicyStatus", Value::object())
                 .value("IsPublic", false);
    } catch (const ApiError&) {
      // Without a policy it has no status.
    }
    if (open) {
      miss(region, "bucket", bucket + " is public", kWayOut, ErrorKind::failed);
    } else {
      warn(region, "bucket", bucket + " is ours, but nothing keeps it from being made public",
           kWayOut);
    }
  }

  void check_child(const std::string& account) {
    std::shared_ptr<aws::CredentialProvider> credentials;
    try {
      credentials = credentials_of_(account);
      call("sts", "GetCallerIdentity", home(), Value::object(), credentials);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      miss(account, "role", e.message(),
           fmt::format("deploy the template that this prints in account {}, with the same "
                       "external id: hallmark aws child-template",
                       account),
           e.kind());
      return;
    }
    good(account, "role", spec_.child_role + " can be taken");
    for (const AwsRegion& region : spec_.config.regions) {
      const std::string where = account + "/" + region.name;
      try {
        call("ssm", "GetParameter", region.name, {{"Name", "/GoldenAMI/latest"}}, credentials);
      } catch (const ApiError& e) {
        if (e.code() != "ParameterNotFound") {
          miss(where, "parameters", e.message(),
               "deploy the newest template: hallmark aws child-template", e.kind());
          continue;
        }
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::cancelled) throw;
        miss(where, "parameters", e.message(), e.hint(), e.kind());
        continue;
      }
      good(where, "parameters", "can be read");
    }
  }

  aws::Caller& caller_;
  const CredentialsOf& credentials_of_;
  const PreflightSpec& spec_;
  const std::stop_token stop_;
  std::vector<Finding> findings_;
};

}  // namespace

const char* to_string(Finding::State state) {
  switch (state) {
    case Finding::State::ok:
      return "ok";
    case Finding::State::warning:
      return "warning";
    case Finding::State::missing:
      return "missing";
  }
  return "";
}

std::vector<Finding> preflight(aws::Caller& caller, const CredentialsOf& credentials_of,
                               const PreflightSpec& spec, std::stop_token stop) {
  return Preflight(caller, credentials_of, spec, stop).run();
}

}  // namespace hallmark::cloud
