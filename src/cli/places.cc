#include "cli/places.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cloud/organizations.h"
#include "pipeline/compliance.h"

namespace hallmark::cli {

namespace {

void check_region(const cloud::Properties& properties, const std::string& region) {
  const auto& known = properties.regions;
  if (std::find(known.begin(), known.end(), region) != known.end()) return;
  auto close = suggestion(region, known);
  throw Error(ErrorKind::usage, "the {} cloud has no region \"{}\"", properties.name, region)
      .hint(close ? "did you mean \"" + *close + "\"?" : "one of: " + join(known, ", "));
}

model::Target recipient_from(const std::string& text) {
  cloud::check_recipient(text);
  model::Target target;
  (cloud::is_unit(text) ? target.unit : target.account_id) = text;
  return target;
}

}  // namespace

std::vector<OptionSpec> place_options() {
  return {{"--account", "ACCOUNT", "account id of 12 digits"}, {"--region", "REGION", "region"}};
}

cloud::Place place_of(App& app, const Arguments& arguments) {
  cloud::Properties properties = app.workplace().context.cloud.properties();
  cloud::Place place = app.workplace().context.home("");
  if (auto account = arguments.value("--account")) {
    cloud::check_account_id(*account);
    place.account_id = *account;
  }
  if (auto region = arguments.value("--region")) {
    check_region(properties, *region);
    place.region = *region;
  }
  return place;
}

std::vector<cloud::Place> places_of(App& app, const Arguments& arguments) {
  pipeline::Context& context = app.workplace().context;
  auto account = arguments.value("--account");
  auto region = arguments.value("--region");
  if (region) check_region(context.cloud.properties(), *region);
  std::vector<cloud::Place> places = pipeline::known_places(context);
  if (account) {
    cloud::check_account_id(*account);
    bool known = std::any_of(places.begin(), places.end(),
                             [&](const cloud::Place& p) { return p.account_id == *account; });
    // One that no target names yet can be asked for all the same.
    if (!known) {
      for (const std::string& each : context.cloud.properties().regions) {
        places.push_back({*account, each});
      }
    }
  }
  std::erase_if(places, [&](const cloud::Place& place) {
    return (account && place.account_id != *account) || (region && place.region != *region);
  });
  return places;
}

model::Target parse_target(const std::string& text) {
  std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) {
    throw Error(ErrorKind::usage, "\"{}\" is not a target", text)
        .hint(
            "write ACCOUNT=REGION,REGION, such as 111122223333=us-east-1,us-west-2; in place of "
            "the "
            "account an organization's or organizational unit's ARN");
  }
  model::Target target = recipient_from(text.substr(0, equals));
  for (const std::string& region : split(text.substr(equals + 1), ',')) {
    if (trim(region).empty()) throw Error(ErrorKind::usage, "\"{}\" names an empty region", text);
    target.regions.emplace_back(trim(region));
  }
  return target;
}

model::Target parse_target_or_account(const std::string& text) {
  if (text.find('=') != std::string::npos) return parse_target(text);
  return recipient_from(text);
}

}  // namespace hallmark::cli
