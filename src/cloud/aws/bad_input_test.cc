/// What AWS says when something is not as it should be, and what a person gets to read then: on the
/// stand-in, through the real client.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aws/api_error.h"
#include "aws/credentials/assume_role.h"
#include "aws/credentials/renewing.h"
#include "base/testing.h"
#include "base/text.h"
#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::Credentials;
using hallmark::aws::HttpClient;
using hallmark::aws::Value;
using testing::AnyOf;
using testing::HasSubstr;

const Place kHome{"111122223333", "us-east-1"};
const Place kGuest{"444455556666", "us-east-1"};

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in().control("reset", Json::object());
    admin_ = stand_in().client(kHome.account_id, clock_);
    admin_->call({"iam", "CreateInstanceProfile", kHome.region, nullptr},
                 {{"InstanceProfileName", "hallmark-machine"}}, {});
    image_ = make_image(Json::object());
  }

  /// Nothing that was refused has left anything.
  void TearDown() override {
    if (IsSkipped()) return;
    Json left = stand_in().control("leftovers");
    for (const char* expected : {"instance_profiles", "roles"}) left.erase(expected);
    EXPECT_TRUE(left.empty()) << compact(left);
  }

  static StandIn& stand_in() {
    static StandIn one({kHome.account_id, kGuest.account_id});
    return one;
  }

  std::string make_image(Json more) {
    more["region"] = kHome.region;
    more["name"] = "source";
    return member<std::string>(stand_in().control("images", more), "image");
  }

  std::unique_ptr<Cloud> cloud(std::shared_ptr<hallmark::aws::Caller> caller,
                               CredentialsOf others = {}) {
    return make_aws_cloud(config_, std::move(caller), std::move(others), clock_);
  }
  std::unique_ptr<Cloud> cloud() { return cloud(admin_); }

  /// The error of looking at an image with these keys.
  Error look_with(const Credentials& keys) {
    return error_of([&] { cloud(stand_in().client(keys, clock_))->find_image(kHome, image_); });
  }

  std::string launch() {
    return cloud()->launch_machine(kHome, {.image_id = image_, .kind = MachineKind::boot}, "token",
                                   {});
  }

  Credentials session() {
    Value role = admin_->call(
        {"iam", "CreateRole", kHome.region, nullptr},
        {{"RoleName", "robot"},
         {"AssumeRolePolicyDocument",
          R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",)"
          R"("Principal":{"AWS":"arn:aws:iam::111122223333:root"}}]})"}},
        {});
    return hallmark::aws::assume_role(
               *admin_, clock_,
               {.arn = role.at("Role").at("Arn").get<std::string>(), .region = kHome.region},
               stand_in().credentials(kHome.account_id))
        ->get({});
  }

  /// A role in the guest account that we may become with the external id "agreed".
  void make_guest_role() {
    stand_in()
        .client(kGuest.account_id, clock_)
        ->call(
            {"iam", "CreateRole", kHome.region, nullptr},
            {{"RoleName", "golden"},
             {"AssumeRolePolicyDocument",
              R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
              R"("Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:root"},)"
              R"("Condition":{"StringEquals":{"sts:ExternalId":"agreed"}}}]})"}},
            {});
  }

  Error enter_guest(const std::string& role, const std::string& external_id) {
    hallmark::aws::RoleCache roles(*admin_, clock_);
    auto into = [&](const std::string& account) {
      return roles.get({.arn = "arn:aws:iam::" + account + ":role/" + role,
                        .external_id = external_id,
                        .region = kHome.region},
                       admin_->default_credentials());
    };
    return error_of([&] { cloud(admin_, into)->list_images(kGuest, {}); });
  }

  void answers(const std::string& service, const std::string& operation, const std::string& body,
               const std::string& type) {
    stand_in().control("faults", Json{{"kind", "answer"},
                                      {"service", service},
                                      {"operation", operation},
                                      {"count", -1},
                                      {"content_type", type},
                                      {"body", body}});
  }

  Error look() {
    return error_of([&] { cloud()->find_image(kHome, image_); });
  }

  /// Waits between attempts cost no time; signatures hold by the machine's clock.
  ManualClock clock_{SystemClock().now()};
  AwsCloudConfig config_{.account_id = kHome.account_id,
                         .regions = {{.name = kHome.region}},
                         .instance_profile = "hallmark-machine"};
  std::shared_ptr<HttpClient> admin_;
  std::string image_;
};

