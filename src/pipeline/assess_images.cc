#include "pipeline/assess_images.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/error.h"
#include "pipeline/evidence.h"
#include "pipeline/image_store.h"
#include "pipeline/rescan.h"
#include "scan/merge.h"

namespace hallmark::pipeline {

namespace {

Json look_at(Context& context, const GoldenImage& image, std::stop_token stop) {
  Looked looked = read_looked(context, image);
  use_newest(context, image.run_id, looked.assessments, {});
  // Only the built-in scanner can look again without a machine.
  std::vector<model::Assessment> before = {looked.assessments.front()};
  std::vector<model::Assessment> now = {context.scanner.assess(looked.inventory, stop)};
  if (context.scanner.annotate) context.scanner.annotate(now, stop);
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
  std::vector<Json> looks;
  for (const GoldenImage& image :
       list_golden_images(context.database, {GoldenState::active, GoldenState::deprecated})) {
    if (!image_key.empty() && image.image_key != image_key) continue;
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "interrupted");
    try {
      looks.push_back(look_at(context, image, stop));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      looks.push_back({{"image_key", image.image_key},
                       {"image_id", image.image_id},
                       {"error", error_to_json(error)}});
    }
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
