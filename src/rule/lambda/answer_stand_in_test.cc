/// The rule against the AWS stand-in: in this process, and as the program that Lambda starts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/process.h"
#include "base/text.h"
#include "cloud/aws/setup.h"
#include "cloud/aws/stand_in.h"
#include "net/loopback_server.h"
#include "rule/lambda/answer.h"

namespace hallmark::rule::lambda {
namespace {

using aws::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

const std::string kAccount = "111122223333";
const std::string kRegion = "us-east-1";
const std::string kRule = "golden-images";
const std::string kAt = "2026-11-23T14:00:00.000Z";

class RuleOnStandIn : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = cloud::why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_ = std::make_unique<cloud::StandIn>(std::vector{kAccount});
    client_ = stand_in_->client(kAccount, clock_);
    // The stand-in takes tokens of rules that it knows; whose they are does not matter here.
    call("config", "PutConfigRule",
         {{"ConfigRule",
           {{"ConfigRuleName", kRule},
            {"Source", {{"Owner", "AWS"}, {"SourceIdentifier", "APPROVED_AMIS_BY_ID"}}}}}});
  }

  Value call(const char* service, const char* operation, const Value& input) {
    return client_->call({service, operation, kRegion, nullptr}, input, {});
  }
  std::string make_image(const std::string& name) {
    return stand_in_->control("images", Json{{"region", kRegion}, {"name", name}, {"public", true}})
        .at("image");
  }
  std::vector<std::string> launch(const std::string& image_id, int count = 1) {
    const Value made = call("ec2", "RunInstances",
                            {{"ImageId", image_id},
                             {"InstanceType", "t3.small"},
                             {"MinCount", count},
                             {"MaxCount", count}});
    std::vector<std::string> ids;
    for (const Value& machine : made.at("Instances")) ids.push_back(machine.at("InstanceId"));
    return ids;
  }
  void put_list(const std::string& value) {
    call("ssm", "PutParameter",
         {{"Name", kDefaultParameter},
          {"Value", value},
          {"Type", "StringList"},
          {"Overwrite", true}});
  }

  static Json event(const Json& invoking) {
    return {{"version", "1.0"},
            {"invokingEvent", compact(invoking)},
            {"resultToken", "rule:" + kRule},
            {"eventLeftScope", false}};
  }
  static Json scheduled() {
    return event({{"messageType", "ScheduledNotification"}, {"notificationCreationTime", kAt}});
  }
  static Json item(const std::string& machine_id, const std::string& status = "OK") {
    return {{"resourceType", kMachineType},
            {"resourceId", machine_id},
            {"configurationItemStatus", status},
            {"configurationItemCaptureTime", kAt}};
  }
  static Json changed(const std::string& machine_id, const std::string& image_id,
                      const std::string& sent_at = kAt) {
    Json one = item(machine_id);
    one["configuration"] = {{"imageId", image_id}};
    return event({{"messageType", "ConfigurationItemChangeNotification"},
                  {"notificationCreationTime", sent_at},
                  {"configurationItem", one}});
  }
  static Json oversized(const std::string& machine_id) {
    return event({{"messageType", "OversizedConfigurationItemChangeNotification"},
                  {"notificationCreationTime", kAt},
                  {"configurationItemSummary", item(machine_id)}});
  }

  Json answered(const Json& json) { return answer({*client_, kRegion, kRule}, json, {}); }

  /// "i-1 COMPLIANT" of all that Config knows.
  std::vector<std::string> verdicts() {
    std::vector<std::string> lines;
    Value input = {{"ConfigRuleName", kRule}, {"Limit", 100}};
    while (true) {
      const Value page = call("config", "GetComplianceDetailsByConfigRule", input);
      for (const Value& one : page.at("EvaluationResults")) {
        lines.push_back(one.at("EvaluationResultIdentifier")
                            .at("EvaluationResultQualifier")
                            .at("ResourceId")
                            .get<std::string>() +
                        " " + one.at("ComplianceType").get<std::string>());
        annotations_.push_back(one.at("Annotation"));
      }
      if (!page.contains("NextToken") || page.at("NextToken").is_null()) return lines;
      input["NextToken"] = page.at("NextToken");
    }
  }
  std::size_t calls_of(const std::string& operation) {
    std::size_t count = 0;
    const Json log = stand_in_->control("calls?operation=" + operation);
    for (const Json& one : log.at("calls")) {
      count += one.at("outcome") == "ok" ? 1 : 0;
    }
    return count;
  }

  SystemClock clock_;
  std::unique_ptr<cloud::StandIn> stand_in_;
  std::shared_ptr<aws::HttpClient> client_;
  std::vector<std::string> annotations_;
};

