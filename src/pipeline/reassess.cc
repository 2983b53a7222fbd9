/// The reassess workflow: every active image's inventory, as it was read once, against today's
/// advisories. No machine is launched. Only what is new and held against an image is told.

#include "base/error.h"
#include "base/ids.h"
#include "pipeline/evidence.h"
#include "pipeline/gate.h"
#include "pipeline/notice.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

constexpr int kWidth = 4;

/// Ours of the time before, of those that this step has not recorded itself.
std::optional<model::Assessment> assessed_before(const Context& context,
                                                 const std::string& image_run_id,
                                                 const std::string& except_id) {
  std::vector<AssessmentRecord> recorded = list_assessments(context.database, image_run_id);
  std::erase_if(recorded, [&](const AssessmentRecord& record) {
    return record.assessment_id == except_id || record.purpose != kReassessmentPurpose;
  });
  if (recorded.empty()) return std::nullopt;
  return std::move(recorded.back().assessment);
}

Json reassess_one(Context& context, workflow::Run& run, const std::string& image_run_id,
                  const std::string& image_key) {
  return run.step("assess/" + image_key, [&](workflow::Step& step) {
    GoldenImage image = get_golden_image(context.database, image_run_id);
    Looked looked = read_looked(context, image);
    const std::string assessment_id = id_from_token("assessment", step.token());
    const std::string notice_id = id_from_token("notice", step.token());
    // What others saw when it was built is judged again with what is known of it today.
    std::vector<model::Assessment> assessments = looked.assessments;
    std::vector<model::Assessment> before = std::move(looked.assessments);
    if (auto ours = assessed_before(context, image_run_id, assessment_id)) {
      before.front() = std::move(*ours);
    }
    assessments.front() = context.scanner.assess(looked.inventory, step.stop());
    if (context.scanner.annotate) context.scanner.annotate(assessments, step.stop());
    const model::Assessment& assessment = assessments.front();
    const auto findings = scan::merge(assessments);
    const auto earlier = scan::merge(before);
    const model::Gate policy = image.pipeline.get<model::Pipeline>().gate;
    const GateVerdict gate =
        evaluate_gate(policy, {image_key, context.clock.now(), assessments, findings});
    // As it was then: a waiver that has ended since is news too.
    const TimePoint then = from_rfc3339(before.front().assessed_at);
    const GateVerdict gate_before = evaluate_gate(policy, {image_key, then, before, earlier});
    const scan::Change change = scan::change(scan::list_of(earlier), scan::list_of(findings));
    Json result = {{"image_key", image_key},
                   {"image_id", image.image_id},
                   {"packages", assessment.package_count},
                   {"findings", assessment.findings.size()},
                   {"introduced", change.introduced.size()},
                   {"fixed", change.fixed.size()},
                   {"gaps", assessment.gaps.size()},
                   {"completeness", model::to_string(assessment.completeness)},
                   {"gate", gate}};
    const std::vector<FindingVerdict> held =
        newly_held(gate, gate_before, told_before(context.database, image_key, notice_id));
    // The notice first: once the assessment is recorded, what it found is no news any more.
    const auto keep = [&] {
      record_assessment(context.database, image_run_id,
                        {.assessment_id = assessment_id,
                         .purpose = kReassessmentPurpose,
                         .assessed_at = assessment.assessed_at,
                         .digest = sha256_hex(compact(assessment)),
                         .assessment = assessment});
    };
    if (held.empty()) {
      keep();
      return result;
    }
    Notice notice = {.notice_id = notice_id,
                     .kind = kFindingsNotice,
                     .subject = image_key,
                     .created_at = to_rfc3339(context.clock.now()),
                     .body = {{"image_id", image.image_id},
                              {"gate_passed", gate.passed},
                              {"findings", Json::array()},
                              {"reach", reach_of(context, image)}}};
    for (const FindingVerdict& verdict : held) {
      notice.body["findings"].push_back({{"id", verdict.id},
                                         {"package", verdict.package},
                                         {"severity", model::to_string(verdict.severity)},
                                         {"judgement", model::to_string(verdict.judgement)},
                                         {"why", verdict.why}});
    }
    record_notice(context.database, notice);
    keep();
    result["notice"] = notice;
    return result;
  });
}

}  // namespace

Json reassess(Context& context, workflow::Run& run) {
  std::vector<workflow::Run::Branch> branches;
  for (const Json& image : member<Json>(run.input(), "images")) {
    std::string image_run_id = member<std::string>(image, "run_id");
    std::string image_key = member<std::string>(image, "image_key");
    branches.push_back({image_key, [&context, image_run_id, image_key](workflow::Run& branch) {
                          return reassess_one(context, branch, image_run_id, image_key);
                        }});
  }
  Json images = Json::array();
  int failed = 0;
  for (const workflow::BranchOutcome& outcome : run.branches(branches, kWidth)) {
    if (outcome.error) {
      ++failed;
      images.push_back({{"image_key", outcome.key}, {"error", error_to_json(*outcome.error)}});
    } else {
      images.push_back(outcome.result);
    }
  }
  return {{"images", images}, {"failed", failed}};
}

}  // namespace hallmark::pipeline
