#include "cloud/aws/launch_templates.h"

#include <algorithm>

#include "base/error.h"
#include "cloud/aws/session.h"

namespace hallmark::cloud {

namespace {

using on_aws::ApiError;
using on_aws::client_token;
using on_aws::Session;
using on_aws::tag_list;
using on_aws::text;
using on_aws::Value;

bool is_absent(const ApiError& e) {
  return e.kind() == ErrorKind::not_found ||
         e.code() == "InvalidLaunchTemplateName.NotFoundException" ||
         e.code() == "InvalidLaunchTemplateId.NotFound" ||
         e.code() == "InvalidLaunchTemplateId.NotFoundException";
}

std::int64_t number_of(const Value& one, const char* member) {
  return one.value(member, std::int64_t{0});
}

class AwsLaunchTemplates : public LaunchTemplates {
 public:
  explicit AwsLaunchTemplates(Session session) : session_(std::move(session)) {}

  std::optional<LaunchTemplate> find_template(const Place& place,
                                              const std::string& name) override {
    check_template_name(name);
    try {
      const Value answer = session_.call(place, "ec2", "DescribeLaunchTemplates",
                                         {{"LaunchTemplateNames", Value::array({name})}});
      for (const Value& one : answer.value("LaunchTemplates", Value::array())) {
        LaunchTemplate found{.template_id = text(one, "LaunchTemplateId"),
                             .name = text(one, "LaunchTemplateName"),
                             .tags = {},
                             .default_version = number_of(one, "DefaultVersionNumber")};
        for (const Value& tag : one.value("Tags", Value::array())) {
          found.tags[text(tag, "Key")] = text(tag, "Value");
        }
        return found;
      }
    } catch (const ApiError& e) {
      if (!is_absent(e)) throw;
    }
    return std::nullopt;
  }

  std::vector<TemplateVersion> list_template_versions(const Place& place,
                                                      const std::string& template_id) override {
    // Amazon EC2 API Reference, DescribeLaunchTemplateVersions, MaxResults.
    constexpr int kVersionsPerPage = 200;
    std::vector<TemplateVersion> versions;
    try {
      session_.each_page(
          place, "ec2", "DescribeLaunchTemplateVersions",
          {{"LaunchTemplateId", template_id}, {"MaxResults", kVersionsPerPage}},
          [&](const Value& page) {
            for (const Value& one : page.value("LaunchTemplateVersions", Value::array())) {
              versions.push_back(
                  {.version = number_of(one, "VersionNumber"),
                   .image_id = text(one.value("LaunchTemplateData", Value::object()), "ImageId"),
                   .description = text(one, "VersionDescription")});
            }
          });
    } catch (const ApiError& e) {
      if (!is_absent(e)) throw;
    }
    std::sort(versions.begin(), versions.end(),
              [](const auto& a, const auto& b) { return a.version < b.version; });
    return versions;
  }

  std::int64_t add_template_version(const Place& place, const std::string& template_id,
                                    const TemplateVersionSpec& spec,
                                    const std::string& token) override {
    const Value answer = session_.call(place, "ec2", "CreateLaunchTemplateVersion",
                                       {{"LaunchTemplateId", template_id},
                                        {"SourceVersion", std::to_string(spec.source_version)},
                                        {"VersionDescription", spec.description},
                                        {"LaunchTemplateData", {{"ImageId", spec.image_id}}},
                                        {"ClientToken", client_token(token, template_id)}});
    return number_of(answer.at("LaunchTemplateVersion"), "VersionNumber");
  }

  void set_default_version(const Place& place, const std::string& template_id,
                           std::int64_t version) override {
    session_.call_about_new(
        place, "ec2", "ModifyLaunchTemplate",
        {{"LaunchTemplateId", template_id}, {"DefaultVersion", std::to_string(version)}});
  }

  void remove_template_version(const Place& place, const std::string& template_id,
                               std::int64_t version) override {
    Value answer;
    try {
      answer = session_.call(place, "ec2", "DeleteLaunchTemplateVersions",
                             {{"LaunchTemplateId", template_id},
                              {"Versions", Value::array({std::to_string(version)})}});
    } catch (const ApiError& e) {
      if (!is_absent(e)) throw;
      return;
    }
    // What could not be deleted is in the answer, not an error. Amazon EC2 API Reference,
    // ResponseError.
    for (const Value& one :
         answer.value("UnsuccessfullyDeletedLaunchTemplateVersions", Value::array())) {
      const Value error = one.value("ResponseError", Value::object());
      const std::string code = text(error, "Code");
      if (code == "launchTemplateVersionDoesNotExist" || code == "launchTemplateIdDoesNotExist") {
        if (!is_there(place, template_id, version)) continue;
      }
      throw Error(ErrorKind::conflict, "version {} of launch template {} in {} stays: {}: {}",
                  version, template_id, to_string(place), code, text(error, "Message"));
    }
  }

  void tag_template(const Place& place, const std::string& template_id, const Tags& tags) override {
    session_.call(place, "ec2", "CreateTags",
                  {{"Resources", Value::array({template_id})}, {"Tags", tag_list(tags)}});
  }

 private:
  bool is_there(const Place& place, const std::string& template_id, std::int64_t version) {
    const auto versions = list_template_versions(place, template_id);
    return std::any_of(versions.begin(), versions.end(),
                       [&](const auto& each) { return each.version == version; });
  }

  Session session_;
};

}  // namespace

std::unique_ptr<LaunchTemplates> make_aws_launch_templates(
    AwsCloudConfig config, std::shared_ptr<hallmark::aws::Caller> caller,
    CredentialsOf credentials_of, Clock& clock) {
  return std::make_unique<AwsLaunchTemplates>(
      Session{std::move(config), std::move(caller), std::move(credentials_of), clock});
}

}  // namespace hallmark::cloud