TEST_F(RuleOnStandIn, AScheduleLooksAtEveryMachine) {
  const std::string golden = make_image("golden");
  const std::string other = make_image("other");
  put_list("ami-00000000000000009," + golden);
  const std::string good = launch(golden)[0];
  const std::string bad = launch(other)[0];
  const std::string gone = launch(other)[0];
  call("ec2", "TerminateInstances", {{"InstanceIds", Value::array({gone})}});
  EXPECT_EQ(answered(scheduled()), (Json{{"evaluated", 3}, {"non_compliant", 1}}));
  EXPECT_THAT(verdicts(), UnorderedElementsAre(good + " COMPLIANT", bad + " NON_COMPLIANT",
                                               gone + " NOT_APPLICABLE"));

  // The original's defect: machines of a version that was withdrawn stayed compliant for ever.
  put_list("ami-00000000000000009");
  answered(scheduled());
  EXPECT_THAT(verdicts(), testing::Contains(good + " NON_COMPLIANT"));
}

TEST_F(RuleOnStandIn, ManyMachinesGoInHundreds) {
  const std::string golden = make_image("golden");
  put_list(golden);
  launch(golden, 201);
  EXPECT_EQ(answered(scheduled()).at("evaluated"), 201);
  EXPECT_EQ(calls_of("PutEvaluations"), 3u);
  EXPECT_EQ(verdicts().size(), 201u);
}

TEST_F(RuleOnStandIn, NoMachineIsToldToo) {
  EXPECT_EQ(answered(scheduled()), (Json{{"evaluated", 0}, {"non_compliant", 0}}));
  EXPECT_EQ(calls_of("PutEvaluations"), 1u);
}

TEST_F(RuleOnStandIn, AChangeIsAboutOneMachine) {
  put_list("ami-00000000000000001");
  answered(changed("i-00000000000000001", "ami-00000000000000001"));
  answered(changed("i-00000000000000002", "ami-0000000000000000"));
  EXPECT_THAT(verdicts(), UnorderedElementsAre("i-00000000000000001 COMPLIANT",
                                               "i-00000000000000002 NON_COMPLIANT"));
  EXPECT_EQ(calls_of("DescribeInstances"), 0u);
}

TEST_F(RuleOnStandIn, ADeletedMachineNeedsNoList) {
  answered(event({{"messageType", "ConfigurationItemChangeNotification"},
                  {"notificationCreationTime", kAt},
                  {"configurationItem", item("i-00000000000000001", "ResourceDeleted")}}));
  EXPECT_THAT(verdicts(), ElementsAre("i-00000000000000001 NOT_APPLICABLE"));
  EXPECT_EQ(calls_of("GetParameter"), 0u);
}

TEST_F(RuleOnStandIn, WhatConfigLeftOutIsLookedUp) {
  const std::string golden = make_image("golden");
  put_list(golden);
  const std::string machine = launch(golden)[0];
  answered(oversized(machine));
  answered(oversized("i-00000000000000001"));
  EXPECT_THAT(verdicts(),
              UnorderedElementsAre(machine + " COMPLIANT", "i-00000000000000001 NON_COMPLIANT"));
  EXPECT_THAT(annotations_, testing::Contains(HasSubstr("its configuration could not be read")));
}

TEST_F(RuleOnStandIn, WithoutAListNothingIsGolden) {
  const std::string machine = launch(make_image("any"))[0];
  answered(scheduled());
  EXPECT_THAT(verdicts(), ElementsAre(machine + " NON_COMPLIANT"));
  EXPECT_THAT(annotations_.back(), HasSubstr("there is no /GoldenAMI/latest"));

  put_list("ami-00000000000000001");
  stand_in_->control("faults", Json{{"kind", "error"},
                                    {"operation", "GetParameter"},
                                    {"code", "AccessDeniedException"},
                                    {"message", "no identity-based policy allows it"},
                                    {"status", 400},
                                    {"count", -1}});
  answered(changed(machine, "ami-00000000000000001"));
  EXPECT_THAT(verdicts(), ElementsAre(machine + " NON_COMPLIANT"));
  EXPECT_THAT(annotations_.back(), HasSubstr("could not be read: ssm GetParameter: AccessDenied"));
}

// Config keeps the newest by the time that the rule says, and sends the item as it was.
TEST_F(RuleOnStandIn, AnOldItemIsJudgedAnewWhenTheListHasChanged) {
  const std::string machine = "i-00000000000000001";
  const std::string image = "ami-00000000000000001";
  put_list(image);
  answered(changed(machine, image, "2026-11-23T15:00:00.000Z"));
  EXPECT_THAT(verdicts(), ElementsAre(machine + " COMPLIANT"));
  put_list("ami-00000000000000002");
  answered(changed(machine, image, "2026-11-23T16:00:00.000Z"));
  EXPECT_THAT(verdicts(), ElementsAre(machine + " NON_COMPLIANT"));
  // What comes late changes nothing.
  put_list(image);
  answered(changed(machine, image, "2026-11-23T15:30:00.000Z"));
  EXPECT_THAT(verdicts(), ElementsAre(machine + " NON_COMPLIANT"));
}

