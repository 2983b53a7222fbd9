/// Launch templates and Auto Scaling groups on the stand-in: which images they would launch.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using testing::UnorderedElementsAre;

const Place kHome{"111122223333", "us-east-1"};
constexpr const char* kOld = "ami-00000000000000001";
constexpr const char* kNew = "ami-00000000000000002";
constexpr const char* kOther = "ami-00000000000000003";

class AwsImageUses : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_ = std::make_unique<StandIn>(std::vector{kHome.account_id});
    client_ = stand_in_->client(kHome.account_id, clock_);
    cloud_ = stand_in_->open(config_, clock_);
  }
  hallmark::aws::Value call(const std::string& service, const std::string& operation,
                            const hallmark::aws::Value& input) {
    return client_->call({service, operation, kHome.region, nullptr}, input, {});
  }
  std::string make_template(const std::string& name, const std::string& image_id) {
    auto answer =
        call("ec2", "CreateLaunchTemplate",
             {{"LaunchTemplateName", name}, {"LaunchTemplateData", {{"ImageId", image_id}}}});
    return answer.at("LaunchTemplate").at("LaunchTemplateId").get<std::string>();
  }
  std::vector<std::string> uses() {
    std::vector<std::string> lines;
    for (const ImageUse& use : cloud_->list_image_uses(kHome)) {
      lines.push_back(use.kind + " " + use.name + (use.version.empty() ? "" : " " + use.version) +
                      " " + use.image_id);
    }
    return lines;
  }

  SystemClock clock_;
  AwsCloudConfig config_{.account_id = kHome.account_id, .regions = {{.name = kHome.region}}};
  std::unique_ptr<StandIn> stand_in_;
  std::shared_ptr<hallmark::aws::Caller> client_;
  std::unique_ptr<Cloud> cloud_;
};

TEST_F(AwsImageUses, TemplatesByTheirDefaultAndNewestVersions) {
  EXPECT_THAT(uses(), testing::IsEmpty());
  std::string id = make_template("web", kOld);
  for (const char* image_id : {kOther, kNew}) {
    call("ec2", "CreateLaunchTemplateVersion",
         {{"LaunchTemplateId", id}, {"LaunchTemplateData", {{"ImageId", image_id}}}});
  }
  call("ssm", "PutParameter", {{"Name", "/golden"}, {"Value", kNew}, {"Type", "String"}});
  make_template("by-parameter", "resolve:ssm:/golden");
  EXPECT_THAT(uses(), UnorderedElementsAre("launch template web 1 " + std::string(kOld),
                                           "launch template web 3 " + std::string(kNew),
                                           "launch template by-parameter 1 " + std::string(kNew)));
}

TEST_F(AwsImageUses, GroupsByWhateverTheyLaunchFrom) {
  std::string web = make_template("web", kOld);
  call("ec2", "CreateLaunchTemplateVersion",
       {{"LaunchTemplateId", web}, {"LaunchTemplateData", {{"ImageId", kNew}}}});
  std::string arm = make_template("arm", kOther);
  call("autoscaling", "CreateLaunchConfiguration",
       {{"LaunchConfigurationName", "old-style"}, {"ImageId", kOther}});
  auto group = [&](const std::string& name, hallmark::aws::Value source) {
    source.update({{"AutoScalingGroupName", name}, {"MinSize", 0}, {"MaxSize", 1}});
    call("autoscaling", "CreateAutoScalingGroup", source);
  };
  group("a-default", {{"LaunchTemplate", {{"LaunchTemplateId", web}}}});
  group("b-latest", {{"LaunchTemplate", {{"LaunchTemplateName", "web"}, {"Version", "$Latest"}}}});
  group("c-configured", {{"LaunchConfigurationName", "old-style"}});
  group("d-mixed",
        {{"MixedInstancesPolicy",
          {{"LaunchTemplate",
            {{"LaunchTemplateSpecification", {{"LaunchTemplateId", web}, {"Version", "2"}}},
             {"Overrides",
              {{{"InstanceType", "m7g.large"},
                {"LaunchTemplateSpecification", {{"LaunchTemplateId", arm}}}}}}}}}}});
  std::vector<std::string> groups;
  for (const std::string& line : uses()) {
    if (line.starts_with("auto scaling group")) groups.push_back(line.substr(19));
  }
  EXPECT_THAT(groups, UnorderedElementsAre(
                          "a-default " + std::string(kOld), "b-latest " + std::string(kNew),
                          "c-configured " + std::string(kOther), "d-mixed " + std::string(kNew),
                          "d-mixed " + std::string(kOther)));
}

}  // namespace
}  // namespace hallmark::cloud
