#include "pipeline/retention.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "model/pipeline.h"
#include "pipeline/evidence.h"
#include "pipeline/gate.h"
#include "pipeline/rescan.h"

namespace hallmark::pipeline {

namespace {

constexpr std::array<std::string_view, 3> kStages = {"deprecate", "disable", "decommission"};

/// Policies speak of days.
std::string days_text(Duration duration) {
  constexpr Duration kDay = std::chrono::hours(24);
  return duration % kDay == Duration(0) ? fmt::format("{}d", duration / kDay)
                                        : format_duration(duration);
}

TimePoint state_since(const GoldenImage& image) {
  return from_rfc3339(image.state_since.empty() ? image.updated_at : image.state_since);
}

/// `rank`: how many newer active versions there are.
std::optional<Retirement> next_stage(const VersionFacts& version, const model::Retention& policy,
                                     std::size_t rank, TimePoint now) {
  const GoldenImage& image = version.image;
  Retirement next{.image_key = image.image_key, .run_id = image.run_id};
  auto after = [&](RetirementStage stage, Duration wait, const char* word) {
    next.stage = stage;
    next.due_at = state_since(image) + wait;
    next.reason = fmt::format("{} for {}", word, days_text(wait));
    return next;
  };
  if (image.state == GoldenState::deprecated) {
    return after(RetirementStage::disable, policy.disable_after, "deprecated");
  }
  if (image.state == GoldenState::disabled) {
    return after(RetirementStage::decommission, policy.decommission_after, "disabled");
  }
  next.due_at = now;
  if (policy.keep_versions && rank >= static_cast<std::size_t>(*policy.keep_versions)) {
    next.reason = fmt::format("{} newer {} there, {} kept", rank, rank == 1 ? "is" : "are",
                              *policy.keep_versions == 1
                                  ? "the newest is"
                                  : fmt::format("the newest {} are", *policy.keep_versions));
    return next;
  }
  if (version.gate_fails && policy.when_gate_fails) {
    next.reason = "its newest assessment fails the gate";
    return next;
  }
  if (policy.max_age) {
    next.due_at = from_rfc3339(image.created_at) + *policy.max_age;
    next.reason = "older than " + days_text(*policy.max_age);
    return next;
  }
  return std::nullopt;
}

bool gate_fails(const Context& context, const GoldenImage& image) {
  try {
    const auto gate = image.pipeline.get<model::Pipeline>().gate;
    Looked looked = read_looked(context, image);
    // As when it is reassessed.
    use_newest(context, image.run_id, looked.assessments);
    return !evaluate_gate(gate, image.image_key, looked.assessments, context.clock.now()).passed;
  } catch (const Error& e) {
    log_warning("the gate of {} cannot be asked: {}", image.image_key, e.message());
    return true;
  }
}

GoldenState state_before(RetirementStage stage) {
  switch (stage) {
    case RetirementStage::deprecate:
      return GoldenState::active;
    case RetirementStage::disable:
      return GoldenState::deprecated;
    case RetirementStage::decommission:
      break;
  }
  return GoldenState::disabled;
}

bool retires(const model::Retention& policy) {
  return policy.keep_versions || policy.max_age || policy.when_gate_fails;
}

}  // namespace

std::string_view to_string(RetirementStage stage) {
  return kStages.at(static_cast<std::size_t>(stage));
}

bool is_due(const Retirement& planned, const GoldenImage& image, TimePoint now) {
  const bool kept = !image.kept_until.empty() && now < from_rfc3339(image.kept_until);
  return planned.due_at <= now && !kept && image.state == state_before(planned.stage);
}

std::vector<VersionFacts> version_facts(const Context& context) {
  std::vector<VersionFacts> facts;
  for (GoldenImage& image :
       list_golden_images(context.database,
                          {GoldenState::active, GoldenState::deprecated, GoldenState::disabled})) {
    // Its own policy stands for that of the newest version here: asking once too often is harmless.
    const bool matters = image.state == GoldenState::active;
    const bool fails = matters && gate_fails(context, image);
    facts.push_back({std::move(image), fails});
  }
  return facts;
}

std::vector<Retirement> plan_retirements(const std::vector<VersionFacts>& versions, TimePoint now) {
  std::map<std::string, std::vector<const VersionFacts*>> products;
  for (const VersionFacts& version : versions) {
    products[version.image.product + "/" + version.image.os].push_back(&version);
  }
  std::vector<Retirement> plan;
  for (auto& [product, all] : products) {
    std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
      return a->image.created_at > b->image.created_at;
    });
    const auto newest = std::find_if(all.begin(), all.end(), [](const auto* version) {
      return version->image.state == GoldenState::active;
    });
    if (newest == all.end()) continue;
    const auto policy = (*newest)->image.pipeline.get<model::Pipeline>().retention;
    if (!retires(policy)) continue;
    std::size_t rank = 0;
    for (const VersionFacts* version : all) {
      const bool is_active = version->image.state == GoldenState::active;
      const std::size_t newer = is_active ? rank++ : rank;
      if (version == *newest) continue;
      auto next = next_stage(*version, policy, newer, now);
      if (!next) continue;
      if (const std::string& kept = version->image.kept_until; !kept.empty()) {
        next->due_at = std::max(next->due_at, from_rfc3339(kept));
      }
      plan.push_back(std::move(*next));
    }
  }
  std::stable_sort(plan.begin(), plan.end(),
                   [](const auto& a, const auto& b) { return a.due_at < b.due_at; });
  return plan;
}

void to_json(Json& json, const Retirement& value) {
  json = {{"image_key", value.image_key},
          {"run_id", value.run_id},
          {"stage", to_string(value.stage)},
          {"reason", value.reason},
          {"due_at", to_rfc3339(value.due_at)}};
}

}  // namespace hallmark::pipeline
