#include "cloud/aws/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "aws/api_error.h"
#include "cloud/aws/preflight.h"
#include "cloud/aws/preflight_key.h"
#include "cloud/aws/templates.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::ApiError;
using hallmark::aws::Value;
using testing::HasSubstr;
using namespace std::chrono_literals;

ApiError refusal(ErrorKind kind, const std::string& code, const std::string& message) {
  return {kind, message, code, 400, "request"};
}

/// Answers each operation with what was put down for it, the last answer for ever.
class Script : public hallmark::aws::Caller {
 public:
  using Answer = std::function<Value(const Value& input)>;

  Value call(const hallmark::aws::Call& call, const Value& input, std::stop_token) override {
    calls.push_back(call.operation);
    auto found = answers.find(call.operation);
    if (found == answers.end()) {
      throw refusal(ErrorKind::denied, "AccessDenied", "not allowed: " + call.operation);
    }
    Answer answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return answer(input);
  }
  void put(const std::string& operation, Value answer) {
    answers[operation].push_back([answer](const Value&) { return answer; });
  }
  void refuse(const std::string& operation, const ApiError& error) {
    answers[operation].push_back([error](const Value&) -> Value { throw error; });
  }
  void put_stack(const std::string& state, const std::string& reason = "") {
    put("DescribeStacks", {{"Stacks", Value::array({{{"StackName", "s"},
                                                     {"StackId", "arn:s"},
                                                     {"StackStatus", state},
                                                     {"StackStatusReason", reason}}})}});
  }

  std::map<std::string, std::deque<Answer>> answers;
  std::vector<std::string> calls;
};

const ApiError kNoStack =
    refusal(ErrorKind::usage, "ValidationError", "Stack with id s does not exist");

StackSpec small_stack() {
  return {.name = "s",
          .region = "us-east-1",
          .template_text = R"({"Parameters": {"A": {"Type": "String", "Default": "x"}},
            "Conditions": {"IsX": {"Fn::Equals": [{"Ref": "A"}, "x"]},
                           "IsNot": {"Fn::Not": [{"Condition": "IsX"}]}},
            "Resources": {"T": {"Type": "AWS::SNS::Topic", "Condition": "IsX"},
                          "U": {"Type": "AWS::SNS::Topic", "Condition": "IsNot"}}})"};
}

class Stacks : public testing::Test {
 protected:
  ErrorKind apply_fails(std::string& message) {
    try {
      apply_stack(script_, clock_, small_stack(), 10min, {}, {});
    } catch (const Error& e) {
      message = e.full_text();
      return e.kind();
    }
    return ErrorKind::internal;
  }
  Script script_;
  ManualClock clock_{TimePoint{}};
};

TEST_F(Stacks, PlanOfANewStackAsksNothingOfCloudFormation) {
  script_.refuse("DescribeStacks", kNoStack);
  StackChange change = plan_stack(script_, clock_, small_stack(), {});
  EXPECT_EQ(change.action, "create");
  ASSERT_EQ(change.resources.size(), 1u);
  EXPECT_EQ(change.resources[0].name, "T");
  EXPECT_THAT(script_.calls, testing::ElementsAre("DescribeStacks"));
  StackSpec other = small_stack();
  other.parameters["A"] = "y";
  EXPECT_EQ(plan_stack(script_, clock_, other, {}).resources[0].name, "U");
}

TEST_F(Stacks, PlanRemovesItsChangeSetAlsoWhenItCannotBeMade) {
  script_.put_stack("CREATE_COMPLETE");
  script_.put("CreateChangeSet", Value::object());
  script_.put("DescribeChangeSet",
              {{"Status", "FAILED"}, {"StatusReason", "Parameter B has no value"}});
  script_.put("DeleteChangeSet", Value::object());
  EXPECT_THROW(plan_stack(script_, clock_, small_stack(), {}), Error);
  EXPECT_EQ(script_.calls.back(), "DeleteChangeSet");
}

TEST_F(Stacks, WhatIsNotSaidStays) {
  script_.put(
      "DescribeStacks",
      {{"Stacks",
        Value::array({{{"StackStatus", "CREATE_COMPLETE"},
                       {"StackId", "arn:s"},
                       {"Parameters",
                        Value::array({{{"ParameterKey", "A"}, {"ParameterValue", "y"}},
                                      {{"ParameterKey", "Gone"}, {"ParameterValue", "z"}}})}}})}});
  Value sent;
  script_.answers["CreateChangeSet"].push_back([&](const Value& input) {
    sent = input;
    return Value::object();
  });
  script_.put("DescribeChangeSet",
              {{"Status", "FAILED"}, {"StatusReason", "No updates are to be performed."}});
  script_.put("DeleteChangeSet", Value::object());
  EXPECT_EQ(plan_stack(script_, clock_, small_stack(), {}).action, "none");
  EXPECT_EQ(sent.at("Parameters").dump(), R"([{"ParameterKey":"A","UsePreviousValue":true}])");
}

