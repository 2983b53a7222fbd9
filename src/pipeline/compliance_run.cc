/// The compliance workflow: one check of all places, kept for the trend. It changes nothing, so it
/// may be made again as often as its process dies.

#include "base/error.h"
#include "model/exemption_file.h"
#include "pipeline/compliance_history.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

Json compliance(Context& context, workflow::Run& run) {
  return run.step("check", [&](workflow::Step& step) {
    std::vector<model::Problem> problems;
    ComplianceRules rules{.exemptions = model::read_exemptions(
                              member<std::string>(run.input(), "exemptions"), problems),
                          .accept_derived = member<bool>(run.input(), "accept_derived"),
                          .grace = Duration{member<Duration::rep>(run.input(), "grace_ms")}};
    const ComplianceReport report =
        check_compliance(context, known_places(context), rules, step.stop());
    record_check(context.database, report);
    const VerdictCounts counts = report.counts();
    Json counted = Json::object();
    for (std::size_t i = 0; i < kVerdicts; ++i) {
      counted[std::string(to_string(static_cast<Verdict>(i)))] = counts[i];
    }
    Json not_looked_at = Json::array();
    for (const PlaceReport& place : report.places) {
      for (const std::string& problem : place.problems) {
        not_looked_at.push_back(place.facts.place.account_id + "/" + place.facts.place.region +
                                ": " + problem);
      }
    }
    return Json{{"compliant", report.is_compliant()},
                {"counts", counted},
                {"not_looked_at", not_looked_at}};
  });
}

}  // namespace hallmark::pipeline
