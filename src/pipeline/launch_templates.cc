#include "pipeline/launch_templates.h"

#include <algorithm>

#include "base/error.h"
#include "cloud/launch_templates.h"

namespace hallmark::pipeline {

namespace {

constexpr std::string_view kDescription = "hallmark ";

std::string description_of(const std::string& image_key) {
  return std::string(kDescription) + image_key;
}

std::string owner_of(const GoldenImage& image) { return image.product + "/" + image.os; }

cloud::LaunchTemplates& templates_of(const Context& context) {
  if (context.launch_templates != nullptr) return *context.launch_templates;
  throw Error(ErrorKind::usage, "the {} cloud has no launch templates",
              context.cloud.properties().name);
}

/// A template as one look saw it.
struct SeenTemplate {
  cloud::LaunchTemplate about;
  std::vector<cloud::TemplateVersion> versions;
};

std::optional<SeenTemplate> look(const Context& context, const cloud::Place& place,
                                 const std::string& name) {
  auto found = templates_of(context).find_template(place, name);
  if (!found) return std::nullopt;
  auto versions = templates_of(context).list_template_versions(place, found->template_id);
  return SeenTemplate{std::move(*found), std::move(versions)};
}

/// The newest of ours, with that image.
const cloud::TemplateVersion* version_with(const SeenTemplate& seen, const std::string& image_key,
                                           const std::string& image_id) {
  const cloud::TemplateVersion* found = nullptr;
  for (const cloud::TemplateVersion& version : seen.versions) {
    if (version.description == description_of(image_key) && version.image_id == image_id) {
      found = &version;
    }
  }
  return found;
}

std::string other_owner(const SeenTemplate& seen, const GoldenImage& image) {
  const auto tag = seen.about.tags.find(kTemplateTag);
  return tag == seen.about.tags.end() || tag->second == owner_of(image) ? "" : tag->second;
}

bool has_template(const Context& context, const std::string& run_id, const cloud::Place& place,
                  const std::string& name) {
  const auto target = find_target(context.database, run_id, place);
  return target && target->state != TargetState::removed &&
         std::find(target->launch_templates.begin(), target->launch_templates.end(), name) !=
             target->launch_templates.end();
}

/// The others of the product and os, newest first.
std::vector<GoldenImage> siblings(const Context& context, const std::string& product,
                                  const std::string& os) {
  auto images = list_golden_images(context.database, {GoldenState::active});
  std::erase_if(images,
                [&](const GoldenImage& each) { return each.product != product || each.os != os; });
  return images;
}

/// Whether no newer version of the product is active and in the template.
bool is_newest(const Context& context, const GoldenImage& image, const cloud::Place& place,
               const std::string& name) {
  for (const GoldenImage& each : siblings(context, image.product, image.os)) {
    if (each.run_id == image.run_id) return true;
    if (has_template(context, each.run_id, place, name)) return false;
  }
  return true;
}

/// The newest version that the default can go back to; 0: none.
std::int64_t former_version(const Context& context, const SeenTemplate& seen,
                            const std::string& image_key) {
  const std::string ours = description_of(image_key);
  const std::string product_os = image_key.substr(0, image_key.rfind('/'));
  const std::size_t slash = product_os.find('/');
  for (const GoldenImage& each :
       siblings(context, product_os.substr(0, slash), product_os.substr(slash + 1))) {
    if (each.image_key == image_key) continue;
    for (auto version = seen.versions.rbegin(); version != seen.versions.rend(); ++version) {
      if (version->description == description_of(each.image_key)) return version->version;
    }
  }
  std::int64_t other = 0;
  for (const cloud::TemplateVersion& version : seen.versions) {
    if (version.description == ours) continue;
    const bool is_foreign = !version.description.starts_with(kDescription);
    if (is_foreign) other = version.version;
  }
  return other;
}

bool is_default(const SeenTemplate& seen, const cloud::TemplateVersion& version) {
  return version.version == seen.about.default_version;
}

}  // namespace

std::vector<std::string> names_of(const std::vector<model::TemplateUse>& uses) {
  std::vector<std::string> names;
  for (const model::TemplateUse& use : uses) names.push_back(use.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> template_problems(const Context& context, const GoldenImage& image,
                                           const cloud::Place& place, const std::string& image_id,
                                           const model::TemplateUse& use) {
  const std::string name = "launch template " + use.name;
  const auto seen = look(context, place, use.name);
  if (!seen) return {"there is no " + name};
  if (const std::string other = other_owner(*seen, image); !other.empty()) {
    return {name + " is for " + other};
  }
  std::vector<std::string> problems;
  if (!seen->about.tags.contains(kTemplateTag)) {
    problems.push_back(name + " lacks the tag " + kTemplateTag);
  }
  const auto* version = version_with(*seen, image.image_key, image_id);
  if (version == nullptr) {
    problems.push_back(name + " has no version with " + image_id);
  } else if (use.set_default && !is_default(*seen, *version) &&
             is_newest(context, image, place, use.name)) {
    problems.push_back(fmt::format("{} has the default version {}, not {}", name,
                                   seen->about.default_version, version->version));
  }
  return problems;
}

void bring_template(const Context& context, const GoldenImage& image, const cloud::Place& place,
                    const std::string& image_id, const model::TemplateUse& use,
                    const std::string& token) {
  cloud::LaunchTemplates& templates = templates_of(context);
  const std::string where = cloud::to_string(place);
  auto seen = look(context, place, use.name);
  if (!seen) {
    throw Error(ErrorKind::not_found, "there is no launch template {} in {}", use.name, where)
        .hint("make it there first: what it is to launch with is yours to say");
  }
  if (const std::string other = other_owner(*seen, image); !other.empty()) {
    throw Error(ErrorKind::conflict, "launch template {} in {} is for {}", use.name, where, other)
        .hint("name another one, or take its tag " + std::string(kTemplateTag) + " off");
  }
  const std::string& id = seen->about.template_id;
  if (!seen->about.tags.contains(kTemplateTag)) {
    templates.tag_template(place, id, {{kTemplateTag, owner_of(image)}});
  }
  const auto* present = version_with(*seen, image.image_key, image_id);
  // From what is launched now, so that settings somebody is still trying out are not taken along.
  const std::int64_t version =
      present ? present->version
              : templates.add_template_version(place, id,
                                               {.source_version = seen->about.default_version,
                                                .image_id = image_id,
                                                .description = description_of(image.image_key)},
                                               token);
  // Versions of a copy that was replaced by another one.
  const auto is_stale = [&](const cloud::TemplateVersion& each) {
    return each.description == description_of(image.image_key) && each.version != version;
  };
  const bool stale_default =
      std::any_of(seen->versions.begin(), seen->versions.end(),
                  [&](const auto& each) { return is_stale(each) && is_default(*seen, each); });
  const bool to_set = use.set_default && is_newest(context, image, place, use.name);
  if ((to_set || stale_default) && seen->about.default_version != version) {
    templates.set_default_version(place, id, version);
  }
  for (const cloud::TemplateVersion& each : seen->versions) {
    if (is_stale(each)) templates.remove_template_version(place, id, each.version);
  }
}

void withdraw_template(const Context& context, const cloud::Place& place, const std::string& name,
                       const std::string& image_key) {
  cloud::LaunchTemplates& templates = templates_of(context);
  const auto seen = look(context, place, name);
  if (!seen) return;
  std::vector<cloud::TemplateVersion> ours;
  for (const cloud::TemplateVersion& version : seen->versions) {
    if (version.description == description_of(image_key)) ours.push_back(version);
  }
  const bool has_default = std::any_of(ours.begin(), ours.end(),
                                       [&](const auto& each) { return is_default(*seen, each); });
  if (has_default) {
    const std::int64_t former = former_version(context, *seen, image_key);
    if (former == 0) {
      throw Error(ErrorKind::conflict, "launch template {} in {} has nothing but {}", name,
                  cloud::to_string(place), image_key)
          .hint("add another version to it, or remove the template, and try again");
    }
    templates.set_default_version(place, seen->about.template_id, former);
  }
  for (const cloud::TemplateVersion& version : ours) {
    templates.remove_template_version(place, seen->about.template_id, version.version);
  }
}

}  // namespace hallmark::pipeline
