#include "aws/caller_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aws/credentials/renewing.h"

namespace hallmark::aws {
namespace {

using testing::HasSubstr;

constexpr const char* kArn = "arn:aws:iam::111122223333:user/ada";
const std::string kAnswer =
    std::string("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>") + kArn +
    "</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>";

class Identity : public testing::Test {
 protected:
  ManualClock clock_{from_rfc3339("2026-11-22T17:05:01Z")};
  net::ExchangeRequest sent_;
  int status_ = 200;
  std::string answer_ = kAnswer;
  HttpExchange exchange_ = [this](const net::ExchangeRequest& request, std::stop_token) {
    sent_ = request;
    return net::ExchangeResponse{
        .status = status_, .headers = {{"x-amzn-RequestId", "c0ffee"}}, .body = answer_};
  };
  HttpClient client_{clock_,
                     {.region = "eu-west-1",
                      .credentials = std::make_shared<FixedCredentials>(Credentials{
                          .access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret-of-mine"}),
                      .environment = [](const std::string&) { return std::nullopt; },
                      .home = "/nonexistent",
                      .exchange = exchange_}};
  Value proof_ = identity_proof(client_, "d1", clock_, {});

  std::string arn(const Value& proof, const std::string& digest = "d1",
                  const std::string& own_endpoint = "") {
    const ProvedCaller caller =
        proved_caller(proof, digest, own_endpoint, client_.models(), exchange_, {});
    EXPECT_EQ(caller.request_id, "c0ffee");
    EXPECT_EQ(caller.host, sent_.url.substr(sent_.url.find("//") + 2, caller.host.size()));
    return caller.arn;
  }
  std::string refusal(const Value& proof, const std::string& digest = "d1") {
    sent_ = {};
    try {
      arn(proof, digest);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::denied);
      EXPECT_EQ(sent_.url, "") << "nothing was sent";
      return error.message();
    }
    return "nothing was thrown";
  }
};

TEST_F(Identity, IsWhatAwsSays) {
  EXPECT_EQ(caller_arn(client_, {}), kArn);
  EXPECT_EQ(arn(proof_), kArn);
  EXPECT_EQ(sent_.url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(proof_.dump().find("secret-of-mine"), std::string::npos);
}

TEST_F(Identity, StandsForOneStatement) {
  EXPECT_THAT(refusal(proof_, "d2"), HasSubstr("not for this decision"));
  Value renamed = proof_;
  renamed["headers"]["x-hallmark-decision"] = "d2";
  EXPECT_THAT(refusal(renamed, "d1"), HasSubstr("not for this decision"));
  Value unsigned_header = identity_proof(client_, "d1", clock_, {});
  std::string& authorization = unsigned_header["headers"]["Authorization"].get_ref<std::string&>();
  const std::string covered = ";x-hallmark-decision";
  ASSERT_NE(authorization.find(covered), std::string::npos) << authorization;
  authorization.erase(authorization.find(covered), covered.size());
  EXPECT_THAT(refusal(unsigned_header), HasSubstr("not for this decision"));
}

TEST_F(Identity, GoesToStsAlone) {
  for (const char* host :
       {"example.org", "sts.example.org", "sts.amazonaws.com.example.org", "ststs.amazonaws.com",
        "sts.a.b.amazonaws.com", "s3.amazonaws.com", "example.org/sts.amazonaws.com",
        "169.254.169.254", "sts", "sts-fips", "sts.", ""}) {
    Value elsewhere = proof_;
    elsewhere["host"] = host;
    EXPECT_THAT(refusal(elsewhere), HasSubstr("is not AWS's Security Token Service")) << host;
  }
  Value plain = proof_;
  plain["scheme"] = "http";
  EXPECT_THAT(refusal(plain), HasSubstr("is not AWS's"));
  plain["host"] = "127.0.0.1:4566";
  EXPECT_EQ(arn(plain, "d1", "http://127.0.0.1:4566"), kArn);
}

TEST_F(Identity, IsAQuestionAndNothingElse) {
  Value other = proof_;
  other["body"] = "Action=AssumeRole&Version=2011-06-15";
  EXPECT_THAT(refusal(other), HasSubstr("no GetCallerIdentity"));
  for (const char* member : {"method", "host", "body", "headers", "scheme"}) {
    Value cut = proof_;
    cut.erase(member);
    EXPECT_THAT(refusal(cut), HasSubstr(member));
  }
  EXPECT_THAT(refusal(Value("text")), HasSubstr("has no"));
}

TEST_F(Identity, NamesItsSignedHeadersOnce) {
  const std::string& good = proof_["headers"]["Authorization"].get_ref<const std::string&>();
  for (const std::string& authorization :
       {good + ", XSignedHeaders=x-hallmark-decision",
        std::string("AWS4-HMAC-SHA256 XSignedHeaders=x-hallmark-decision, Credential=c, "
                    "SignedHeaders=host"),
        std::string("SignedHeaders=x-hallmark-decision"), std::string()}) {
    Value hidden = proof_;
    hidden["headers"]["Authorization"] = authorization;
    EXPECT_THAT(refusal(hidden), HasSubstr("not for this decision")) << authorization;
  }
  Value twice = proof_;
  twice["headers"]["X-Hallmark-Decision"] = "d2";
  EXPECT_THAT(refusal(twice), HasSubstr("twice"));
}

TEST_F(Identity, AnAnswerWithoutCallerProvesNothing) {
  for (const char* answer : {"<GetCallerIdentityResponse><GetCallerIdentityResult/>"
                             "</GetCallerIdentityResponse>",
                             "<GetCallerIdentityResponse/>"}) {
    answer_ = answer;
    for (const auto& ask : std::vector<std::function<void()>>{[&] { arn(proof_); },
                                                              [&] { caller_arn(client_, {}); }}) {
      try {
        ask();
        FAIL() << "was believed: " << answer;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::corrupt) << error.message();
      }
    }
  }
}

TEST_F(Identity, WhatAwsRefusesProvesNothing) {
  status_ = 403;
  answer_ =
      "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></"
      "ErrorResponse>";
  try {
    arn(proof_);
    FAIL() << "was believed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::denied);
  }
}

}  // namespace
}  // namespace hallmark::aws
