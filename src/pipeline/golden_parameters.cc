#include "pipeline/golden_parameters.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/names.h"
#include "rule/golden_list.h"

namespace hallmark::pipeline {

namespace {

/// Past kStandardParameterBytes a parameter costs money, and does not become a standard one again.
/// Told two dozen ids before that, while versions can still be decommissioned instead.
constexpr std::size_t kWarningBytes = cloud::kStandardParameterBytes - 512;
/// Writers that lose the race read again; as many losses in a row mean something else is wrong.
constexpr int kMaxRaces = 100;
constexpr const char* kWayOut =
    "decommission versions that are no longer needed; see: hallmark image list --only active";

std::vector<std::string> ids_in(const std::optional<cloud::Parameter>& parameter) {
  return parameter ? rule::listed_ids(parameter->value) : std::vector<std::string>();
}

void check_size(const cloud::Place& place, std::size_t before, std::size_t after) {
  if (after <= before) return;
  if (after > cloud::kMaxParameterBytes) {
    throw Error(ErrorKind::usage, "{} in {} would grow to {} bytes; {} is the most it can hold",
                kLatestParameter, cloud::to_string(place), after, cloud::kMaxParameterBytes)
        .hint(kWayOut);
  }
  if (after >= kWarningBytes) {
    log_warning("{} in {} grows to {} bytes; past {} AWS charges for it, and {} is the most: {}",
                kLatestParameter, cloud::to_string(place), after, cloud::kStandardParameterBytes,
                cloud::kMaxParameterBytes, kWayOut);
  }
}

/// Reads the list, lets `change` edit it, and writes it back, if it is not as it should be, unless
/// somebody else was faster, in which case it starts again.
template <typename Change>
void update_latest(cloud::Cloud& cloud, const cloud::Place& place, Change change) {
  for (int race = 0; race < kMaxRaces; ++race) {
    const std::optional<cloud::Parameter> present = cloud.get_parameter(place, kLatestParameter);
    const std::string before = present ? present->value : "";
    std::vector<std::string> ids = ids_in(present);
    change(ids);
    const std::string after = join(ids, ",");
    if (after == before) return;
    check_size(place, before.size(), after.size());
    const std::int64_t version = present ? present->version : 0;
    try {
      if (after.empty()) return cloud.remove_parameter(place, kLatestParameter, version);
      cloud.put_parameter(place, kLatestParameter, after, version);
      return;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::conflict) throw;
    }
  }
  throw Error(ErrorKind::unavailable, "{} in {} changed {} times while it was being updated",
              kLatestParameter, cloud::to_string(place), kMaxRaces);
}

}  // namespace

std::vector<std::string> read_latest(cloud::Cloud& cloud, const cloud::Place& place) {
  return ids_in(cloud.get_parameter(place, kLatestParameter));
}

void add_to_latest(cloud::Cloud& cloud, const cloud::Place& place, const std::string& image_id,
                   const std::string& image_key, Edited edited) {
  // The index first: whoever finds the id in the list may rely on that.
  publish_parameter(cloud, place, id_parameter(image_id), image_key, cloud::ParameterKind::text,
                    edited);
  update_latest(cloud, place, [&](std::vector<std::string>& ids) {
    if (std::find(ids.begin(), ids.end(), image_id) == ids.end()) ids.push_back(image_id);
  });
}

void remove_from_latest(cloud::Cloud& cloud, const cloud::Place& place, const std::string& image_id,
                        const std::string& image_key) {
  update_latest(cloud, place, [&](std::vector<std::string>& ids) { std::erase(ids, image_id); });
  withdraw_parameter(cloud, place, id_parameter(image_id), image_key);
}

void publish_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                       const std::string& value, cloud::ParameterKind kind, Edited edited) {
  for (int race = 0; race < kMaxRaces; ++race) {
    const std::optional<cloud::Parameter> present = cloud.get_parameter(place, name);
    if (present && present->value == value) return;
    if (present && edited == Edited::kept) {
      throw Error(ErrorKind::conflict, "{} in {} says {}, which is not of this version", name,
                  cloud::to_string(place), present->value)
          .hint(
              "somebody edited it: a published version is overwritten by image distribute "
              "--force alone");
    }
    try {
      cloud.put_parameter(place, name, value, present ? present->version : 0, kind);
      return;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::conflict) throw;
    }
  }
  throw Error(ErrorKind::unavailable, "{} in {} changed {} times while it was being published",
              name, cloud::to_string(place), kMaxRaces);
}

void withdraw_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                        const std::string& value) {
  std::optional<cloud::Parameter> present = cloud.get_parameter(place, name);
  if (present && present->value == value) cloud.remove_parameter(place, name, present->version);
}

}  // namespace hallmark::pipeline
