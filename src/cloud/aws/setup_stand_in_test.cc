#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aws/api_error.h"
#include "aws/credentials/assume_role.h"
#include "base/text.h"
#include "cloud/aws/preflight.h"
#include "cloud/aws/setup.h"
#include "cloud/aws/stand_in.h"
#include "cloud/aws/templates.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::Value;
using testing::HasSubstr;

const std::string kHome = "111122223333";
const std::string kGuest = "444455556666";
const std::string kAway = "eu-west-1";

class SetupOnStandIn : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_ = std::make_unique<StandIn>(std::vector<std::string>{kHome, kGuest});
    client_ = stand_in_->client(kHome, clock_);
    roles_ = std::make_unique<hallmark::aws::RoleCache>(*client_, clock_);
  }

  SetupSpec spec() const { return {.regions = {"us-east-1", kAway}, .child_accounts = {kGuest}}; }

  SetupResult apply(const SetupSpec& wanted) {
    return apply_setup(*client_, clock_, wanted,
                       [&](const std::string& line) { progress_.push_back(line); }, {});
  }

  void deploy_child_role() {
    const std::string text = child_role_template(
        {.parent_account_id = kHome, .external_id = default_external_id(kHome)});
    apply_stack(*stand_in_->client(kGuest, clock_), clock_,
                {.name = "child", .region = "us-east-1", .template_text = text},
                std::chrono::minutes(1), {}, {});
  }

  CredentialsOf into_children(const std::string& external_id) {
    return [this, external_id](const std::string& account) {
      return roles_->get({.arn = "arn:aws:iam::" + account + ":role/goldenAMICrossAccountRole",
                          .external_id = external_id,
                          .region = "us-east-1"},
                         client_->default_credentials());
    };
  }

  std::vector<Finding> look(const SetupResult& made, hallmark::aws::Caller& caller,
                            const std::string& external_id = default_external_id(kHome)) {
    return preflight(caller, into_children(external_id),
                     {.config = made.config,
                      .child_role = "goldenAMICrossAccountRole",
                      .external_id = external_id,
                      .child_accounts = {kGuest}},
                     {});
  }

  /// A client of a user who has this policy alone.
  std::shared_ptr<hallmark::aws::HttpClient> user_with(const std::string& policy) {
    auto call = [&](const char* operation, const Value& input) {
      return client_->call({"iam", operation, "us-east-1", nullptr}, input, {});
    };
    call("CreateUser", {{"UserName", "robot"}});
    call("PutUserPolicy",
         {{"UserName", "robot"}, {"PolicyName", "only"}, {"PolicyDocument", policy}});
    Value key = call("CreateAccessKey", {{"UserName", "robot"}}).at("AccessKey");
    hallmark::aws::Credentials keys{
        .access_key_id = key.at("AccessKeyId").get<std::string>(),
        .secret_access_key = key.at("SecretAccessKey").get<std::string>()};
    return stand_in_->client(keys, clock_);
  }

  static std::string missing(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& one : findings) {
      if (one.state != Finding::State::missing) continue;
      text += one.where + " " + one.what + ": " + one.found + "\n";
      EXPECT_NE(one.way_out, "") << one.found;
    }
    return text;
  }

  SystemClock clock_;
  std::unique_ptr<StandIn> stand_in_;
  std::shared_ptr<hallmark::aws::HttpClient> client_;
  std::unique_ptr<hallmark::aws::RoleCache> roles_;
  std::vector<std::string> progress_;
};

TEST_F(SetupOnStandIn, PlansWithoutChangingAndAppliesOnce) {
  SetupResult planned = plan_setup(*client_, clock_, spec(), {});
  ASSERT_EQ(planned.stacks.size(), 4u);
  EXPECT_EQ(planned.config.regions[0].bucket, "");
  EXPECT_EQ(compact(stand_in_->control("leftovers")), "{}");

  SetupResult made = apply(spec());
  EXPECT_EQ(made.account_id, kHome);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(made.stacks[i].action, "create");
    EXPECT_EQ(made.stacks[i].resources.size(), planned.stacks[i].resources.size());
  }
  for (const AwsRegion& region : made.config.regions) {
    EXPECT_EQ(region.bucket, "hallmark-" + kHome + "-" + region.name);
    EXPECT_EQ(region.subnet_ids.size(), 2u);
    EXPECT_EQ(region.security_group_ids.size(), 1u);
    EXPECT_THAT(region.kms_key_id, testing::StartsWith("arn:aws:kms:" + region.name));
  }
  EXPECT_EQ(made.config.instance_profile, "hallmark-machine");
  EXPECT_FALSE(progress_.empty());

  for (const StackChange& stack : plan_setup(*client_, clock_, spec(), {}).stacks) {
    EXPECT_EQ(stack.action, "none") << stack.stack;
  }
  for (const StackChange& stack : apply(spec()).stacks) EXPECT_EQ(stack.action, "none");
}

