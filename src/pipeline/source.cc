#include "pipeline/source.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/image_store.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {

namespace {

bool is_image_id(std::string_view text) {
  return text.starts_with("ami-") && (text.size() == 12 || text.size() == 21) &&
         text.find_first_not_of("0123456789abcdef", 4) == std::string::npos;
}

std::string image_of_golden(Context& context, const cloud::Place& home,
                            const std::string& reference) {
  GoldenImage parent = get_golden_image(context.database, reference);
  if (parent.state != GoldenState::active) {
    throw Error(ErrorKind::conflict, "the parent image {} is {}, not active", parent.image_key,
                to_string(parent.state));
  }
  if (parent.home.region == home.region) return home_image_id(context, parent);
  for (const ImageTarget& target : list_targets(context.database, parent.run_id)) {
    if (target.place == home && target.state == TargetState::available) return target.image_id;
  }
  throw Error(ErrorKind::not_found, "the parent image {} is not in {}", parent.image_key,
              home.region)
      .hint("distribute it there first");
}

cloud::Parameter image_parameter(Context& context, const cloud::Place& home,
                                 const std::string& name) {
  std::optional<cloud::Parameter> parameter = context.cloud.get_parameter(home, name);
  if (!parameter) {
    throw Error(ErrorKind::not_found, "there is no parameter {} in {}", name,
                cloud::to_string(home))
        .hint("parameters are each region's own: see that it is there in " + home.region);
  }
  if (!is_image_id(trim(parameter->value))) {
    std::string shown = parameter->value.substr(0, 100);
    throw Error(ErrorKind::usage, "the parameter {} does not hold the id of one image: \"{}\"",
                name, shown)
        .hint(
            "name a parameter whose whole value is an id (ami-...), such as "
            "/GoldenAMI/OS/PRODUCT/VERSION");
  }
  parameter->value = std::string(trim(parameter->value));
  return *parameter;
}

[[noreturn]] void nothing_fits(const cloud::Place& home, const model::SourceRef& source,
                               const std::string& instead) {
  std::string whose =
      source.owners.empty() ? "ourselves and those who share with us" : join(source.owners, ", ");
  throw Error(ErrorKind::not_found,
              "there is no available {} image named {} in {}, looking at images of {}",
              source.architecture, source.name, cloud::to_string(home), whose)
      .note(instead)
      .hint(source.owners.empty()
                ? "see: hallmark source list; for somebody else's public image name its owner "
                  "under source.owners"
                : "check name, owners, architecture and region; images are each region's own");
}

cloud::Image newest_image(Context& context, const cloud::Place& home,
                          const model::SourceRef& source) {
  cloud::ImageFilter filter{.owned_only = false};
  filter.owners = source.owners;
  bool is_pattern = source.name.find_first_of("*?") != std::string::npos;
  (is_pattern ? filter.name_pattern : filter.name) = source.name;
  std::vector<cloud::Image> images = context.cloud.list_images(home, filter);
  std::string instead;
  std::erase_if(images, [&](const cloud::Image& image) {
    std::string why;
    if (image.state != cloud::ImageState::available) {
      why = cloud::to_string(image.state);
    } else if (!image.architecture.empty() && image.architecture != source.architecture) {
      why = "for " + image.architecture;
    }
    if (instead.empty() && !why.empty()) {
      instead = fmt::format("{} ({}) is {}", image.image_id, image.name, why);
    }
    return !why.empty();
  });
  if (images.empty()) nothing_fits(home, source, instead);
  // Of two that were made in the same second, always the same one.
  return *std::max_element(
      images.begin(), images.end(), [](const cloud::Image& a, const cloud::Image& b) {
        return std::tie(a.created_at, a.image_id) < std::tie(b.created_at, b.image_id);
      });
}

Json asked(const model::SourceRef& source) {
  if (!source.image_id.empty()) return {{"image_id", source.image_id}};
  if (!source.golden_image.empty()) return {{"golden_image", source.golden_image}};
  if (!source.parameter.empty()) return {{"parameter", source.parameter}};
  return {{"name", source.name}, {"owners", source.owners}, {"architecture", source.architecture}};
}

void refuse(const std::string& image_id, const char* platform, const std::string& what,
            const std::string& hint) {
  throw Error(ErrorKind::usage, "the source image {} runs {}, {}", image_id, platform, what)
      .hint(hint);
}

}  // namespace

