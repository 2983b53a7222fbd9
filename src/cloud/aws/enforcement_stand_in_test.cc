/// Verdicts and allowed images on the stand-in.

#include "cloud/aws/enforcement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "aws/credentials/assume_role.h"
#include "base/error.h"
#include "cloud/aws/setup.h"
#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::Value;
using testing::HasSubstr;
using testing::IsEmpty;

const Place kHome{"111122223333", "us-east-1"};
const Place kGuest{"444455556666", "us-east-1"};

class AwsEnforcementTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_ = std::make_unique<StandIn>(std::vector{kHome.account_id, kGuest.account_id});
    enforcement_ = make_aws_enforcement(
        config_, stand_in_->client(kHome.account_id, clock_),
        [this](const std::string& account) { return stand_in_->credentials(account); }, clock_);
  }
  Value call(const Place& place, const char* service, const char* operation, const Value& input) {
    return stand_in_->client(place.account_id, clock_)
        ->call({service, operation, place.region, nullptr}, input, {});
  }
  /// Through the role that the child template makes in the guest's account.
  std::unique_ptr<Enforcement> through_the_role(const ChildRoleSpec& spec) {
    apply_stack(
        *stand_in_->client(kGuest.account_id, clock_), clock_,
        {.name = "child", .region = kGuest.region, .template_text = child_role_template(spec)},
        std::chrono::minutes(1), {}, {});
    home_ = stand_in_->client(kHome.account_id, clock_);
    roles_ = std::make_unique<hallmark::aws::RoleCache>(*home_, clock_);
    stand_in_->control("switches", Json{{"enforce", true}});
    credentials_of_ = [this, external_id = spec.external_id](const std::string& account) {
      return roles_->get({.arn = "arn:aws:iam::" + account + ":role/goldenAMICrossAccountRole",
                          .external_id = external_id,
                          .region = kHome.region},
                         home_->default_credentials());
    };
    return make_aws_enforcement(config_, home_, credentials_of_, clock_);
  }
  std::string make_image(const std::string& name, const std::string& owner) {
    return stand_in_
        ->control(
            "images",
            Json{{"region", kHome.region}, {"name", name}, {"owner", owner}, {"alias", nullptr}})
        .at("image");
  }
  std::string launch_at_guest() {
    return call(kGuest, "ec2", "RunInstances",
                {{"ImageId", make_image("any", kHome.account_id)},
                 {"InstanceType", "t3.small"},
                 {"MinCount", 1},
                 {"MaxCount", 1}})
        .at("Instances")
        .at(0)
        .at("InstanceId");
  }
  bool sees(const Place& place, const std::string& image_id) {
    try {
      call(place, "ec2", "DescribeImages", {{"ImageIds", Value::array({image_id})}});
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  SystemClock clock_;
  AwsCloudConfig config_{.account_id = kHome.account_id, .regions = {{.name = kHome.region}}};
  std::unique_ptr<StandIn> stand_in_;
  std::shared_ptr<hallmark::aws::HttpClient> home_;
  std::unique_ptr<hallmark::aws::RoleCache> roles_;
  CredentialsOf credentials_of_;
  std::unique_ptr<Enforcement> enforcement_;
};

TEST_F(AwsEnforcementTest, AVerdictGoesToTheProcessCheckOfTheRulesTemplate) {
  const std::string text = compliance_rule_template({.parent_account_id = kHome.account_id,
                                                     .rule = "golden",
                                                     .bucket = "code",
                                                     .central_check = true});
  auto guest = stand_in_->client(kGuest.account_id, clock_);
  apply_stack(*guest, clock_, {.name = "rule", .region = kGuest.region, .template_text = text},
              std::chrono::minutes(1), {}, {});
  enforcement_->put_verdict(kGuest, "golden-central",
                            {.compliance = PlaceCompliance::non_compliant,
                             .text = std::string(300, 'x'),
                             .at = clock_.now()},
                            {});
  const Value rules = call(kGuest, "config", "DescribeConfigRules", Value::object());
  std::string name;
  for (const Value& rule : rules.at("ConfigRules")) {
    const std::string one = rule.at("ConfigRuleName");
    if (one.starts_with("golden-central-conformance-pack-")) name = one;
  }
  const Value found =
      call(kGuest, "config", "GetComplianceDetailsByConfigRule", {{"ConfigRuleName", name}});
  ASSERT_EQ(found.at("EvaluationResults").size(), 1u);
  const Value& result = found.at("EvaluationResults")[0];
  EXPECT_EQ(result.at("ComplianceType"), "NON_COMPLIANT");
  EXPECT_EQ(
      result.at("EvaluationResultIdentifier").at("EvaluationResultQualifier").at("ResourceId"),
      kGuest.account_id);
  EXPECT_EQ(result.at("Annotation").get<std::string>().size(), 256u);
}

TEST_F(AwsEnforcementTest, WithoutAProcessCheckThereIsNowhereToPutIt) {
  call(kGuest, "config", "PutConfigRule",
       {{"ConfigRule",
         {{"ConfigRuleName", "golden-central"},
          {"Source", {{"Owner", "AWS"}, {"SourceIdentifier", "APPROVED_AMIS_BY_ID"}}}}}});
  try {
    enforcement_->put_verdict(kGuest, "golden-central", {.text = "x", .at = clock_.now()}, {});
    FAIL() << "a rule of another kind took it";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.full_text(), HasSubstr("--central-check"));
  }
}

