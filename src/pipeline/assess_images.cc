#include "pipeline/assess_images.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <thread>
#include <tuple>

#include "base/error.h"
#include "pipeline/at_once.h"
#include "pipeline/evidence.h"
#include "pipeline/image_store.h"
#include "pipeline/rescan.h"
#include "scan/merge.h"

namespace hallmark::pipeline {

namespace {

/// What is known of exploitation is read once for so many images; more at a time only takes memory.
constexpr std::size_t kBatch = 256;

int width() { return static_cast<int>(std::max(2u, std::thread::hardware_concurrency())); }

/// One image as it was seen last and as it is seen now.
struct SeenAgain {
  model::Assessment before;
  std::optional<Error> error;  ///< then nothing is seen now
};

SeenAgain look_at(Context& context, const GoldenImage& image, model::Assessment& now,
                  std::stop_token stop) {
  try {
    Looked looked = read_looked(context, image);
    use_newest(context, image.run_id, looked.assessments, {});
    now = context.scanner.assess(looked.inventory, stop);
    // Only the built-in scanner can look again without a machine.
    return {std::move(looked.assessments.front()), {}};
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    return {{}, error};
  }
}

Json failure(const GoldenImage& image, const Error& error) {
  return {{"image_key", image.image_key},
          {"image_id", image.image_id},
          {"error", error_to_json(error)}};
}

Json compare(const GoldenImage& image, model::Assessment seen_before, model::Assessment seen_now) {
  std::vector<model::Assessment> before, now;
  before.push_back(std::move(seen_before));
  now.push_back(std::move(seen_now));
  const auto earlier = scan::merge(before);
  const auto findings = scan::merge(now);
  const scan::Change change = scan::change(scan::list_of(earlier), scan::list_of(findings));
  Json introduced = Json::array();
  for (const scan::MergedFinding* finding : change.introduced) {
    introduced.push_back({{"id", finding->id},
                          {"package", finding->package},
                          {"severity", model::to_string(finding->severity)},
                          {"fixed_version", finding->fixed_version},
                          {"known_exploited", finding->known_exploited}});
  }
  return {{"image_key", image.image_key},
          {"image_id", image.image_id},
          {"packages", now.front().package_count},
          {"findings", findings.size()},
          {"gaps", now.front().gaps.size()},
          {"completeness", model::to_string(now.front().completeness)},
          {"since", before.front().assessed_at},
          {"introduced", introduced},
          {"fixed", change.fixed.size()}};
}

void look_at_batch(Context& context, std::span<const GoldenImage> images, std::vector<Json>& looks,
                   std::stop_token stop) {
  std::vector<SeenAgain> seen(images.size());
  std::vector<model::Assessment> now(images.size());
  at_once(images.size(), width(), [&](std::size_t i) {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "interrupted");
    seen[i] = look_at(context, images[i], now[i], stop);
  });
  try {
    if (context.scanner.annotate) context.scanner.annotate(now, stop);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    for (SeenAgain& look : seen) {
      if (!look.error) look.error = error;
    }
  }
  const std::size_t first = looks.size();
  looks.resize(first + images.size());
  at_once(images.size(), width(), [&](std::size_t i) {
    looks[first + i] = seen[i].error
                           ? failure(images[i], *seen[i].error)
                           : compare(images[i], std::move(seen[i].before), std::move(now[i]));
  });
}

/// The worst first: how many are new of each severity.
std::array<std::int64_t, 4> weight(const Json& image) {
  std::array<std::int64_t, 4> counts{};
  for (const Json& finding : image.value("introduced", Json::array())) {
    const std::string severity = finding.at("severity");
    --counts[severity == "critical" ? 0 : severity == "high" ? 1 : severity == "unknown" ? 2 : 3];
  }
  return counts;
}

}  // namespace

Json assess_images(Context& context, const std::string& image_key, std::stop_token stop) {
  std::vector<GoldenImage> images =
      list_golden_images(context.database, {GoldenState::active, GoldenState::deprecated});
  if (!image_key.empty()) {
    std::erase_if(images, [&](const GoldenImage& image) { return image.image_key != image_key; });
  }
  std::vector<Json> looks;
  for (std::size_t first = 0; first < images.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, images.size() - first);
    look_at_batch(context, std::span(images).subspan(first, count), looks, stop);
  }
  if (looks.empty() && !image_key.empty()) {
    throw Error(ErrorKind::not_found, "there is no active image {}", image_key)
        .hint("`hallmark image list` shows them");
  }
  // What could not be looked at may hold anything.
  std::stable_sort(looks.begin(), looks.end(), [](const Json& a, const Json& b) {
    return std::make_tuple(!a.contains("error"), weight(a)) <
           std::make_tuple(!b.contains("error"), weight(b));
  });
  return looks;
}

}  // namespace hallmark::pipeline