SourceImage find_source(Context& context, const cloud::Place& home,
                        const model::SourceRef& source) {
  Json record = {{"asked", asked(source)}};
  std::optional<cloud::Image> image;
  if (!source.name.empty()) {
    image = newest_image(context, home, source);
  } else {
    std::string image_id = source.image_id;
    std::string origin;
    if (!source.golden_image.empty()) {
      image_id = image_of_golden(context, home, source.golden_image);
      origin = ", which is that of " + source.golden_image;
    } else if (!source.parameter.empty()) {
      cloud::Parameter parameter = image_parameter(context, home, source.parameter);
      image_id = parameter.value;
      origin = ", which the parameter " + source.parameter + " names";
      record["parameter_version"] = parameter.version;
    }
    image = context.cloud.find_image(home, image_id);
    if (!image) {
      throw Error(ErrorKind::not_found, "there is no source image {} in {}{}", image_id,
                  cloud::to_string(home), origin)
          .hint(
              "see: hallmark source list; images are each region's own, and a private one must "
              "be shared with account " +
              home.account_id);
    }
    if (image->state == cloud::ImageState::failed || image->state == cloud::ImageState::disabled) {
      throw Error(ErrorKind::conflict, "the source image {}{} is {}: {}", image_id, origin,
                  cloud::to_string(image->state),
                  image->state_reason.empty() ? "no reason given" : image->state_reason);
    }
  }
  record["image_id"] = image->image_id;
  record["name"] = image->name;
  record["owner_id"] = image->owner_id;
  if (!image->owner_alias.empty()) record["owner_alias"] = image->owner_alias;
  record["region"] = image->region;
  record["architecture"] = image->architecture;
  record["platform"] = std::string(cloud::to_string(image->platform));
  record["created_at"] = to_rfc3339(image->created_at);
  if (!image->product_codes.empty()) record["product_codes"] = image->product_codes;
  return {image->image_id, image->platform, std::move(record)};
}

void check_platform(const model::Pipeline& pipeline, const SourceImage& source) {
  auto is_kb = [](const std::string& name) { return name.starts_with("KB"); };
  const model::Updates& updates = pipeline.updates;
  if (source.platform == cloud::Platform::linux) {
    bool for_windows = !updates.categories.empty() || !updates.severities.empty() ||
                       std::any_of(updates.include.begin(), updates.include.end(), is_kb) ||
                       std::any_of(updates.exclude.begin(), updates.exclude.end(), is_kb);
    if (for_windows) {
      refuse(source.image_id, "Linux", "but updates speak of Windows Update",
             "leave out updates.categories, updates.severities and KB numbers");
    }
    return;
  }
  if (pipeline.build.mode == model::BuildMode::offline) {
    refuse(source.image_id, "Windows", "which cannot be built offline", "set build.mode to boot");
  }
  auto check_script = [&](const model::Script& script) {
    if (!script.text.starts_with("#!")) return;
    refuse(source.image_id, "Windows",
           "but " + script.name + " starts with " +
               script.text.substr(0, std::min<std::size_t>(script.text.find_first_of("\r\n"), 40)),
           "write it in PowerShell, without a #! line");
  };
  if (pipeline.pre_update) check_script(*pipeline.pre_update);
  if (pipeline.post_update) check_script(*pipeline.post_update);
  for (const model::ImageTest& test : pipeline.tests) check_script(test.script);
  for (const auto* names : {&updates.include, &updates.exclude}) {
    auto other = std::find_if_not(names->begin(), names->end(), is_kb);
    if (other == names->end()) continue;
    refuse(source.image_id, "Windows", "which has no package \"" + *other + "\"",
           "name updates by their KB numbers: KB5031364");
  }
}

}  // namespace hallmark::pipeline