TEST_F(Stacks, SaysTheFirstReasonAndNotTheLast) {
  script_.refuse("DescribeStacks", kNoStack);
  script_.refuse("DescribeStacks", kNoStack);
  script_.put_stack("ROLLBACK_COMPLETE", "the following failed: [T, U]");
  script_.put("CreateStack", {{"StackId", "arn:s"}});
  auto event = [](const char* id, const char* name, const char* state, const char* reason) {
    return Value{{"EventId", id},
                 {"LogicalResourceId", name},
                 {"ResourceType", "AWS::SNS::Topic"},
                 {"ResourceStatus", state},
                 {"ResourceStatusReason", reason}};
  };
  // The newest first, as CloudFormation gives them.
  script_.put("DescribeStackEvents",
              {{"StackEvents",
                Value::array({event("3", "U", "CREATE_FAILED", "Topic already exists"),
                              event("2", "T", "CREATE_FAILED", "Not authorized"),
                              event("1", "V", "CREATE_FAILED", "Resource creation cancelled")})}});
  std::string message;
  EXPECT_EQ(apply_fails(message), ErrorKind::failed);
  EXPECT_THAT(message, HasSubstr("T (AWS::SNS::Topic): Not authorized"));
}

TEST_F(Stacks, EndsWaitingByItsDeadline) {
  script_.refuse("DescribeStacks", kNoStack);
  script_.refuse("DescribeStacks", kNoStack);
  script_.put_stack("CREATE_IN_PROGRESS");
  script_.put("CreateStack", {{"StackId", "arn:s"}});
  script_.put("DescribeStackEvents", {{"StackEvents", Value::array()}});
  std::string message;
  EXPECT_EQ(apply_fails(message), ErrorKind::timeout);
  EXPECT_THAT(message, HasSubstr("CREATE_IN_PROGRESS after 10m"));
}

TEST_F(Stacks, RemovesWhatNeverCameToBe) {
  script_.put_stack("ROLLBACK_COMPLETE");
  script_.put_stack("ROLLBACK_COMPLETE");
  script_.refuse("DescribeStacks", kNoStack);
  script_.put_stack("CREATE_COMPLETE");
  script_.put("DeleteStack", Value::object());
  script_.put("CreateStack", {{"StackId", "arn:s"}});
  script_.put("DescribeStackEvents", {{"StackEvents", Value::array()}});
  EXPECT_EQ(apply_stack(script_, clock_, small_stack(), 10min, {}, {}).action, "create");
}

TEST_F(Stacks, LeavesAStackAloneThatSomebodyWorksOn) {
  script_.put_stack("UPDATE_ROLLBACK_IN_PROGRESS");
  std::string message;
  EXPECT_EQ(apply_fails(message), ErrorKind::conflict);
}

TEST_F(Stacks, RefusalsPassThrough) {
  script_.refuse("DescribeStacks", refusal(ErrorKind::denied, "AccessDenied", "no"));
  std::string message;
  EXPECT_EQ(apply_fails(message), ErrorKind::denied);
}

TEST(Setup, RefusesWhatAwsWouldNotTake) {
  for (const SetupSpec& wrong :
       std::vector<SetupSpec>{{},
                              {.regions = {"us-east-1", "us-east-1"}},
                              {.regions = {"not a region"}},
                              {.regions = {"us-east-1"}, .prefix = "Hallmark"},
                              {.regions = {"us-east-1"}, .prefix = "a-name-that-is-far-too-long"},
                              {.regions = {"us-east-1"}, .child_accounts = {"12345"}},
                              {.regions = {"us-east-1"}, .organization_id = "root"},
                              {.regions = {"us-east-1"}, .email = "nobody"}}) {
    EXPECT_THROW(setup_stacks(wrong), Error);
  }
}

TEST(Setup, MakesTheRoleInOneRegionOnly) {
  auto stacks = setup_stacks({.regions = {"us-east-1", "eu-west-1"}, .network = false});
  ASSERT_EQ(stacks.size(), 2u);
  EXPECT_EQ(stacks[0].parameters.at("WithMachineRole"), "yes");
  EXPECT_EQ(stacks[1].parameters.at("WithMachineRole"), "no");
}

