#include "cloud/aws/templates.h"

#include <nlohmann/json.hpp>

#include "aws/value.h"
#include "base/embedded.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::cloud::on_aws {

std::string_view template_file(std::string_view name) {
  return embedded_file(template_files(), name);
}

namespace {

std::string filled_in(std::string_view file, const PolicyNames& names) {
  std::string text(template_file(file));
  text = replace_all(text, "@PARTITION@", names.partition);
  text = replace_all(text, "@ACCOUNT@", names.account_id);
  text = replace_all(text, "@PREFIX@", names.prefix);
  return replace_all(text, "@CHILD_ROLE@", names.child_role);
}

}  // namespace

std::string hallmark_policy(const PolicyNames& names) {
  return filled_in("hallmark-policy.json", names);
}

std::string catalog_policy(const PolicyNames& names) {
  return filled_in("catalog-policy.json", names);
}

std::string images_policy(const PolicyNames& names) {
  return filled_in("images-policy.json", names);
}

std::string targets_policy(const PolicyNames& names) {
  return filled_in("targets-policy.json", names);
}

std::string template_with_defaults(std::string_view text,
                                   const std::map<std::string, std::string>& defaults) {
  auto document = hallmark::aws::Value::parse(text);
  auto& parameters = document["Parameters"];
  for (const auto& [name, value] : defaults) {
    if (!parameters.contains(name)) {
      throw Error(ErrorKind::usage, "the template has no parameter \"{}\"", name);
    }
    parameters[name]["Default"] = value;
  }
  return document.dump(2) + "\n";
}

}  // namespace hallmark::cloud::on_aws
