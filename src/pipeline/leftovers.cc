#include "pipeline/leftovers.h"

#include <algorithm>
#include <set>

#include "pipeline/archive.h"
#include "pipeline/catalog.h"
#include "pipeline/channel.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"
#include "pipeline/units.h"

namespace hallmark::pipeline {

std::vector<std::string> find_leftovers(Context& context, const GoldenImage& image) {
  std::set<cloud::Place> places = {image.home};
  std::set<std::string> ids = {image.image_id};
  for (const std::string& region : context.cloud.properties().regions) {
    places.insert({image.home.account_id, region});
  }
  for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
    // Nothing was ever there, or nobody can look any more.
    if (target.image_id.empty() || was_let_go(target)) continue;
    places.insert(target.place);
    ids.insert(target.image_id);
  }

  std::vector<std::string> left;
  for (const PlaceCheck& check : check_catalog(context, image)) {
    for (const std::string& problem : check.problems) {
      left.push_back(problem + " in " + cloud::to_string(check.place));
    }
  }
  for (std::string& line : find_archives_left(context, image)) left.push_back(std::move(line));
  const std::string parameter = version_parameter(image.product, image.os, image.version);
  for (const cloud::Place& place : places) {
    const std::string where = cloud::to_string(place);
    for (const cloud::Image& found :
         context.cloud.list_images(place, {.tags = {{kImageKeyTag, image.image_key}}})) {
      left.push_back("image " + found.image_id + " in " + where);
    }
    for (const std::string& id : read_latest(context.cloud, place)) {
      if (ids.contains(id))
        left.push_back(std::string(kLatestParameter) + " lists " + id + " in " + where);
    }
    if (context.cloud.get_parameter(place, parameter)) {
      left.push_back("parameter " + parameter + " in " + where);
    }
    const std::string channels = channel_parameter(image.product, image.os, "");
    for (const cloud::Parameter& each : context.cloud.list_parameters(place, channels)) {
      if (ids.contains(each.value)) left.push_back("parameter " + each.name + " in " + where);
    }
    for (const cloud::Parameter& each : context.cloud.list_parameters(place, id_parameter(""))) {
      if (each.value == image.image_key) left.push_back("parameter " + each.name + " in " + where);
    }
  }
  return left;
}

}  // namespace hallmark::pipeline