TEST(Setup, ChildTemplateIsReadyToDeploy) {
  Value document = Value::parse(
      child_role_template({.parent_account_id = "111122223333", .external_id = "secret-1"}));
  for (const auto& [name, parameter] : document.at("Parameters").items()) {
    EXPECT_TRUE(parameter.contains("Default")) << name;
  }
  EXPECT_THROW(child_role_template({.parent_account_id = "1", .external_id = "xx"}), Error);
  EXPECT_THROW(child_role_template({.parent_account_id = "111122223333", .external_id = "x"}),
               Error);
}

TEST(Setup, RuleTemplateIsReadyToDeploy) {
  Value document = Value::parse(compliance_rule_template({.parent_account_id = "111122223333"}));
  for (const auto& [name, parameter] : document.at("Parameters").items()) {
    EXPECT_TRUE(parameter.contains("Default")) << name;
  }
  const Value role = document.at("Resources").at("Role").at("Properties");
  for (const Value& statement : role.at("Policies")[0].at("PolicyDocument").at("Statement")) {
    EXPECT_EQ(statement.at("Action").dump().find('*'), std::string::npos) << statement.dump();
  }
  const Value function = document.at("Resources").at("Function").at("Properties");
  EXPECT_NE(function.at("Code").at("S3Key").dump().find("${CodeDigest}"), std::string::npos)
      << "CloudFormation changes no code whose key is the same";
  document = Value::parse(
      compliance_rule_template({.parent_account_id = "111122223333", .digest = "0123abcd"}));
  EXPECT_EQ(document.at("Parameters").at("CodeDigest").at("Default"), "0123abcd");
  EXPECT_THROW(compliance_rule_template({.parent_account_id = "1"}), Error);
  for (const std::string& wrong : {std::string(), std::string("a b"), std::string(49, 'x')}) {
    EXPECT_THROW(compliance_rule_template({.parent_account_id = "111122223333", .rule = wrong}),
                 Error);
  }
}

TEST(Templates, FitIntoARequest) {
  // AWS CloudFormation API Reference, CreateStack, TemplateBody.
  constexpr std::size_t kMostBytes = 51'200;
  for (const char* name :
       {"network.json", "foundation.json", "child-role.json", "compliance-rule.json"}) {
    EXPECT_LT(on_aws::template_file(name).size(), kMostBytes);
    EXPECT_TRUE(Value::accept(on_aws::template_file(name))) << name;
  }
}

TEST(Templates, MachinesLetNothingIn) {
  Value document = Value::parse(on_aws::template_file("network.json"));
  const Value group = document.at("Resources").at("MachineGroup").at("Properties");
  EXPECT_FALSE(group.contains("SecurityGroupIngress"));
  for (const auto& [name, resource] : document.at("Resources").items()) {
    EXPECT_NE(resource.at("Type"), "AWS::EC2::SecurityGroupIngress") << name;
  }
}

TEST(Policy, GrantsKeysOnlyForWhatImagesNeed) {
  const Value policy = Value::parse(on_aws::hallmark_policy({.partition = "aws",
                                                             .account_id = "111122223333",
                                                             .prefix = "hallmark",
                                                             .child_role = "role"}));
  int statements = 0;
  for (const Value& statement : policy.at("Statement")) {
    if (statement.at("Action").dump().find("kms:CreateGrant") == std::string::npos) continue;
    ++statements;
    ASSERT_TRUE(statement.contains("Condition")) << statement.at("Sid");
    const std::string condition = statement.at("Condition").dump();
    EXPECT_TRUE(condition.find("kms:ViaService") != std::string::npos ||
                condition.find("kms:GrantOperations") != std::string::npos)
        << condition;
  }
  EXPECT_EQ(statements, 2);
}

TEST(Policy, SaysWhyOfEachStatementAndAllowsNoWildcardAction) {
  // IAM User Guide, "IAM and AWS STS quotas": a managed policy, white space not counted.
  constexpr std::size_t kMostCharacters = 6'144;
  const on_aws::PolicyNames names{.partition = "aws",
                                  .account_id = "111122223333",
                                  .prefix = "hallmark",
                                  .child_role = "goldenAMICrossAccountRole"};
  for (const std::string& text : {on_aws::hallmark_policy(names), on_aws::catalog_policy(names),
                                  on_aws::images_policy(names), on_aws::targets_policy(names)}) {
    EXPECT_EQ(text.find('@'), std::string::npos);
    Value policy = Value::parse(text);
    EXPECT_LT(policy.dump().size(), kMostCharacters);
    std::set<std::string> sids;
    for (const Value& statement : policy.at("Statement")) {
      EXPECT_TRUE(sids.insert(statement.at("Sid")).second);
      EXPECT_EQ(statement.at("Action").dump().find('*'), std::string::npos) << statement.dump();
    }
  }
}

