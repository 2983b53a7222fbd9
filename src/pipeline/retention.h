#pragma once
/// Which versions a retention policy (retention in golden.yaml) retires, and when.

#include <string>
#include <vector>

#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// The stages of retirement, in their order. Until the last one, restoring undoes them.
enum class RetirementStage { deprecate, disable, decommission };
std::string_view to_string(RetirementStage stage);

struct VersionFacts {
  GoldenImage image;        ///< active, deprecated or disabled
  bool gate_fails = false;  ///< by its newest assessment, judged now
};

struct Retirement {
  std::string image_key;
  std::string run_id;
  RetirementStage stage = RetirementStage::deprecate;
  std::string reason;  ///< "3 newer versions are kept"
  TimePoint due_at{};  ///< from then on; not later than now: it is due
};

/// The versions that a policy may retire, read anew. The gate is asked only where it matters; one
/// that cannot be asked, because evidence is lost, counts as failing.
std::vector<VersionFacts> version_facts(const Context& context);

/// Pure: what is due or will be, soonest first. Versions of one product and OS follow the policy of
/// their newest active one, which itself stays; without an active one all stay. A version that was
/// restored stays while it is kept. A version takes one stage at a time.
std::vector<Retirement> plan_retirements(const std::vector<VersionFacts>& versions, TimePoint now);

/// Pure: whether it is still to be done, with the image as it is now.
bool is_due(const Retirement& planned, const GoldenImage& image, TimePoint now);

void to_json(Json& json, const Retirement& value);

}  // namespace hallmark::pipeline
