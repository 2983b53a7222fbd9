#include <algorithm>
#include <regex>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "model/pipeline_file.h"

namespace hallmark::model {

namespace {

constexpr std::string_view kForm = R"(for example {"111122223333":"us-east-1,us-west-2"})";

/// nlohmann/json keeps the last of equal keys; an account named twice must be told.
std::optional<std::string> repeated_key(std::string_view text) {
  std::set<std::string> seen;
  std::optional<std::string> repeated;
  auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !seen.insert(parsed.get<std::string>()).second) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  Json ignored = Json::parse(text, look, false);
  return repeated;
}

}  // namespace

std::vector<Target> targets_from_metadata(std::string_view metadata) {
  static const std::regex kAccount("[0-9]{12}");
  static const std::regex kRegion("[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}");
  auto refuse = [](std::string message) -> Error {
    return Error(ErrorKind::usage, std::move(message)).hint(std::string(kForm));
  };
  Json json = Json::parse(metadata, nullptr, false);
  if (!json.is_object()) throw refuse("is not a JSON object from account to regions");
  if (auto account = repeated_key(metadata)) {
    throw refuse("the account " + *account + " is there twice");
  }
  std::vector<Target> targets;
  for (const auto& [account, regions] : json.items()) {
    if (!std::regex_match(account, kAccount)) {
      throw refuse("\"" + account + "\" is not an account: 12 digits");
    }
    if (!regions.is_string()) throw refuse("the regions of " + account + " must be text");
    Target target;
    target.account_id = account;
    for (const std::string& part : split(regions.get<std::string>(), ',')) {
      std::string region(trim(part));
      if (region.size() > 40 || !std::regex_match(region, kRegion)) {
        throw refuse("\"" + region + "\" is not a region");
      }
      if (std::find(target.regions.begin(), target.regions.end(), region) != target.regions.end()) {
        throw refuse(region + " is there twice for " + account);
      }
      target.regions.push_back(region);
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace hallmark::model