TEST_F(AwsEnforcementTest, RefusesImagesThatAreNotAllowed) {
  EXPECT_EQ(enforcement_->launch_settings(kGuest, {}).mode, LaunchMode::disabled);
  EXPECT_THAT(enforcement_->launch_settings(kGuest, {}).rules, IsEmpty());
  const std::string golden = make_image("web-1 [a]", kHome.account_id);
  const std::string other = make_image("other", kHome.account_id);
  const std::string own = make_image("own", kGuest.account_id);
  const std::vector<LaunchRule> rules = {
      {.owners = {kHome.account_id}, .names = {"web-1 [a]", "web-2"}},
      {.owners = {"555566667777", "amazon"}}};
  enforcement_->put_launch_rules(kGuest, rules, {});
  enforcement_->put_launch_mode(kGuest, LaunchMode::audit, {});
  EXPECT_EQ(enforcement_->launch_settings(kGuest, {}).mode, LaunchMode::audit);
  EXPECT_EQ(enforcement_->launch_settings(kGuest, {}).rules, rules);
  EXPECT_TRUE(sees(kGuest, other));
  enforcement_->put_launch_mode(kGuest, LaunchMode::enabled, {});
  EXPECT_TRUE(sees(kGuest, golden));
  EXPECT_TRUE(sees(kGuest, own));
  EXPECT_FALSE(sees(kGuest, other));
  EXPECT_TRUE(sees(kHome, other)) << "settings are of a place";
  enforcement_->put_launch_rules(kGuest, {{.owners = {kNoOwner}}}, {});
  EXPECT_FALSE(sees(kGuest, golden));
  enforcement_->put_launch_mode(kGuest, LaunchMode::disabled, {});
  EXPECT_TRUE(sees(kGuest, other));
}

TEST_F(AwsEnforcementTest, TheRoleMayPreventAndRemediateOnlyIfItIsSaid) {
  const ChildRoleSpec plain{.parent_account_id = kHome.account_id, .external_id = "hallmark"};
  auto enforcement = through_the_role(plain);
  EXPECT_THROW(enforcement->put_launch_mode(kGuest, LaunchMode::audit, {}), Error);
  const std::string machine = launch_at_guest();
  auto cloud = make_aws_cloud(config_, home_, credentials_of_, clock_);
  EXPECT_THROW(cloud->set_tags(kGuest, machine, {{"since", "now"}}), Error);
  EXPECT_THROW(cloud->stop_machine(kGuest, machine), Error);
}

TEST_F(AwsEnforcementTest, TheRoleMayDoAllOfIt) {
  auto enforcement = through_the_role({.parent_account_id = kHome.account_id,
                                       .external_id = "hallmark",
                                       .may_prevent = true,
                                       .may_remediate = true});
  enforcement->put_launch_rules(kGuest, {{.owners = {kHome.account_id}, .names = {"a"}}}, {});
  enforcement->put_launch_mode(kGuest, LaunchMode::audit, {});
  EXPECT_EQ(enforcement->launch_settings(kGuest, {}).mode, LaunchMode::audit);
  enforcement->put_launch_mode(kGuest, LaunchMode::disabled, {});
  call(kGuest, "config", "PutConfigRule",
       {{"ConfigRule",
         {{"ConfigRuleName", "central"},
          {"Source", {{"Owner", "AWS"}, {"SourceIdentifier", "AWS_CONFIG_PROCESS_CHECK"}}}}}});
  enforcement->put_verdict(kGuest, "central", {.text = "x", .at = clock_.now()}, {});
  const std::string machine = launch_at_guest();
  auto cloud = make_aws_cloud(config_, home_, credentials_of_, clock_);
  cloud->set_tags(kGuest, machine, {{"since", "now"}});
  // EC2 refuses to stop a machine that is pending still.
  while (cloud->find_machine(kGuest, machine).value().state == MachineState::pending) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  cloud->stop_machine(kGuest, machine);
  EXPECT_EQ(cloud->find_machine(kGuest, machine).value().tags.at("since"), "now");
  cloud->remove_tags(kGuest, machine, {"since"});
  EXPECT_FALSE(cloud->find_machine(kGuest, machine).value().tags.contains("since"));
}

TEST_F(AwsEnforcementTest, ShowsWhatSomebodyElseHasSaid) {
  call(kGuest, "ec2", "ReplaceImageCriteriaInAllowedImagesSettings",
       {{"ImageCriteria",
         Value::array({{{"ImageProviders", Value::array({"amazon"})},
                        {"CreationDateCondition", {{"MaximumDaysSinceCreated", 30}}}}})}});
  const LaunchSettings settings = enforcement_->launch_settings(kGuest, {});
  ASSERT_EQ(settings.rules.size(), 1u);
  EXPECT_EQ(settings.rules[0].more, R"({"CreationDateCondition":{"MaximumDaysSinceCreated":30}})");
}

TEST_F(AwsEnforcementTest, ReadsAndReplacesAPolicy) {
  stand_in_->control("organization", Json{{"units", Json::object()}});
  const std::string before = R"({"ec2_attributes":{}})";
  const std::string id = call(kHome, "organizations", "CreatePolicy",
                              {{"Name", "images"},
                               {"Description", "d"},
                               {"Type", "DECLARATIVE_POLICY_EC2"},
                               {"Content", before}})
                             .at("Policy")
                             .at("PolicySummary")
                             .at("Id");
  EXPECT_EQ(enforcement_->organization_policy(id, {}), before);
  const std::string after = R"({"ec2_attributes":{"exception_message":{"@@assign":"ask"}}})";
  enforcement_->put_organization_policy(id, after, {});
  EXPECT_EQ(enforcement_->organization_policy(id, {}), after);
  EXPECT_THROW(enforcement_->put_organization_policy(id, "{}", {}), Error);
  EXPECT_THROW(enforcement_->organization_policy("p-nobody000", {}), Error);
}

}  // namespace
}  // namespace hallmark::cloud