std::string key_policy(const std::string& principal, const std::string& condition) {
  return R"({"Statement": [{"Effect": "Allow", "Principal": )" + principal +
         R"(, "Action": ["kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*",
             "kms:CreateGrant"], "Resource": "*", "Condition": )" +
         condition + "}]}";
}

TEST(KeyPolicy, KnowsWhoMayUseTheKey) {
  const std::string account = "444455556666";
  auto missing = [&](const std::string& principal, const std::string& condition = "{}") {
    return on_aws::key_actions_missing(key_policy(principal, condition), account).size();
  };
  EXPECT_EQ(missing(R"({"AWS": "arn:aws:iam::444455556666:root"})"), 0u);
  EXPECT_EQ(missing(R"({"AWS": ["111122223333", "444455556666"]})"), 0u);
  EXPECT_EQ(missing(R"("*")", R"({"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}})"), 0u);
  EXPECT_EQ(missing(R"({"AWS": "arn:aws:iam::111122223333:root"})"), 5u);
  EXPECT_EQ(missing(R"({"Service": "ec2.amazonaws.com"})"), 5u);
  EXPECT_THROW(on_aws::key_actions_missing("[", account), Error);
}

class PreflightScript : public testing::Test {
 protected:
  std::vector<Finding> look(const PreflightSpec& spec) {
    return preflight(script_, [](const std::string&) { return nullptr; }, spec, {});
  }
  static const Finding* find(const std::vector<Finding>& findings, const std::string& what) {
    for (const Finding& one : findings) {
      if (one.what == what) return &one;
    }
    return nullptr;
  }
  PreflightSpec spec_{.config = {.account_id = "111122223333",
                                 .regions = {{.name = "us-east-1"}},
                                 .instance_profile = "hallmark-machine"},
                      .child_role = "goldenAMICrossAccountRole"};
  Script script_;
};

TEST_F(PreflightScript, WithoutCredentialsThatIsAll) {
  auto findings = look(spec_);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].what, "credentials");
  EXPECT_EQ(findings[0].state, Finding::State::missing);
  EXPECT_EQ(findings[0].kind, ErrorKind::denied);
}

TEST_F(PreflightScript, CredentialsOfAnotherAccountAreNone) {
  script_.put("GetCallerIdentity", {{"Account", "999999999999"}, {"Arn", "arn:x"}});
  auto findings = look(spec_);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].found, HasSubstr("of account 999999999999, not of 111122223333"));
}

TEST_F(PreflightScript, WhatMayNotBeLookedAtIsNotMissing) {
  script_.put("GetCallerIdentity",
              {{"Account", "111122223333"}, {"Arn", "arn:aws:iam::111122223333:user/robot"}});
  for (const Finding& one : look(spec_)) {
    EXPECT_NE(one.state, Finding::State::missing) << one.what << ": " << one.found;
  }
}

TEST_F(PreflightScript, TriesDryWhereNobodySimulates) {
  script_.put("GetCallerIdentity",
              {{"Account", "111122223333"}, {"Arn", "arn:aws:iam::111122223333:user/robot"}});
  script_.refuse("RunInstances", refusal(ErrorKind::denied, "UnauthorizedOperation", "no"));
  script_.refuse("CopyImage", refusal(ErrorKind::failed, "DryRunOperation", "yes"));
  script_.refuse("RegisterImage", refusal(ErrorKind::failed, "DryRunOperation", "yes"));
  auto findings = look(spec_);
  const Finding* found = find(findings, "permissions");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->state, Finding::State::missing);
  EXPECT_THAT(found->found, HasSubstr("ec2:RunInstances"));
}

TEST_F(PreflightScript, TheDefaultKeyIsAWarningUntilSomebodyNeedsMore) {
  script_.put("GetCallerIdentity", {{"Account", "111122223333"}, {"Arn", "arn:..:root"}});
  EXPECT_EQ(find(look(spec_), "key")->state, Finding::State::warning);
  spec_.child_accounts = {"444455556666"};
  EXPECT_EQ(find(look(spec_), "key")->state, Finding::State::missing);
}

TEST_F(PreflightScript, NamesAKeyThatIsBeingDeleted) {
  script_.put("GetCallerIdentity", {{"Account", "111122223333"}, {"Arn", "arn:..:root"}});
  script_.put("DescribeKey",
              {{"KeyMetadata", {{"KeyManager", "CUSTOMER"}, {"KeyState", "PendingDeletion"}}}});
  spec_.config.regions[0].kms_key_id = "arn:aws:kms:us-east-1:111122223333:key/1";
  auto findings = look(spec_);
  EXPECT_THAT(find(findings, "key")->found, HasSubstr("is PendingDeletion"));
}

}  // namespace
}  // namespace hallmark::cloud