/// Says that Config did not take the first evaluation of each call, though it did.
class Unwilling : public aws::Caller {
 public:
  explicit Unwilling(aws::Caller& inner) : inner_(inner) {}
  Value call(const aws::Call& call, const Value& input, std::stop_token stop) override {
    Value answer = inner_.call(call, input, stop);
    if (call.operation == "PutEvaluations") {
      answer["FailedEvaluations"] = Value::array({input.at("Evaluations").at(0)});
    }
    return answer;
  }

 private:
  aws::Caller& inner_;
};

TEST_F(RuleOnStandIn, WhatConfigDoesNotTakeKeepsNothingElseFromIt) {
  const std::string golden = make_image("golden");
  put_list(golden);
  launch(golden, 201);
  Unwilling unwilling(*client_);
  try {
    answer({unwilling, kRegion, kRule}, scheduled(), {});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_THAT(error.message(), HasSubstr("3 of 201 evaluations"));
  }
  EXPECT_EQ(verdicts().size(), 201u);
}

TEST_F(RuleOnStandIn, AnEvaluationThatIsNotTakenIsAnError) {
  Json json = changed("i-00000000000000001", "ami-00000000000000001");
  json["resultToken"] = "somebody else's";
  EXPECT_THROW(answered(json), Error);
}

TEST_F(RuleOnStandIn, AChangedListStartsTheRule) {
  const Json json = {{"source", "aws.ssm"}, {"detail", {{"name", kDefaultParameter}}}};
  EXPECT_EQ(answered(json), (Json{{"started", kRule}}));
  EXPECT_EQ(calls_of("StartConfigRulesEvaluation"), 1u);
  EXPECT_EQ(calls_of("PutEvaluations"), 0u);
}

/// Installed by its template.
class InstalledRule : public RuleOnStandIn {
 protected:
  void install() {
    const std::string text = cloud::compliance_rule_template(
        {.parent_account_id = "999999999999", .rule = "installed", .bucket = "code"});
    cloud::apply_stack(*client_, clock_, {.name = "rule", .region = kRegion, .template_text = text},
                       std::chrono::minutes(1), {}, {});
  }
  Value iam(const char* operation, const Value& input) { return call("iam", operation, input); }

  /// A client of a user who may do what the function's role may.
  std::shared_ptr<aws::HttpClient> as_the_function() {
    std::string role;
    const Value made = call("cloudformation", "ListStackResources", {{"StackName", "rule"}});
    for (const Value& one : made.at("StackResourceSummaries")) {
      if (one.at("LogicalResourceId") == "Role") role = one.at("PhysicalResourceId");
    }
    iam("CreateUser", {{"UserName", "function"}});
    const Value policies = iam("ListRolePolicies", {{"RoleName", role}});
    for (const Value& name : policies.at("PolicyNames")) {
      const Value policy = iam("GetRolePolicy", {{"RoleName", role}, {"PolicyName", name}});
      iam("PutUserPolicy", {{"UserName", "function"},
                            {"PolicyName", name},
                            {"PolicyDocument", policy.at("PolicyDocument").dump()}});
    }
    const Value key = iam("CreateAccessKey", {{"UserName", "function"}}).at("AccessKey");
    return stand_in_->client(aws::Credentials{.access_key_id = key.at("AccessKeyId"),
                                              .secret_access_key = key.at("SecretAccessKey")},
                             clock_);
  }
};

TEST_F(InstalledRule, IsAskedOnChangeAndEveryHour) {
  install();
  const Value rule =
      call("config", "DescribeConfigRules", {{"ConfigRuleNames", Value::array({"installed"})}})
          .at("ConfigRules")
          .at(0);
  const Value function =
      call("lambda", "GetFunctionConfiguration", {{"FunctionName", "installed"}});
  EXPECT_EQ(rule.at("Source").at("SourceIdentifier"), function.at("FunctionArn"));
  std::vector<std::string> triggers;
  for (const Value& one : rule.at("Source").at("SourceDetails")) {
    triggers.push_back(one.at("MessageType").get<std::string>() + " " +
                       one.value("MaximumExecutionFrequency", "-"));
  }
  EXPECT_THAT(triggers, ElementsAre("ConfigurationItemChangeNotification -",
                                    "OversizedConfigurationItemChangeNotification -",
                                    "ScheduledNotification One_Hour"));
  EXPECT_THAT(rule.at("InputParameters").get<std::string>(), HasSubstr(kDefaultParameter));
  const Value rules = call("events", "ListRules", Value::object()).at("Rules");
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_THAT(rules[0].at("EventPattern").get<std::string>(), HasSubstr(kDefaultParameter));
}

