#include "aws/signing/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/url.h"
#include "base/error.h"

namespace hallmark::aws {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The expected signatures were computed with botocore's signers.
const TimePoint kNow = from_rfc3339("2026-11-22T17:05:01Z");

Credentials user() {
  return {.access_key_id = "AKIAEXAMPLEKEY", .secret_access_key = "secret/key+with=chars"};
}

Credentials session() {
  return {.access_key_id = "ASIAEXAMPLEKEY",
          .secret_access_key = "secret/key+with=chars",
          .session_token = "tok/en+=="};
}

std::string signature(Request request, const Credentials& credentials, const char* service,
                      const char* region) {
  sign(request, credentials, signing_rules(service, region), kNow);
  std::string authorization = header(request.headers, "Authorization").value_or("");
  return authorization.substr(authorization.find("Signature=") + 10);
}

TEST(Sigv4, SignsAForm) {
  Request request{.method = "POST",
                  .scheme = "https",
                  .host = "ec2.eu-central-1.amazonaws.com",
                  .path = "/",
                  .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                  .body = "Action=DescribeImages&Version=2016-11-15"};
  EXPECT_EQ(signature(request, session(), "ec2", "eu-central-1"),
            "527303fdf9a0c0197025a95df21a0f1db44d81e5531dd08cd8d7d1523b663c3e");
  sign(request, session(), signing_rules("ec2", "eu-central-1"), kNow);
  EXPECT_EQ(header(request.headers, "x-amz-date"), "20261122T170501Z");
  EXPECT_EQ(header(request.headers, "X-AMZ-SECURITY-TOKEN"), "tok/en+==");
  EXPECT_EQ(header(request.headers, "host"), "ec2.eu-central-1.amazonaws.com");
  EXPECT_THAT(*header(request.headers, "Authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=ASIAEXAMPLEKEY/20261122/eu-central-1/ec2/"
                         "aws4_request, SignedHeaders=content-type;host;x-amz-date;"
                         "x-amz-security-token, Signature="));
}

TEST(Sigv4, SortsAndEncodesTheQuery) {
  Request request{.method = "GET",
                  .scheme = "https",
                  .host = "ebs.us-east-1.amazonaws.com",
                  .path = "/snapshots/snap-1/blocks",
                  .query = {{"pageToken", "z/y+="}, {"maxResults", "5"}, {"a", "\xc3\xa4"}}};
  EXPECT_EQ(signature(request, user(), "ebs", "us-east-1"),
            "52217ba4907aa0e547dcf69f6fa12ec85f24fe4f474b669e93c039641715d2b0");
  EXPECT_EQ(request_url(request),
            "https://ebs.us-east-1.amazonaws.com/snapshots/snap-1/"
            "blocks?pageToken=z%2Fy%2B%3D&maxResults=5&a=%C3%A4");
}

TEST(Sigv4, EncodesEscapesInThePathOnceMore) {
  Request request{.method = "GET",
                  .scheme = "https",
                  .host = "lambda.us-east-1.amazonaws.com",
                  .path =
                      "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/"
                      "./x"};
  EXPECT_EQ(signature(request, user(), "lambda", "us-east-1"),
            "f09bd83848f3292bb49f30bd9843d3763b2aaa2535e59a5f571d9a098dd8c0e3");
}

TEST(Sigv4, LeavesKeysOfS3Alone) {
  Request request{.method = "PUT",
                  .scheme = "https",
                  .host = "bucket.s3.us-east-1.amazonaws.com",
                  .path = "/a//b/../c%20d%28e%29",
                  .query = {{"x-id", "PutObject"}},
                  .headers = {{"x-amz-server-side-encryption", "aws:kms"},
                              {"x-amz-server-side-encryption-aws-kms-key-id", "k"},
                              {"x-amz-meta-a", "1"},
                              {"x-amz-meta-a-b", "2"}},
                  .body = "hello"};
  EXPECT_EQ(signature(request, session(), "s3", "us-east-1"),
            "31b072df20be7426b0257edc74c3012f8077e9354f6b22b9db026852b81c6027");
}

TEST(Sigv4, LeavesAPayloadUnsignedWhereTheModelSaysSo) {
  Request request{.method = "PUT",
                  .scheme = "https",
                  .host = "ebs.us-east-1.amazonaws.com",
                  .path = "/snapshots/snap-1/blocks/3",
                  .headers = {{"x-amz-Checksum", "abc="},
                              {"x-amz-Checksum-Algorithm", "SHA256"},
                              {"x-amz-Data-Length", "524288"}},
                  .body = "zzz",
                  .sign_payload = false};
  EXPECT_EQ(signature(request, user(), "ebs", "us-east-1"),
            "76101f2b605e6936a82b5c9ddd0dce8d9e0ea836b16249d71d86c7607840b74c");
  sign(request, user(), signing_rules("ebs", "us-east-1"), kNow);
  EXPECT_EQ(header(request.headers, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
  // Without TLS nothing else would protect it.
  request.scheme = "http";
  request.headers.clear();
  sign(request, user(), signing_rules("ebs", "us-east-1"), kNow);
  EXPECT_EQ(header(request.headers, "x-amz-content-sha256"), std::nullopt);
}

TEST(Sigv4, PresignsUrls) {
  Request request{.method = "GET",
                  .scheme = "https",
                  .host = "bucket.s3.us-east-1.amazonaws.com",
                  .path = "/log.txt",
                  .query = {{"versionId", "1/2"}}};
  presign(request, session(), signing_rules("s3", "us-east-1"), kNow, 900s);
  EXPECT_THAT(request_url(request),
              EndsWith("&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token="
                       "tok%2Fen%2B%3D%3D&X-Amz-Signature="
                       "bb5fa9a766a873034482eb56752c2d0fe47d73885710d91b59b7ffaa95e9cfd4"));
  EXPECT_TRUE(request.headers.empty());
  Request sts{.method = "GET",
              .scheme = "https",
              .host = "sts.us-east-1.amazonaws.com",
              .path = "/",
              .query = {{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}}};
  presign(sts, user(), signing_rules("sts", "us-east-1"), kNow, 60s);
  EXPECT_THAT(request_url(sts),
              EndsWith("66dee742190f89b1c1a8a3312f4e8abbf02cadfa675e3765dabd2bb8111d849e"));
  // Signing again replaces the earlier signature.
  std::string once = request_url(sts);
  presign(sts, user(), signing_rules("sts", "us-east-1"), kNow, 60s);
  EXPECT_EQ(request_url(sts), once);
  EXPECT_THROW(presign(sts, user(), signing_rules("sts", "us-east-1"), kNow, 0s), Error);
  EXPECT_THROW(presign(sts, user(), signing_rules("sts", "us-east-1"), kNow, 604801s), Error);
}

TEST(Sigv4, CanonicalRequestFollowsTheRules) {
  Request request{.method = "GET",
                  .host = "h",
                  .path = "/a/./b/../../c//d/",
                  .query = {{"b", ""}, {"a", "2"}, {"a", "1"}, {"A", "x y"}},
                  .headers = {{"X-B", "  one   two\t three "},
                              {"x-a-longer", "1"},
                              {"X-A", "first"},
                              {"x-a", "second"},
                              {"User-Agent", "u"},
                              {"Expect", ""},
                              {"X-Amzn-Trace-Id", "t"}}};
  CanonicalRequest canonical = canonical_request(request, signing_rules("x", "r"), "HASH");
  EXPECT_EQ(canonical.text,
            "GET\n/c/d/\nA=x%20y&a=1&a=2&b=\nhost:h\nx-a:first,second\nx-a-longer:1\n"
            "x-b:one two three\n\nhost;x-a;x-a-longer;x-b\nHASH");
  request.path = "/..";
  EXPECT_THAT(canonical_request(request, signing_rules("x", "r"), "H").text,
              StartsWith("GET\n/\n"));
  request.path = "";
  EXPECT_THAT(canonical_request(request, signing_rules("s3", "r"), "H").text,
              StartsWith("GET\n/\n"));
}

TEST(Sigv4, ATokenMayBeAddedAfterSigning) {
  SigningRules rules = signing_rules("x", "r");
  rules.sign_session_token = false;
  Request request{.method = "GET", .host = "h", .path = "/"};
  sign(request, session(), rules, kNow);
  EXPECT_EQ(header(request.headers, "x-amz-security-token"), "tok/en+==");
  EXPECT_THAT(*header(request.headers, "authorization"), Not(HasSubstr("security-token")));
}

TEST(Url, EncodesAndDecodes) {
  EXPECT_EQ(percent_encode("aZ09-_.~ /:+%\xff"), "aZ09-_.~%20%2F%3A%2B%25%FF");
  EXPECT_EQ(percent_encode("a/b c", true), "a/b%20c");
  EXPECT_EQ(percent_decode("a%2fb%zz%4"), "a/b%zz%4");
}

}  // namespace
}  // namespace hallmark::aws
