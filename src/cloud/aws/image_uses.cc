#include "cloud/aws/image_uses.h"

#include <map>
#include <set>
#include <tuple>

namespace hallmark::cloud::on_aws {

namespace {

constexpr const char* kTemplateKind = "launch template";
constexpr const char* kGroupKind = "auto scaling group";

/// Amazon EC2 API Reference, DescribeLaunchTemplateVersions, MaxResults.
constexpr int kVersionsPerPage = 200;

ImageUse use_of(const Value& version) {
  return {.kind = kTemplateKind,
          .id = text(version, "LaunchTemplateId"),
          .name = text(version, "LaunchTemplateName"),
          .version = std::to_string(version.value("VersionNumber", std::int64_t{0})),
          .image_id = text(version.value("LaunchTemplateData", Value::object()), "ImageId")};
}

/// With `template_id` empty: of all templates, which EC2 allows for $Latest and $Default only. An
/// id that stands behind "resolve:ssm:NAME" is looked up by EC2.
std::vector<ImageUse> template_versions(const Session& session, const Place& place, Value selection,
                                        const std::vector<std::string>& versions) {
  selection["Versions"] = versions;
  selection["ResolveAlias"] = true;
  selection["MaxResults"] = kVersionsPerPage;
  std::vector<ImageUse> uses;
  session.each_page(place, "ec2", "DescribeLaunchTemplateVersions", selection,
                    [&](const Value& page) {
                      for (const Value& v : page.value("LaunchTemplateVersions", Value::array())) {
                        uses.push_back(use_of(v));
                      }
                    });
  return uses;
}

/// Image ids of the template versions and launch configurations that groups name, each asked once.
class LaunchImages {
 public:
  LaunchImages(const Session& session, const Place& place) : session_(session), place_(place) {}

  std::string of_template(const Value& specification) {
    const std::string id = text(specification, "LaunchTemplateId");
    const std::string name = text(specification, "LaunchTemplateName");
    std::string version = text(specification, "Version");
    // Amazon EC2 Auto Scaling API Reference, LaunchTemplateSpecification: the default version if
    // none is given.
    if (version.empty()) version = "$Default";
    auto [known, fresh] = templates_.try_emplace({id, name, version});
    if (fresh) {
      Value selection =
          id.empty() ? Value{{"LaunchTemplateName", name}} : Value{{"LaunchTemplateId", id}};
      try {
        auto found = template_versions(session_, place_, selection, {version});
        if (!found.empty()) known->second = found.front().image_id;
      } catch (const Error& e) {
        // The group cannot launch anything then.
        if (e.kind() != ErrorKind::not_found) throw;
      }
    }
    return known->second;
  }

  std::string of_configuration(const std::string& name) {
    auto [known, fresh] = configurations_.try_emplace(name);
    if (fresh) {
      Value answer = session_.call(place_, "autoscaling", "DescribeLaunchConfigurations",
                                   {{"LaunchConfigurationNames", Value::array({name})}});
      for (const Value& found : answer.value("LaunchConfigurations", Value::array())) {
        known->second = text(found, "ImageId");
      }
    }
    return known->second;
  }

 private:
  const Session& session_;
  const Place& place_;
  std::map<std::tuple<std::string, std::string, std::string>, std::string> templates_;
  std::map<std::string, std::string> configurations_;
};

/// Each image that the group may launch.
std::set<std::string> images_of_group(const Value& group, LaunchImages& images) {
  std::set<std::string> ids;
  if (group.contains("LaunchTemplate")) ids.insert(images.of_template(group["LaunchTemplate"]));
  if (std::string name = text(group, "LaunchConfigurationName"); !name.empty()) {
    ids.insert(images.of_configuration(name));
  }
  const Value mixed = group.value("MixedInstancesPolicy", Value::object());
  const Value launch = mixed.value("LaunchTemplate", Value::object());
  if (launch.contains("LaunchTemplateSpecification")) {
    ids.insert(images.of_template(launch["LaunchTemplateSpecification"]));
  }
  for (const Value& choice : launch.value("Overrides", Value::array())) {
    if (choice.contains("LaunchTemplateSpecification")) {
      ids.insert(images.of_template(choice["LaunchTemplateSpecification"]));
    }
  }
  return ids;
}

}  // namespace

std::vector<ImageUse> list_image_uses(const Session& session, const Place& place) {
  std::vector<ImageUse> uses;
  std::set<std::pair<std::string, std::string>> seen;
  for (ImageUse& use :
       template_versions(session, place, Value::object(), {"$Latest", "$Default"})) {
    if (seen.emplace(use.id, use.version).second) uses.push_back(std::move(use));
  }
  LaunchImages images(session, place);
  session.each_page(
      place, "autoscaling", "DescribeAutoScalingGroups", Value::object(), [&](const Value& page) {
        for (const Value& group : page.value("AutoScalingGroups", Value::array())) {
          const std::string name = text(group, "AutoScalingGroupName");
          for (const std::string& image_id : images_of_group(group, images)) {
            uses.push_back({.kind = kGroupKind, .id = name, .name = name, .image_id = image_id});
          }
        }
      });
  return uses;
}

}  // namespace hallmark::cloud::on_aws