TEST_F(InstalledRule, ItsRoleMayDoWhatItDoesAndNoMore) {
  install();
  const std::string golden = make_image("golden");
  put_list(golden);
  const std::string machine = launch(golden)[0];
  auto function = as_the_function();
  stand_in_->control("switches", Json{{"enforce", true}});
  const Surroundings here{*function, kRegion, "installed"};
  EXPECT_EQ(answer(here, scheduled(), {}).at("non_compliant"), 0);
  EXPECT_EQ(answer(here, oversized(machine), {}).at("non_compliant"), 0);
  EXPECT_EQ(answer(here, changed(machine, golden), {}).at("non_compliant"), 0);
  answer(here, Json{{"source", "aws.ssm"}, {"detail", {{"name", kDefaultParameter}}}}, {});
  EXPECT_THAT(read_list(here, "/GoldenAMI/other", {}).problem, Not(IsEmpty()));
  EXPECT_THROW(
      function->call({"ssm", "PutParameter", kRegion, nullptr},
                     {{"Name", kDefaultParameter}, {"Value", "x"}, {"Overwrite", true}}, {}),
      Error);
}

/// As Lambda runs it: the program, its environment and the runtime API are all there is.
class RuleProgram : public RuleOnStandIn {
 protected:
  ProcessResult run(std::deque<Json> events, std::map<std::string, std::string> more = {}) {
    net::LoopbackServer runtime([&](const std::string& request) {
      if (request.starts_with("POST ")) {
        posts_.push_back(request);
        return net::kept_http_answer("202 Accepted", "");
      }
      if (events.empty()) return net::kept_http_answer("410 Gone", "");
      const std::string body = compact(events.front());
      events.pop_front();
      return net::kept_http_answer("200 OK", body, "Lambda-Runtime-Aws-Request-Id: id-1\r\n");
    });
    const aws::Credentials keys = stand_in_->credentials(kAccount)->get({});
    std::map<std::string, std::string> environment = {
        {"AWS_LAMBDA_RUNTIME_API", runtime.url().substr(std::string("http://").size())},
        {"AWS_REGION", kRegion},
        {"AWS_ACCESS_KEY_ID", keys.access_key_id},
        {"AWS_SECRET_ACCESS_KEY", keys.secret_access_key},
        {"AWS_ENDPOINT_URL", stand_in_->endpoint()},
        {"HALLMARK_CONFIG_RULE", kRule},
        {"HOME", "/nonexistent"}};
    for (const auto& [name, value] : more) environment[name] = value;
    return run_process({.argv = {HALLMARK_RULE},
                        .environment = environment,
                        .time_limit = std::chrono::seconds(60)});
  }
  std::vector<std::string> posts_;
};

TEST_F(RuleProgram, ServesUntilTheRuntimeApiEnds) {
  put_list("ami-00000000000000001");
  const ProcessResult result = run({changed("i-00000000000000001", "ami-00000000000000001"),
                                    Json{{"resultToken", "no event"}}, scheduled()});
  EXPECT_EQ(result.exit_code, 1);
  ASSERT_EQ(posts_.size(), 3u) << result.err;
  EXPECT_THAT(posts_[0], HasSubstr("/id-1/response"));
  EXPECT_THAT(posts_[1], HasSubstr("/id-1/error"));
  EXPECT_THAT(posts_[2], HasSubstr(R"("evaluated":0)"));
  EXPECT_THAT(verdicts(), ElementsAre("i-00000000000000001 COMPLIANT"));
}

TEST_F(RuleProgram, SaysWhatItLacksToStart) {
  run({scheduled()}, {{"HALLMARK_CONFIG_RULE", ""}});
  ASSERT_EQ(posts_.size(), 1u);
  EXPECT_THAT(posts_[0], HasSubstr("/runtime/init/error"));
  EXPECT_THAT(posts_[0], HasSubstr("HALLMARK_CONFIG_RULE"));
}

TEST_F(RuleProgram, WithoutARuntimeApiItEnds) {
  const ProcessResult result = run_process(
      {.argv = {"/usr/bin/env", "-i", HALLMARK_RULE}, .time_limit = std::chrono::seconds(60)});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("AWS_LAMBDA_RUNTIME_API is not set"));
}

}  // namespace
}  // namespace hallmark::rule::lambda
