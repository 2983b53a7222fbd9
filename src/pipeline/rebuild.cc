#include "pipeline/rebuild.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "model/pipeline.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Who asks for a build that a reassessment started. Nobody of that name may approve.
constexpr const char* kReassessment = "hallmark reassess";
/// A version has at most 60 characters; of those, so many digits are a number to count.
constexpr std::size_t kLongestNumber = 18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<GoldenImage> versions_of(db::Database& database, const std::string& product,
                                     const std::string& os,
                                     const std::vector<GoldenState>& states) {
  std::vector<GoldenImage> images = list_golden_images(database, states);
  std::erase_if(
      images, [&](const GoldenImage& image) { return image.product != product || image.os != os; });
  return images;
}

Error is_being_built(const GoldenImage& open) {
  return Error(ErrorKind::conflict, "{} is being built already ({}, run {})", open.image_key,
               to_string(open.state), open.run_id)
      .hint("wait for it: hallmark run watch " + open.run_id);
}

}  // namespace

std::string next_patch(const std::string& version) {
  std::size_t begin = version.size();
  while (begin > 0 && is_digit(version[begin - 1])) --begin;
  const std::string digits = version.substr(begin);
  if (digits.empty() || digits.size() > kLongestNumber) return version + ".1";
  std::string next = std::to_string(std::stoull(digits) + 1);
  // "007" stays as wide as it is.
  if (next.size() < digits.size()) next.insert(0, digits.size() - next.size(), '0');
  return version.substr(0, begin) + next;
}

std::string free_version(db::Database& database, const std::string& product, const std::string& os,
                         const std::string& version) {
  std::set<std::string> taken;
  for (const GoldenImage& image : versions_of(database, product, os, {})) {
    if (image.state == GoldenState::failed || image.state == GoldenState::rejected) continue;
    taken.insert(image.version);
  }
  std::string free = version;
  while (taken.contains(free)) free = next_patch(free);
  return free;
}

std::optional<GoldenImage> open_build(db::Database& database, const std::string& product,
                                      const std::string& os) {
  auto open =
      versions_of(database, product, os, {GoldenState::building, GoldenState::awaiting_approval});
  if (open.empty()) return std::nullopt;
  return open.front();
}

std::string start_rebuild(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          const std::optional<std::string>& version,
                          const std::string& requested_by, std::stop_token stop,
                          std::optional<std::string> run_id) {
  if (auto open = open_build(context.database, image.product, image.os)) {
    throw is_being_built(*open);
  }
  model::Pipeline pipeline = image.pipeline.get<model::Pipeline>();
  pipeline.version = version.value_or(
      free_version(context.database, image.product, image.os, next_patch(image.version)));
  return start_build(engine, context, pipeline, requested_by, std::move(stop), std::move(run_id));
}

Rebuild rebuild_by_policy(Context& context, workflow::Step& step, const GoldenImage& image,
                          const std::string& run_id) {
  model::Pipeline pipeline = image.pipeline.get<model::Pipeline>();
  // An earlier attempt of this step got as far as to reserve it, or somebody drives it already.
  const auto all = versions_of(context.database, image.product, image.os, {});
  const auto ours = std::find_if(all.begin(), all.end(),
                                 [&](const GoldenImage& each) { return each.run_id == run_id; });
  if (ours != all.end()) {
    return {.run_id = run_id, .image_key = ours->image_key};
  }
  if (auto open = open_build(context.database, image.product, image.os)) {
    return {.why_not =
                fmt::format("{} is being built already, run {}", open->image_key, open->run_id)};
  }
  const auto newest = std::find_if(all.begin(), all.end(), [](const GoldenImage& each) {
    return each.state == GoldenState::active;
  });
  if (newest == all.end() || newest->run_id != image.run_id) {
    return {.why_not = newest == all.end() ? "it is " + std::string(to_string(image.state))
                                           : newest->image_key + " is newer"};
  }
  pipeline.version =
      free_version(context.database, image.product, image.os, next_patch(image.version));
  // The run first: a version reserved for a run that is nowhere would be held for ever.
  step.start_run(run_id, "build", model::image_key(pipeline),
                 {{"pipeline", pipeline}, {"requested_by", kReassessment}});
  const Rebuild begun = {.run_id = run_id, .image_key = model::image_key(pipeline)};
  // Whoever drives it may have got further by now.
  if (find_golden_image(context.database, run_id)) return begun;
  try {
    reserve_version(context, {.run_id = run_id,
                              .image_key = model::image_key(pipeline),
                              .product = pipeline.product,
                              .os = pipeline.os,
                              .version = pipeline.version,
                              .home = context.home(pipeline.build.region),
                              .requested_by = kReassessment,
                              .pipeline = pipeline,
                              .created_at = to_rfc3339(context.clock.now())});
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::conflict) throw;
    // Somebody else was quicker by a moment, and the run ends with the same words; or it was the
    // run itself.
    if (!find_golden_image(context.database, run_id)) return {.why_not = e.message()};
  }
  return begun;
}

void to_json(Json& json, const Rebuild& value) {
  json = value.run_id.empty() ? Json{{"why_not", value.why_not}}
                              : Json{{"run_id", value.run_id}, {"image_key", value.image_key}};
}

}  // namespace hallmark::pipeline
