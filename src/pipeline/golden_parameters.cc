#include "pipeline/golden_parameters.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

/// A standard SSM parameter's limit; `put_parameter` refuses more.
constexpr std::size_t kMaxValueBytes = 4096;
/// Writers that lose the race read again; as many losses in a row mean something else is wrong.
constexpr int kMaxRaces = 100;

std::vector<std::string> ids_in(const std::optional<cloud::Parameter>& parameter) {
  if (!parameter || parameter->value.empty()) return {};
  return split(parameter->value, ',');
}

/// Reads the list, lets `change` edit it (false: nothing to do), and writes it back unless somebody
/// else was faster, in which case it starts again.
template <typename Change>
void update_latest(cloud::Cloud& cloud, const cloud::Place& place, Change change) {
  for (int race = 0; race < kMaxRaces; ++race) {
    std::optional<cloud::Parameter> present = cloud.get_parameter(place, kLatestParameter);
    std::vector<std::string> ids = ids_in(present);
    if (!change(ids)) return;
    std::int64_t version = present ? present->version : 0;
    try {
      if (ids.empty()) return cloud.remove_parameter(place, kLatestParameter, version);
      std::string value = join(ids, ",");
      if (value.size() > kMaxValueBytes) {
        throw Error(ErrorKind::usage, "{} in {} would grow to {} bytes; {} is the most it can hold",
                    kLatestParameter, cloud::to_string(place), value.size(), kMaxValueBytes)
            .hint("decommission versions that are no longer needed");
      }
      cloud.put_parameter(place, kLatestParameter, value, version);
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

void add_to_latest(cloud::Cloud& cloud, const cloud::Place& place, const std::string& image_id) {
  update_latest(cloud, place, [&](std::vector<std::string>& ids) {
    if (std::find(ids.begin(), ids.end(), image_id) != ids.end()) return false;
    ids.push_back(image_id);
    return true;
  });
}

void remove_from_latest(cloud::Cloud& cloud, const cloud::Place& place,
                        const std::string& image_id) {
  update_latest(cloud, place,
                [&](std::vector<std::string>& ids) { return std::erase(ids, image_id) > 0; });
}

void publish_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                       const std::string& value) {
  std::optional<cloud::Parameter> present = cloud.get_parameter(place, name);
  if (!present) {
    try {
      cloud.put_parameter(place, name, value, 0);
      return;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::conflict) throw;
      present = cloud.get_parameter(place, name);
    }
  }
  if (present && present->value == value) return;
  throw Error(ErrorKind::conflict, "{} in {} is already {}", name, cloud::to_string(place),
              present ? present->value : "being changed")
      .hint("a published version is never overwritten: decommission it, or publish a new version");
}

void withdraw_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                        const std::string& value) {
  std::optional<cloud::Parameter> present = cloud.get_parameter(place, name);
  if (present && present->value == value) cloud.remove_parameter(place, name, present->version);
}

}  // namespace hallmark::pipeline
