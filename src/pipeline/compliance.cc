#include "pipeline/compliance.h"

#include <algorithm>
#include <set>

#include "pipeline/golden_parameters.h"
#include "pipeline/image_store.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

/// Why an id is not golden: what we know of it makes the sentence useful.
std::string why_not_golden(Context& context, const cloud::Machine& machine, bool list_exists) {
  if (!list_exists) {
    return "there is no " + std::string(kLatestParameter) + " here, so no image is golden";
  }
  if (auto image = find_golden_image(context.database, machine.image_id)) {
    return fmt::format("its image {} is {}, which is {}", machine.image_id, image->image_key,
                       to_string(image->state));
  }
  return fmt::format("its image {} is not in {}", machine.image_id, kLatestParameter);
}

}  // namespace

std::vector<MachineCompliance> check_compliance(Context& context,
                                                const std::vector<cloud::Place>& places) {
  std::vector<MachineCompliance> results;
  for (const cloud::Place& place : places) {
    std::vector<std::string> golden = read_latest(context.cloud, place);
    for (cloud::Machine& machine : context.cloud.list_machines(place, {})) {
      if (machine.tags.contains(kRunTag)) continue;
      MachineCompliance result;
      result.compliant = std::find(golden.begin(), golden.end(), machine.image_id) != golden.end();
      if (result.compliant) {
        auto image = find_golden_image(context.database, machine.image_id);
        result.reason = fmt::format("its image {} is {}", machine.image_id,
                                    image ? image->image_key + ", active" : "in the list");
      } else {
        result.reason = why_not_golden(context, machine, !golden.empty());
      }
      result.machine = std::move(machine);
      results.push_back(std::move(result));
    }
  }
  std::stable_sort(results.begin(), results.end(),
                   [](const auto& a, const auto& b) { return a.compliant < b.compliant; });
  return results;
}

std::vector<cloud::Place> known_places(Context& context) {
  cloud::Properties properties = context.cloud.properties();
  std::set<std::string> accounts = {properties.account_id};
  for (const GoldenImage& image : list_golden_images(context.database, {})) {
    for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
      accounts.insert(target.place.account_id);
    }
  }
  std::vector<cloud::Place> places;
  for (const std::string& account : accounts) {
    for (const std::string& region : properties.regions) places.push_back({account, region});
  }
  return places;
}

void to_json(Json& json, const MachineCompliance& value) {
  json = {
      {"machine_id", value.machine.machine_id}, {"name", value.machine.name},
      {"account_id", value.machine.account_id}, {"region", value.machine.region},
      {"image_id", value.machine.image_id},     {"state", cloud::to_string(value.machine.state)},
      {"compliant", value.compliant},           {"reason", value.reason}};
}

}  // namespace hallmark::pipeline
