#pragma once
/// The files of templates/, embedded: CloudFormation templates, and the policy of whoever runs
/// Hallmark.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::cloud::on_aws {

/// (file name, text)
const std::vector<std::pair<std::string_view, std::string_view>>& template_files();

/// The one with this file name, which must be there.
std::string_view template_file(std::string_view name);

/// What the policy's placeholders stand for.
struct PolicyNames {
  std::string partition;
  std::string account_id;
  std::string prefix;      ///< of what setup made: "hallmark"
  std::string child_role;  ///< in other accounts
};

/// hallmark-policy.json for one account: the least that the principal needs who runs Hallmark.
std::string hallmark_policy(const PolicyNames& names);
/// catalog-policy.json: what it needs besides, to keep a catalog. Both in one are too long for IAM.
std::string catalog_policy(const PolicyNames& names);
/// images-policy.json: the same for archives in S3, fast launch, watermarks and reading keys.
std::string images_policy(const PolicyNames& names);
/// targets-policy.json: what it needs besides, for targets that are units or name launch templates.
std::string targets_policy(const PolicyNames& names);

/// The template with these defaults of its parameters, so that it can be deployed as it is. Throws
/// `usage` for a parameter that it does not have.
std::string template_with_defaults(std::string_view text,
                                   const std::map<std::string, std::string>& defaults);

}  // namespace hallmark::cloud::on_aws
