/// The reassess workflow: every active image's inventory, as it was read once, against today's
/// advisories. No machine is launched.

#include "base/error.h"
#include "base/ids.h"
#include "pipeline/evidence.h"
#include "pipeline/gate.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

constexpr int kWidth = 4;

Json reassess_one(Context& context, workflow::Run& run, const std::string& image_run_id,
                  const std::string& image_key) {
  return run.step("assess/" + image_key, [&](workflow::Step& step) {
    GoldenImage image = get_golden_image(context.database, image_run_id);
    Looked looked = read_looked(context, image);
    // What others saw when it was built is judged again with what is known of it today.
    std::vector<model::Assessment> assessments = std::move(looked.assessments);
    assessments.front() = context.scanner.assess(looked.inventory, step.stop());
    if (context.scanner.annotate) context.scanner.annotate(assessments, step.stop());
    const model::Assessment& assessment = assessments.front();
    record_assessment(context.database, image_run_id,
                      {.assessment_id = id_from_token("assessment", step.token()),
                       .purpose = "reassessment",
                       .assessed_at = assessment.assessed_at,
                       .digest = sha256_hex(compact(assessment)),
                       .assessment = assessment});
    GateVerdict gate = evaluate_gate(image.pipeline.get<model::Pipeline>().gate, image_key,
                                     assessments, context.clock.now());
    return Json{{"image_key", image_key},
                {"image_id", image.image_id},
                {"packages", assessment.package_count},
                {"findings", assessment.findings.size()},
                {"gaps", assessment.gaps.size()},
                {"completeness", model::to_string(assessment.completeness)},
                {"gate", gate}};
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