TEST_F(SetupOnStandIn, PlansExactlyWhatCloudFormationMakes) {
  SetupSpec wanted{.regions = {"us-east-1"}, .way_out = "endpoints"};
  SetupResult planned = plan_setup(*client_, clock_, wanted, {});
  apply(wanted);
  for (const StackChange& stack : planned.stacks) {
    std::vector<std::string> names;
    for (const ResourceChange& resource : stack.resources) names.push_back(resource.name);
    std::vector<std::string> made;
    Value answer = client_->call({"cloudformation", "ListStackResources", "us-east-1", nullptr},
                                 {{"StackName", stack.stack}}, {});
    for (const Value& resource : answer.at("StackResourceSummaries")) {
      made.push_back(resource.at("LogicalResourceId"));
    }
    EXPECT_THAT(made, testing::UnorderedElementsAreArray(names)) << stack.stack;
  }
}

TEST_F(SetupOnStandIn, SaysWhyAStackFailedAndRecovers) {
  SetupSpec wanted{.regions = {"us-east-1"}};
  // Somebody has the role's name already.
  client_->call({"iam", "CreateRole", "us-east-1", nullptr},
                {{"RoleName", "hallmark-machine"},
                 {"AssumeRolePolicyDocument", R"({"Version": "2012-10-17", "Statement": []})"}},
                {});
  try {
    apply(wanted);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::failed);
    EXPECT_THAT(e.message(), HasSubstr("hallmark-foundation"));
    EXPECT_THAT(e.message(), HasSubstr("MachineRole (AWS::IAM::Role)"));
  }
  client_->call({"iam", "DeleteRole", "us-east-1", nullptr}, {{"RoleName", "hallmark-machine"}},
                {});
  EXPECT_EQ(apply(wanted).stacks[0].action, "create");
}

TEST_F(SetupOnStandIn, ChangesTheKeysPolicyForANewAccount) {
  SetupSpec wanted{.regions = {"us-east-1"}};
  SetupResult before = apply(wanted);
  deploy_child_role();
  EXPECT_THAT(missing(look(before, *client_)), HasSubstr("key: its policy does not let " + kGuest));

  wanted.child_accounts = {kGuest};
  SetupResult planned = plan_setup(*client_, clock_, wanted, {});
  EXPECT_EQ(planned.stacks[0].action, "update");
  EXPECT_EQ(planned.stacks[1].action, "none");
  EXPECT_EQ(missing(look(apply(wanted), *client_)), "");
}

TEST_F(SetupOnStandIn, PreflightFindsAllThereWithTheLeastPolicy) {
  SetupResult made = apply(spec());
  deploy_child_role();
  auto robot = user_with(on_aws::hallmark_policy({.partition = "aws",
                                                  .account_id = kHome,
                                                  .prefix = "hallmark",
                                                  .child_role = "goldenAMICrossAccountRole"}));
  // Whether IAM may be asked at all is no part of the work.
  client_->call({"iam", "PutUserPolicy", "us-east-1", nullptr},
                {{"UserName", "robot"},
                 {"PolicyName", "ask"},
                 {"PolicyDocument", R"({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
                    "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}})"}},
                {});
  stand_in_->control("switches", Json{{"enforce", true}});
  EXPECT_EQ(missing(look(made, *robot)), "");
}

TEST_F(SetupOnStandIn, PreflightNamesWhatThePolicyLacks) {
  SetupResult made = apply(spec());
  deploy_child_role();
  std::string policy = on_aws::hallmark_policy({.partition = "aws",
                                                .account_id = kHome,
                                                .prefix = "hallmark",
                                                .child_role = "goldenAMICrossAccountRole"});
  auto robot = user_with(replace_all(policy, "ec2:DeregisterImage", "ec2:Nothing"));
  EXPECT_THAT(missing(look(made, *robot)),
              HasSubstr("ShareAndRemoveOwnImages: not allowed: ec2:DeregisterImage on "));
}

TEST_F(SetupOnStandIn, PreflightSaysThatTheExternalIdIsWrong) {
  SetupResult made = apply(spec());
  deploy_child_role();
  EXPECT_THAT(missing(look(made, *client_, "somebody-elses")), HasSubstr(kGuest + " role: "));
}

TEST_F(SetupOnStandIn, PreflightFindsInboundRulesAndLostThings) {
  SetupResult made = apply(spec());
  deploy_child_role();
  AwsRegion& home = made.config.regions[0];
  client_->call({"ec2", "AuthorizeSecurityGroupIngress", "us-east-1", nullptr},
                {{"GroupId", home.security_group_ids[0]},
                 {"IpPermissions",
                  Value::array({{{"IpProtocol", "tcp"},
                                 {"FromPort", 22},
                                 {"ToPort", 22},
                                 {"IpRanges", Value::array({{{"CidrIp", "0.0.0.0/0"}}})}}})}},
                {});
  home.subnet_ids.push_back("subnet-0123456789abcdef0");
  made.config.regions[1].bucket = "hallmark-no-such-bucket";
  made.config.regions.push_back({.name = "af-south-1"});
  made.config.instance_profile = "nobody";
  std::string text = missing(look(made, *client_));
  EXPECT_THAT(text, HasSubstr("lets connections in"));
  EXPECT_THAT(text, HasSubstr("there is no subnet-0123456789abcdef0"));
  EXPECT_THAT(text, HasSubstr("there is no hallmark-no-such-bucket"));
  EXPECT_THAT(text, HasSubstr("af-south-1 region: the account has not opted in"));
  EXPECT_THAT(text, HasSubstr("there is none named nobody"));
}

}  // namespace
}  // namespace hallmark::cloud
