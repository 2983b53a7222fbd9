#include "cloud/catalog.h"

#include <algorithm>

#include "base/error.h"

namespace hallmark::cloud {

namespace {

constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
// AWS Service Catalog API Reference: PortfolioDisplayName, ProviderName, PortfolioDescription,
// ProvisionedProductName, PrincipalARN.
constexpr std::size_t kMaxPortfolioName = 100;
constexpr std::size_t kMaxProvider = 50;
constexpr std::size_t kMaxDescription = 2000;
constexpr std::size_t kMaxProvisionedName = 128;
constexpr std::size_t kMaxPrincipal = 1000;
// What a part of a parameter's name may have at most in AWS Systems Manager and on a file system.
constexpr std::size_t kMaxPart = 128;
// AWS CloudFormation's limit for a template in S3.
constexpr std::size_t kMaxTemplateBytes = 1 << 20;

bool is_word(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         kLettersAndDigits.find(text.front()) != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return kLettersAndDigits.find(c) != std::string_view::npos ||
                  std::string_view("._-").find(c) != std::string_view::npos;
         });
}

void check_word(std::string_view what, std::string_view text, std::size_t most) {
  if (is_word(text, most)) return;
  throw Error(ErrorKind::usage, "{} \"{}\" is none", what, text)
      .hint(fmt::format("1 to {} of A-Z a-z 0-9 . _ -, a letter or digit first", most));
}

void check_length(std::string_view what, std::string_view text, std::size_t least,
                  std::size_t most) {
  if (text.size() >= least && text.size() <= most && text.find('\0') == text.npos) return;
  throw Error(ErrorKind::usage, "{} has {} characters; {} to {} is what it may have", what,
              text.size(), least, most);
}

struct StateName {
  VersionState state;
  std::string_view name;
};
constexpr StateName kStateNames[] = {{VersionState::active, "active"},
                                     {VersionState::deprecated, "deprecated"},
                                     {VersionState::inactive, "inactive"}};

}  // namespace

std::string to_string(const ProductKey& key) { return key.product + "/" + key.os; }

std::string product_name(const ProductKey& key) { return key.product + "-" + key.os; }

std::string product_description(const ProductKey& key) {
  return fmt::format("This product can be used to launch {} in {} environment.", key.product,
                     key.os);
}

std::string template_key(const ProductKey& key, const std::string& version) {
  return fmt::format("hallmark/catalog/{}/{}/versions/{}", key.os, key.product, version);
}

std::string_view to_string(VersionState state) {
  for (const StateName& known : kStateNames) {
    if (known.state == state) return known.name;
  }
  throw Error(ErrorKind::internal, "a version's state {} has no name", static_cast<int>(state));
}

VersionState version_state_from(std::string_view text) {
  for (const StateName& known : kStateNames) {
    if (known.name == text) return known.state;
  }
  throw Error(ErrorKind::corrupt, "\"{}\" is no state of a version", text);
}

std::string_view to_string(ProvisionedState state) {
  switch (state) {
    case ProvisionedState::changing:
      return "changing";
    case ProvisionedState::available:
      return "available";
    case ProvisionedState::failed:
      return "failed";
  }
  throw Error(ErrorKind::internal, "a provisioned product's state {} has no name",
              static_cast<int>(state));
}

void check_product_key(const ProductKey& key) {
  check_word("product", key.product, kMaxPart);
  check_word("os", key.os, kMaxPart);
}

void check_version(const VersionSpec& spec) {
  check_word("version", spec.name, kMaxPart);
  check_length("the template of version " + spec.name, spec.template_text, 1, kMaxTemplateBytes);
  if (spec.image.starts_with("/")) check_parameter_name(spec.image);
  if (spec.image.empty()) {
    throw Error(ErrorKind::usage, "version {} names no image", spec.name)
        .hint("give an image's id or the name of the parameter that holds it");
  }
}

void check_portfolio(const PortfolioSpec& spec) {
  check_length("a portfolio's name", spec.name, 1, kMaxPortfolioName);
  check_length("a portfolio's provider", spec.provider, 1, kMaxProvider);
  check_length("a portfolio's description", spec.description, 0, kMaxDescription);
}

void check_product_launch(const ProductLaunch& launch) {
  check_word("provisioned product's name", launch.name, kMaxProvisionedName);
  check_principal(launch.principal);
}

bool is_unit_id(std::string_view recipient) {
  return recipient.starts_with("o-") || recipient.starts_with("ou-");
}

void check_portfolio_recipient(const std::string& recipient) {
  if (!is_unit_id(recipient)) check_account_id(recipient);
}

void check_principal(const std::string& principal) {
  check_length("a principal", principal, 1, kMaxPrincipal);
}

}  // namespace hallmark::cloud