TEST_F(BadInput, KeysThatNobodyKnows) {
  Error e = look_with({.access_key_id = "AKIAIOSFODNN7EXAMPLE", .secret_access_key = "wrong"});
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.message(), HasSubstr("DescribeImages"));
  EXPECT_THAT(e.hint(), HasSubstr("access key"));
}

TEST_F(BadInput, AWrongSecret) {
  Credentials keys = stand_in().credentials(kHome.account_id)->get({});
  keys.secret_access_key = "wrong-secret";
  Error e = look_with(keys);
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.hint(), HasSubstr("secret"));
  EXPECT_THAT(e.full_text(), Not(HasSubstr("wrong-secret")));
}

TEST_F(BadInput, NoKeysAtAll) {
  auto client = std::make_shared<HttpClient>(
      clock_, hallmark::aws::ClientOptions{
                  .endpoint_url = stand_in().endpoint(),
                  .limit_rates = false,
                  .environment = [](const std::string& name) -> std::optional<std::string> {
                    if (name == "AWS_EC2_METADATA_DISABLED") return "true";
                    return std::nullopt;
                  },
                  .home = "/nonexistent"});
  Error e = error_of([&] { cloud(client)->find_image(kHome, image_); });
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.message(), HasSubstr("no AWS credentials"));
  EXPECT_FALSE(e.hint().empty());
}

TEST_F(BadInput, ASessionThatHasEnded) {
  Credentials keys = session();
  stand_in().control("expire-sessions", Json::object());
  Error e = look_with(keys);
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.message(), HasSubstr("xpired"));
  EXPECT_THAT(e.hint(), HasSubstr("sign in again"));
  EXPECT_THAT(e.full_text(), Not(HasSubstr(keys.session_token)));
}

TEST_F(BadInput, ARegionThatIsNotOurs) {
  Error e = error_of([&] { cloud()->find_image({kHome.account_id, "us-esat-1"}, image_); });
  EXPECT_EQ(e.kind(), ErrorKind::usage);
  EXPECT_THAT(e.message(), HasSubstr("us-esat-1"));
  EXPECT_THAT(e.hint(), HasSubstr(kHome.region));
}

TEST_F(BadInput, ARegionThatTheAccountHasNotSwitchedOn) {
  stand_in().control(
      "faults", Json{{"kind", "error"},
                     {"service", "ec2"},
                     {"code", "AuthFailure"},
                     {"message", "AWS was not able to validate the provided access credentials"},
                     {"status", 401},
                     {"count", -1}});
  Error e = look();
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.hint(), HasSubstr("region"));
}

TEST_F(BadInput, ARoleWithAnotherExternalId) {
  make_guest_role();
  Error e = enter_guest("golden", "guessed");
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.full_text(), HasSubstr("arn:aws:iam::444455556666:role/golden"));
  EXPECT_THAT(e.hint(), HasSubstr("external id"));
}

TEST_F(BadInput, ARoleThatIsNotThere) {
  Error e = enter_guest("absent", "agreed");
  EXPECT_EQ(e.kind(), ErrorKind::denied);
  EXPECT_THAT(e.full_text(), HasSubstr("arn:aws:iam::444455556666:role/absent"));
  EXPECT_THAT(e.hint(), HasSubstr("trust policy"));
}

TEST_F(BadInput, AQuotaThatIsReached) {
  for (const char* code : {"InstanceLimitExceeded", "VcpuLimitExceeded"}) {
    stand_in().control("switches", Json{{"capacity", {{{"code", code}, {"count", -1}}}}});
    Error e = error_of([&] { launch(); });
    EXPECT_EQ(e.kind(), ErrorKind::unavailable) << code;
    EXPECT_THAT(e.full_text(), HasSubstr(code));
    EXPECT_THAT(e.hint(), HasSubstr("Service Quotas"));
  }
}

