#include "aws/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>

#include "aws/api_error.h"
#include "aws/credentials/assume_role.h"
#include "aws/credentials/renewing.h"
#include "aws/url.h"
#include "net/loopback_server.h"

namespace hallmark::aws {
namespace {

using namespace std::chrono_literals;
using net::http_answer;
using net::kept_http_answer;
using ::testing::HasSubstr;
using ::testing::Not;

const TimePoint kNow = from_rfc3339("2026-11-22T17:05:01Z");
constexpr const char* kIdentity =
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
    "<GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>r1</RequestId></ResponseMetadata></GetCallerIdentityResponse>";

std::string error_body(const std::string& code) {
  return "<Response><Errors><Error><Code>" + code +
         "</Code><Message>m</Message></Error></Errors><RequestID>r2</RequestID></Response>";
}

/// A client against a server that answers with a script; the last answer for ever.
struct Rig {
  explicit Rig(
      std::vector<std::string> script, ClientOptions changes = {},
      Environment environment = [](const std::string&) { return std::nullopt; })
      : answers(std::move(script)), server([this](const std::string& request) {
          received.push_back(request);
          std::size_t index = std::min(received.size() - 1, answers.size() - 1);
          return answers[index];
        }) {
    ClientOptions options = std::move(changes);
    options.endpoint_url = server.url();
    options.region = "us-east-1";
    options.home = "/nonexistent";
    options.environment = std::move(environment);
    options.random = [] { return 0.5; };
    if (!options.credentials) {
      options.credentials = std::make_shared<FixedCredentials>(
          Credentials{.access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret-of-mine"});
    }
    client = std::make_unique<HttpClient>(clock, options);
  }
  Value identity(std::stop_token stop = {}) {
    return client->call({"sts", "GetCallerIdentity", "", nullptr}, Value::object(), stop);
  }
  Error refusal(const char* service, const char* operation, const Value& input) {
    try {
      client->call({service, operation, "us-east-1", nullptr}, input, {});
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "");
  }

  ManualClock clock{kNow};
  std::vector<std::string> answers;
  std::vector<std::string> received;
  std::unique_ptr<HttpClient> client;
  net::LoopbackServer server;
};

const Value kCreateImage = {{"InstanceId", "i-1"}, {"Name", "name"}};

TEST(HttpClient, CallsAndReads) {
  Rig rig({kept_http_answer("200 OK", kIdentity)});
  EXPECT_EQ(rig.identity()["Account"], "111122223333");
  rig.identity();
  EXPECT_EQ(rig.server.connections(), 1);
  const std::string& request = rig.received.at(0);
  EXPECT_TRUE(request.starts_with("POST / HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Action=GetCallerIdentity&Version=2011-06-15"));
  EXPECT_THAT(request, HasSubstr("Credential=AKIDEXAMPLE/20261122/us-east-1/sts/aws4_request"));
  EXPECT_THAT(request, HasSubstr("X-Amz-Date: 20261122T170501Z"));
}

TEST(HttpClient, PrepareSaysWhatCallSends) {
  Rig rig({kept_http_answer("200 OK", kIdentity)});
  Request request = rig.client->prepare({"sts", "GetCallerIdentity", "", nullptr}, Value::object());
  EXPECT_TRUE(rig.received.empty());
  rig.identity();
  EXPECT_THAT(rig.received.at(0), HasSubstr(*header(request.headers, "Authorization")));
  EXPECT_THAT(rig.received.at(0), HasSubstr(request.body));
}

TEST(HttpClient, BadInputIsNotSent) {
  Rig rig({kept_http_answer("200 OK", kIdentity)});
  EXPECT_EQ(rig.refusal("ec2", "CreateImage", {{"Nam", "x"}}).kind(), ErrorKind::usage);
  EXPECT_EQ(rig.refusal("ec2", "CreateImag", Value::object()).kind(), ErrorKind::usage);
  EXPECT_EQ(rig.refusal("ec3", "CreateImage", Value::object()).kind(), ErrorKind::usage);
  EXPECT_TRUE(rig.received.empty());
}

TEST(HttpClient, ThrottlingIsWaitedOut) {
  Rig rig({kept_http_answer("503 Service Unavailable", error_body("RequestLimitExceeded")),
           kept_http_answer("503 Service Unavailable", error_body("RequestLimitExceeded")),
           kept_http_answer("200 OK",
                            "<CreateImageResponse><imageId>ami-1</imageId>"
                            "</CreateImageResponse>")});
  // Nothing was done, so even what must not be done twice is tried again.
  Value answer = rig.client->call({"ec2", "CreateImage", "us-east-1", nullptr}, kCreateImage, {});
  EXPECT_EQ(answer["ImageId"], "ami-1");
  EXPECT_EQ(rig.received.size(), 3u);
  EXPECT_GE(rig.clock.now() - kNow, 1500ms);
}

TEST(HttpClient, ThrottlingForEverEndsAfterNine) {
  Rig rig({kept_http_answer("400 Bad Request",
                            R"({"__type":"ThrottlingException","message":"Rate exceeded"})")});
  Error error = rig.refusal("ssm", "GetParameter", {{"Name", "/a"}});
  EXPECT_EQ(error.kind(), ErrorKind::throttled);
  EXPECT_EQ(rig.received.size(), 9u);
}

TEST(HttpClient, TheUserMaySayHowOftenIsTried) {
  const std::string throttled = kept_http_answer(
      "400 Bad Request", R"({"__type":"ThrottlingException","message":"Rate exceeded"})");
  auto environment = [](const std::string& mode, const std::string& most) {
    return [=](const std::string& name) -> std::optional<std::string> {
      if (name == "AWS_RETRY_MODE" && !mode.empty()) return mode;
      if (name == "AWS_MAX_ATTEMPTS") return most;
      return std::nullopt;
    };
  };
  Rig rig({throttled}, {}, environment("adaptive", "2"));
  rig.refusal("ssm", "GetParameter", {{"Name", "/a"}});
  EXPECT_EQ(rig.received.size(), 2u);
  for (const char* bad : {"0", "-1", "many", "3x", ""}) {
    Rig refused({throttled}, {}, environment("", bad));
    Error error = refused.refusal("ssm", "GetParameter", {{"Name", "/a"}});
    EXPECT_EQ(error.kind(), ErrorKind::usage) << bad;
    EXPECT_THAT(error.message(), HasSubstr("AWS_MAX_ATTEMPTS"));
    EXPECT_TRUE(refused.received.empty());
  }
  Rig unknown({throttled}, {}, environment("brave", "2"));
  EXPECT_EQ(unknown.refusal("ssm", "GetParameter", {{"Name", "/a"}}).kind(), ErrorKind::usage);
}

TEST(HttpClient, HardQuotasAreNotRetried) {
  Rig rig({kept_http_answer("400 Bad Request",
                            R"({"__type":"LimitExceededException","message":"full"})")});
  rig.refusal("kms", "CreateKey", Value::object());
  EXPECT_EQ(rig.received.size(), 1u);
}

TEST(HttpClient, AnHtmlPageIsAnErrorThatMayPass) {
  std::string html = kept_http_answer("500 Internal Server Error", "<html>oops</html>");
  Rig rig({html, html, kept_http_answer("200 OK", kIdentity)});
  EXPECT_EQ(rig.identity()["Account"], "111122223333");
  Rig broken({html});
  Error error = broken.refusal("sts", "GetCallerIdentity", Value::object());
  EXPECT_EQ(broken.received.size(), 3u);
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
}

TEST(HttpClient, ALostAnswerIsAskedForAgainOnlyIfThatIsSafe) {
  std::string cut = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<GetCallerId";
  Rig reading({cut, "", kept_http_answer("200 OK", kIdentity)});
  EXPECT_EQ(reading.identity()["Account"], "111122223333");
  EXPECT_EQ(reading.received.size(), 3u);
  Rig doubtful({kept_http_answer("500 Oops", error_body("InternalError"))});
  EXPECT_THAT(doubtful.refusal("ec2", "CreateImage", kCreateImage).full_text(),
              HasSubstr("may have been carried out"));
  EXPECT_EQ(doubtful.received.size(), 1u);
  Rig making({cut});
  Error error = making.refusal("ec2", "CreateImage", kCreateImage);
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_EQ(making.received.size(), 1u);
  ASSERT_FALSE(error.notes().empty());
  EXPECT_THAT(error.notes().at(0), HasSubstr("may have been carried out"));
}

TEST(HttpClient, WhatMustNotBeDoneTwiceIsNotSentTwiceOnAKeptConnection) {
  Rig rig({kept_http_answer("200 OK", kIdentity), ""});
  rig.identity();
  EXPECT_EQ(rig.refusal("ec2", "CreateImage", kCreateImage).kind(), ErrorKind::unavailable);
  EXPECT_EQ(rig.received.size(), 2u);
}

TEST(HttpClient, TheTokenStaysTheSameFromAttemptToAttempt) {
  int tokens = 0;
  ClientOptions options;
  options.token = [&] { return "token-" + std::to_string(++tokens); };
  Rig rig({"", kept_http_answer("200 OK", "<RunInstancesResponse/>")}, options);
  rig.client->call({"ec2", "RunInstances", "us-east-1", nullptr},
                   {{"ImageId", "ami-1"}, {"MinCount", 1}, {"MaxCount", 1}}, {});
  ASSERT_EQ(rig.received.size(), 2u);
  EXPECT_THAT(rig.received[0], HasSubstr("ClientToken=token-1"));
  EXPECT_THAT(rig.received[1], HasSubstr("ClientToken=token-1"));
}

TEST(HttpClient, CopyingASnapshotCarriesAUrlForTheSourceRegion) {
  Rig rig({kept_http_answer("200 OK", "<CopySnapshotResponse/>")});
  Request request = rig.client->prepare(
      {"ec2", "CopySnapshot", "eu-west-1", nullptr},
      {{"SourceRegion", "us-east-1"}, {"SourceSnapshotId", "snap-1"}, {"Encrypted", true}});
  EXPECT_THAT(request.body, HasSubstr("&DestinationRegion=eu-west-1"));
  std::string url = percent_decode(request.body.substr(request.body.find("PresignedUrl=") + 13));
  EXPECT_THAT(url, HasSubstr("Action=CopySnapshot&"));
  EXPECT_THAT(url, HasSubstr("&SourceSnapshotId=snap-1&"));
  EXPECT_THAT(url, HasSubstr("%2Fus-east-1%2Fec2%2Faws4_request"));
  EXPECT_THAT(*header(request.headers, "Authorization"), HasSubstr("/eu-west-1/ec2/"));
}

TEST(HttpClient, TheServersClockIsTakenOver) {
  std::string date = "Date: Sun, 22 Nov 2026 19:05:01 GMT\r\n";
  Rig rig({kept_http_answer("403 Forbidden", error_body("RequestTimeTooSkewed"), date),
           kept_http_answer("200 OK", kIdentity)});
  rig.identity();
  ASSERT_EQ(rig.received.size(), 2u);
  EXPECT_THAT(rig.received[1], HasSubstr("X-Amz-Date: 20261122T190501Z"));
  rig.identity();
  EXPECT_THAT(rig.received[2], HasSubstr("X-Amz-Date: 20261122T190501Z"));
}

TEST(HttpClient, ARightClockIsLeftAlone) {
  std::string date = "Date: Sun, 22 Nov 2026 17:05:20 GMT\r\n";
  Rig rig({kept_http_answer("401 Unauthorized", error_body("AuthFailure"), date)});
  Error error = rig.refusal("ec2", "DescribeImages", Value::object());
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_EQ(rig.received.size(), 1u);
  EXPECT_FALSE(error.hint().empty());
}

TEST(HttpClient, ExpiredCredentialsAreFetchedAnewOnce) {
  ManualClock clock(kNow);
  int fetched = 0;
  ClientOptions options;
  options.credentials = std::make_shared<RenewingCredentials>(clock, [&](std::stop_token) {
    std::string id = "AKID" + std::to_string(++fetched);
    return Credentials{.access_key_id = id, .secret_access_key = "secret-of-" + id};
  });
  Rig rig({kept_http_answer("400 Bad Request", error_body("RequestExpired")),
           kept_http_answer("200 OK", kIdentity)},
          options);
  rig.identity();
  EXPECT_THAT(rig.received.at(0), HasSubstr("Credential=AKID1/"));
  EXPECT_THAT(rig.received.at(1), HasSubstr("Credential=AKID2/"));
  Rig always({kept_http_answer("400 Bad Request", error_body("ExpiredToken"))}, options);
  Error error = always.refusal("ec2", "DescribeImages", Value::object());
  EXPECT_EQ(always.received.size(), 2u);
  EXPECT_EQ(error.kind(), ErrorKind::denied);
}

TEST(HttpClient, CancelsWithoutTryingAgain) {
  std::stop_source stop;
  Rig rig({kept_http_answer("503 Slow", error_body("RequestLimitExceeded"))});
  stop.request_stop();
  try {
    rig.identity(stop.get_token());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::cancelled);
  }
  EXPECT_LE(rig.received.size(), 1u);
}

TEST(HttpClient, TheWireLogHasNoSecrets) {
  std::string log;
  ClientOptions options;
  options.wire_log = [&](std::string_view text) { log += text; };
  options.credentials =
      std::make_shared<FixedCredentials>(Credentials{.access_key_id = "AKIDEXAMPLE",
                                                     .secret_access_key = "secret-of-mine",
                                                     .session_token = "session-token-of-mine"});
  Rig rig({kept_http_answer("200 OK", R"({"Version":1})")}, options);
  rig.client->call({"ssm", "PutParameter", "us-east-1", nullptr},
                   {{"Name", "/p"}, {"Type", "SecureString"}, {"Value", "the-password"}}, {});
  EXPECT_THAT(log, HasSubstr("AmazonSSM.PutParameter"));
  EXPECT_THAT(log, HasSubstr("\"Name\":\"/p\""));
  EXPECT_THAT(log, HasSubstr("Signature=***"));
  EXPECT_THAT(log, HasSubstr("{\"Version\":1}"));
  EXPECT_THAT(log, Not(HasSubstr("the-password")));
  EXPECT_THAT(log, Not(HasSubstr("session-token-of-mine")));
  EXPECT_THAT(log, Not(HasSubstr("secret-of-mine")));
  EXPECT_THAT(rig.received.at(0), HasSubstr("the-password"));
}

TEST(HttpClient, AssumesARoleThroughItself) {
  std::string role =
      "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
      "<AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>"
      "<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>"
      "<Expiration>2026-11-22T18:05:01Z</Expiration></Credentials></AssumeRoleResult>"
      "</AssumeRoleResponse>";
  Rig rig({kept_http_answer("200 OK", role), kept_http_answer("200 OK", kIdentity)});
  auto provider = assume_role(
      *rig.client, rig.clock,
      {.arn = "arn:aws:iam::444455556666:role/child", .external_id = "ext", .region = "us-east-1"},
      rig.client->default_credentials());
  Call call{"sts", "GetCallerIdentity", "us-east-1", provider};
  rig.client->call(call, Value::object(), {});
  rig.client->call(call, Value::object(), {});
  ASSERT_EQ(rig.received.size(), 3u);
  EXPECT_THAT(rig.received[0], HasSubstr("ExternalId=ext"));
  EXPECT_THAT(rig.received[1], HasSubstr("Credential=ASIAROLE/"));
  EXPECT_THAT(rig.received[1], HasSubstr("X-Amz-Security-Token: role-token"));
  EXPECT_EQ(provider->get({}).account_id, "444455556666");
}

}  // namespace
}  // namespace hallmark::aws
