#include "pipeline/compliance_verdicts.h"

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "base/error.h"

namespace hallmark::pipeline {

namespace {

/// Each place has limits of its own: AWS Config takes PutExternalEvaluation once a second there.
constexpr std::size_t kVerdictWidth = 8;
/// As many as fit into what AWS Config keeps of a verdict's text, with the counts before them.
constexpr std::size_t kNamed = 5;

std::string_view word(cloud::PlaceCompliance compliance) {
  switch (compliance) {
    case cloud::PlaceCompliance::compliant:
      return "compliant";
    case cloud::PlaceCompliance::non_compliant:
      return "non-compliant";
    case cloud::PlaceCompliance::not_applicable:
      return "not applicable";
  }
  return "non-compliant";
}

}  // namespace

cloud::PlaceVerdict verdict_on(const PlaceReport& place, TimePoint checked_at) {
  cloud::PlaceVerdict verdict{.compliance = cloud::PlaceCompliance::compliant, .at = checked_at};
  const std::size_t all = place.rulings.of.size();
  std::size_t bad = 0;
  std::string named;
  for (std::size_t i = 0; i < all; ++i) {
    if (is_fine(place.rulings.of[i].verdict)) continue;
    if (++bad <= kNamed) named += (bad == 1 ? ": " : ", ") + place.facts.resources[i].id;
  }
  if (bad > kNamed) named += ", ..";
  verdict.text = fmt::format("{} of {} not compliant{}", bad, all, named);
  if (bad > 0) verdict.compliance = cloud::PlaceCompliance::non_compliant;
  if (!place.problems.empty()) {
    verdict.compliance = cloud::PlaceCompliance::non_compliant;
    verdict.text += fmt::format("; not looked at: {}", place.problems.front());
  } else if (all == 0) {
    verdict.compliance = cloud::PlaceCompliance::not_applicable;
    verdict.text = "nothing runs";
  }
  return verdict;
}

std::vector<PutVerdict> put_verdicts(cloud::Enforcement& enforcement,
                                     const ComplianceReport& report, const std::string& rule,
                                     std::stop_token stop) {
  std::vector<PutVerdict> put(report.places.size());
  std::atomic<std::size_t> next = 0;
  auto work = [&] {
    for (std::size_t i = next++; i < put.size() && !stop.stop_requested(); i = next++) {
      put[i] = {report.places[i].facts.place, verdict_on(report.places[i], report.checked_at), ""};
      try {
        enforcement.put_verdict(put[i].place, rule, put[i].verdict, stop);
      } catch (const Error& error) {
        put[i].problem = error.full_text();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(kVerdictWidth, put.size()); ++i)
      workers.emplace_back(work);
  }
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "the verdicts were not all put");
  return put;
}

void to_json(Json& json, const PutVerdict& value) {
  json = {{"account_id", value.place.account_id},
          {"region", value.place.region},
          {"verdict", word(value.verdict.compliance)},
          {"text", value.verdict.text},
          {"problem", value.problem}};
}

}  // namespace hallmark::pipeline
