#include "aws/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace hallmark::aws {
namespace {

using ::testing::HasSubstr;

Metadata service(const char* name, const char* prefix = nullptr, const char* id = "") {
  Metadata metadata;
  metadata.service = name;
  metadata.endpoint_prefix = prefix ? prefix : name;
  metadata.service_id = id;
  return metadata;
}

std::string host(const Metadata& metadata, const char* region, EndpointSettings settings = {}) {
  return find_endpoint(metadata, region, settings).host;
}

Environment with(std::map<std::string, std::string> values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Endpoint, IsMadeFromServiceRegionAndPartition) {
  EXPECT_EQ(host(service("ec2"), "us-east-1"), "ec2.us-east-1.amazonaws.com");
  EXPECT_EQ(host(service("sesv2", "email"), "eu-west-1"), "email.eu-west-1.amazonaws.com");
  EXPECT_EQ(host(service("ec2"), "cn-north-1"), "ec2.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(host(service("ec2"), "us-gov-west-1"), "ec2.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(host(service("ec2"), "us-iso-east-1"), "ec2.us-iso-east-1.c2s.ic.gov");
  EXPECT_EQ(host(service("ec2"), "us-isob-east-1"), "ec2.us-isob-east-1.sc2s.sgov.gov");
  EXPECT_EQ(host(service("ec2"), "zz-somewhere-new-7"), "ec2.zz-somewhere-new-7.amazonaws.com");
  EXPECT_EQ(find_endpoint(service("ec2"), "eu-west-1", {}).signing_region, "eu-west-1");
}

TEST(Endpoint, FipsAndDualStack) {
  EndpointSettings fips{.fips = true};
  EndpointSettings dual{.dual_stack = true};
  EXPECT_EQ(host(service("ec2"), "us-east-1", fips), "ec2-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(host(service("ec2"), "us-gov-west-1", fips), "ec2.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(host(service("ec2"), "us-east-1", dual), "ec2.us-east-1.api.aws");
  EXPECT_EQ(host(service("s3"), "us-east-1", dual), "s3.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(host(service("s3"), "us-east-1", {.fips = true, .dual_stack = true}),
            "s3-fips.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(host(service("iam"), "eu-west-1", fips), "iam-fips.amazonaws.com");
}

TEST(Endpoint, GlobalServicesSignForTheirOwnRegion) {
  Endpoint iam = find_endpoint(service("iam"), "eu-west-1", {});
  EXPECT_EQ(iam.host, "iam.amazonaws.com");
  EXPECT_EQ(iam.signing_region, "us-east-1");
  EXPECT_EQ(find_endpoint(service("iam"), "cn-northwest-1", {}).host,
            "iam.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(find_endpoint(service("iam"), "us-gov-east-1", {}).signing_region, "us-gov-west-1");
  Endpoint organizations = find_endpoint(service("organizations"), "us-gov-east-1", {});
  EXPECT_EQ(organizations.host, "organizations.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(organizations.signing_region, "us-gov-west-1");
}

TEST(Endpoint, RefusesWhatIsNoRegion) {
  for (const char* region :
       {"", "mars", "us-east", "us-east-1a", "us-east-1.evil.com/", "US-EAST-1"}) {
    EXPECT_THROW(find_endpoint(service("ec2"), region, {}), Error) << region;
  }
  try {
    check_region("us-east-1a");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.hint(), HasSubstr("us-east-1"));
  }
}

TEST(Endpoint, AUsersUrlComesBeforeAll) {
  Endpoint own = find_endpoint(service("ec2"), "eu-west-1", {.url = "http://127.0.0.1:5555/base/"});
  EXPECT_EQ(own.scheme, "http");
  EXPECT_EQ(own.host, "127.0.0.1:5555");
  EXPECT_EQ(own.path, "/base");
  EXPECT_EQ(own.signing_region, "eu-west-1");
  EXPECT_EQ(find_endpoint(service("iam"), "", {.url = "http://h"}).signing_region, "us-east-1");
  for (const char* url : {"h", "ftp://h", "http://", "http://h?x", "http://u:p@h"}) {
    EXPECT_THROW(find_endpoint(service("ec2"), "eu-west-1", {.url = url}), Error) << url;
  }
}

TEST(Endpoint, SettingsHaveTheirOrder) {
  Metadata scan = service("inspector-scan", nullptr, "Inspector Scan");
  Profiles profiles;
  profiles.profiles["p"] = {{"endpoint_url", "http://profile"}, {"services", "local"}};
  profiles.services["local"] = {{"inspector_scan.endpoint_url", "http://services"},
                                {"ec2.endpoint_url", "http://other"}};
  auto url = [&](const std::string& given, std::map<std::string, std::string> variables) {
    return endpoint_settings(scan, given, profiles, "p", with(std::move(variables))).url;
  };
  std::map<std::string, std::string> both = {{"AWS_ENDPOINT_URL", "http://all"},
                                             {"AWS_ENDPOINT_URL_INSPECTOR_SCAN", "http://one"}};
  EXPECT_EQ(url("http://flag", both), "http://flag");
  EXPECT_EQ(url("", both), "http://one");
  EXPECT_EQ(url("", {{"AWS_ENDPOINT_URL", "http://all"}}), "http://all");
  EXPECT_EQ(url("", {}), "http://services");
  profiles.services.clear();
  EXPECT_EQ(url("", {}), "http://profile");
  both["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(url("", both), "");
  EXPECT_TRUE(
      endpoint_settings(scan, "", profiles, "p", with({{"AWS_USE_FIPS_ENDPOINT", "true"}})).fips);
}

std::string s3_url(const char* path, const char* uri, EndpointSettings settings = {}) {
  Metadata s3 = service("s3");
  Operation operation;
  operation.uri = uri;
  Request request;
  request.path = path;
  address(request, s3, operation, find_endpoint(s3, "us-east-1", settings), settings);
  return request.host + request.path;
}

TEST(Endpoint, BucketsStandInTheHostWhereTheyCan) {
  EXPECT_EQ(s3_url("/bucket/a/b", "/{Bucket}/{Key+}"), "bucket.s3.us-east-1.amazonaws.com/a/b");
  EXPECT_EQ(s3_url("/bucket", "/{Bucket}"), "bucket.s3.us-east-1.amazonaws.com/");
  EXPECT_EQ(s3_url("/", "/"), "s3.us-east-1.amazonaws.com/");
  EXPECT_EQ(s3_url("/with.dot/a", "/{Bucket}/{Key+}"), "s3.us-east-1.amazonaws.com/with.dot/a");
  EXPECT_EQ(s3_url("/Upper/a", "/{Bucket}/{Key+}"), "s3.us-east-1.amazonaws.com/Upper/a");
  EXPECT_EQ(s3_url("/bucket/a", "/{Bucket}/{Key+}", {.s3_path_style = true}),
            "s3.us-east-1.amazonaws.com/bucket/a");
  EXPECT_EQ(s3_url("/bucket/a", "/{Bucket}/{Key+}", {.url = "http://127.0.0.1:9"}),
            "127.0.0.1:9/bucket/a");
}

}  // namespace
}  // namespace hallmark::aws