TEST_F(BadInput, NoRoomForAnyMachine) {
  stand_in().control("switches", Json{{"capacity", {{{"count", -1}}}}});
  Error e = error_of([&] { launch(); });
  EXPECT_EQ(e.kind(), ErrorKind::unavailable);
  for (const std::string& type : config_.instance_types) {
    EXPECT_THAT(e.full_text(), HasSubstr(type));
  }
}

TEST_F(BadInput, AnImageWithoutAnEbsRoot) {
  image_ = make_image(Json{{"root_device_type", "instance-store"}});
  Error e = error_of([&] { launch(); });
  EXPECT_EQ(e.kind(), ErrorKind::usage);
  EXPECT_THAT(e.message(), HasSubstr("instance-store"));
  EXPECT_THAT(e.hint(), HasSubstr("EBS"));
}

TEST_F(BadInput, AnAnswerThatIsAlwaysCutOff) {
  stand_in().control("faults", Json{{"kind", "cut"}, {"service", "ec2"}, {"count", -1}});
  Error e = look();
  EXPECT_THAT(e.kind(), AnyOf(ErrorKind::unavailable, ErrorKind::corrupt)) << e.full_text();
  EXPECT_THAT(e.full_text(), HasSubstr("127.0.0.1"));
}

TEST_F(BadInput, AnAnswerThatEndsEarlyButWhole) {
  answers("ec2", "DescribeImages", "<DescribeImagesResponse><imagesSet><item><imageId>ami-0",
          "text/xml");
  Error e = look();
  EXPECT_EQ(e.kind(), ErrorKind::corrupt) << e.full_text();
  EXPECT_THAT(e.full_text(), HasSubstr("DescribeImages"));
}

TEST_F(BadInput, EntitiesThatGrow) {
  std::string bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\">";
  for (char c = 'b'; c < 'l'; ++c) {
    bomb += std::string("<!ENTITY ") + c + " \"";
    for (int i = 0; i < 10; ++i) bomb += std::string("&") + static_cast<char>(c - 1) + ";";
    bomb += "\">";
  }
  answers("ec2", "DescribeImages", bomb + "]><x>&k;</x>", "text/xml");
  Error e = look();
  EXPECT_EQ(e.kind(), ErrorKind::corrupt);
  EXPECT_THAT(e.message(), HasSubstr("DOCTYPE"));
}

TEST_F(BadInput, AnEntityThatIsAFile) {
  answers("ec2", "DescribeImages",
          "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><DescribeImagesResponse>"
          "<imagesSet><item><imageId>&f;</imageId></item></imagesSet></DescribeImagesResponse>",
          "text/xml");
  Error e = look();
  EXPECT_EQ(e.kind(), ErrorKind::corrupt);
  EXPECT_THAT(e.full_text(), Not(HasSubstr("root:")));
}

TEST_F(BadInput, XmlThatIsNestedTooDeep) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  answers("ec2", "DescribeImages", deep, "text/xml");
  Error e = look();
  EXPECT_EQ(e.kind(), ErrorKind::corrupt);
}

TEST_F(BadInput, JsonThatIsNestedTooDeep) {
  answers("ssm", "GetParameter", "{\"Parameter\":" + std::string(200'000, '['),
          "application/x-amz-json-1.1");
  Error e = error_of([&] { cloud()->get_parameter(kHome, "/GoldenAMI/latest"); });
  EXPECT_EQ(e.kind(), ErrorKind::corrupt);
  EXPECT_THAT(e.full_text(), HasSubstr("GetParameter"));
}

TEST_F(BadInput, AWebPageInsteadOfAnAnswer) {
  answers("ssm", "GetParameter", "<html><body>please sign in to this network</body></html>",
          "text/html");
  Error e = error_of([&] { cloud()->get_parameter(kHome, "/GoldenAMI/latest"); });
  EXPECT_EQ(e.kind(), ErrorKind::corrupt);
  EXPECT_THAT(e.full_text(), HasSubstr("GetParameter"));
}

}  // namespace
}  // namespace hallmark::cloud
