/// The reassess workflow: every active image's inventory, as it was read once, against today's
/// advisories. A machine is launched only for outside scanners, where the pipeline names some. Only
/// what is new and held against an image is told.

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "pipeline/evidence.h"
#include "pipeline/finding_ages.h"
#include "pipeline/gate.h"
#include "pipeline/notice.h"
#include "pipeline/ownership.h"
#include "pipeline/rebuild.h"
#include "pipeline/rescan.h"
#include "pipeline/units.h"
#include "pipeline/wish.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

constexpr int kReassessWidth = 4;

/// Whether a build of today could be without one of these.
bool has_fix(const std::vector<FindingVerdict>& held,
             const std::vector<scan::MergedFinding>& findings) {
  return std::any_of(held.begin(), held.end(), [&](const FindingVerdict& verdict) {
    return std::any_of(findings.begin(), findings.end(), [&](const scan::MergedFinding& finding) {
      return finding.fixable && finding.id == verdict.id && finding.package == verdict.package;
    });
  });
}

/// What was not looked at may be there still.
bool is_all_seen(const std::vector<model::Assessment>& assessments) {
  return std::all_of(assessments.begin(), assessments.end(), [](const model::Assessment& each) {
    return each.completeness == model::Completeness::complete;
  });
}

/// Whether outside scanners are to look again: at active images whose pipeline names some.
bool wants_rescan(Context& context, workflow::Run& run, const std::string& image_run_id,
                  const std::string& image_key) {
  if (!run.input().value("rescan", false)) return false;
  return run.step("rescan-wanted/" + image_key, [&](workflow::Step&) {
    const GoldenImage image = get_golden_image(context.database, image_run_id);
    return image.state == GoldenState::active &&
           !image.pipeline.get<model::Pipeline>().scanners.empty();
  });
}

/// Accounts join and leave units behind our back: what they should have or lose is distributed
/// anew, by a run of its own. Null: no target is a unit.
Json follow_members(Context& context, workflow::Run& run, const std::string& image_run_id,
                    const std::string& image_key) {
  return run.step("members/" + image_key, [&](workflow::Step& step) {
    const GoldenImage image = get_golden_image(context.database, image_run_id);
    if (image.state != GoldenState::active) return Json();
    model::Pipeline pipeline = image.pipeline.get<model::Pipeline>();
    pipeline.targets = wish_of(context.database, image).targets;
    const Membership membership = look_at_units(context, pipeline.targets, step.stop());
    if (membership.members.empty() && membership.unread.empty()) return Json();
    const MembershipChange change = membership_change(context, image, pipeline.targets, membership);
    Json told = {
        {"joined", change.joined}, {"left", change.left}, {"left_out", left_out(membership)}};
    if (change.joined.empty() && change.left.empty()) return told;
    const std::string run_id = id_from_token("run", step.token());
    step.start_run(run_id, "distribute", image.image_key,
                   {{"image_run_id", image.run_id}, {"pipeline", pipeline}});
    told["run_id"] = run_id;
    return told;
  });
}

Json reassess_one(Context& context, workflow::Run& run, const std::string& image_run_id,
                  const std::string& image_key) {
  const bool rescans = wants_rescan(context, run, image_run_id, image_key);
  const std::string not_scanned = rescans ? rescan(context, run, image_run_id, image_key) : "";
  const Json members = follow_members(context, run, image_run_id, image_key);
  Json assessed = run.step("assess/" + image_key, [&](workflow::Step& step) {
    GoldenImage image = get_golden_image(context.database, image_run_id);
    Looked looked = read_looked(context, image);
    const std::string assessment_id = id_from_token("assessment", step.token());
    const std::string notice_id = id_from_token("notice", step.token());
    std::vector<AssessmentRecord> rescanned;
    if (rescans && not_scanned.empty()) {
      for (model::Assessment& seen : read_rescans(context, run.id(), image)) {
        rescanned.push_back(
            {.assessment_id = id_from_token("assessment", step.token() + seen.scanner),
             .purpose = kRescanPurpose,
             .assessed_at = seen.assessed_at,
             .digest = sha256_hex(compact(seen)),
             .assessment = std::move(seen)});
      }
    }
    // What this step has recorded itself, if it is repeated, is not of the time before.
    std::set<std::string> own_ids = {assessment_id};
    for (const AssessmentRecord& record : rescanned) own_ids.insert(record.assessment_id);
    std::vector<model::Assessment> before = std::move(looked.assessments);
    use_newest(context, image_run_id, before, own_ids);
    // What others saw last is judged again with what is known of it today.
    std::vector<model::Assessment> assessments = before;
    for (const AssessmentRecord& record : rescanned) {
      std::replace_if(
          assessments.begin() + 1, assessments.end(),
          [&](const model::Assessment& each) { return each.scanner == record.assessment.scanner; },
          record.assessment);
    }
    assessments.front() = context.scanner.assess(looked.inventory, step.stop());
    if (context.scanner.annotate) context.scanner.annotate(assessments, step.stop());
    const model::Assessment& assessment = assessments.front();
    const auto findings = scan::merge(assessments);
    const auto earlier = scan::merge(before);
    const auto pipeline = image.pipeline.get<model::Pipeline>();
    const model::Gate& policy = pipeline.gate;
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
                   {"gate", gate},
                   {"rescanned", rescanned.size()}};
    if (!not_scanned.empty()) result["not_scanned"] = not_scanned;
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
      for (const AssessmentRecord& record : rescanned) {
        record_assessment(context.database, image_run_id, record);
      }
      observe_findings(context, image, findings, is_all_seen(assessments));
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
    if (pipeline.reassessment.rebuild_on_finding && has_fix(held, findings)) {
      notice.body["rebuild"] =
          rebuild_by_policy(context, step, image, id_from_token("run", step.token()));
    }
    record_notice(context, notice);
    keep();
    result["notice"] = notice;
    return result;
  });
  if (!members.is_null()) assessed["members"] = members;
  return assessed;
}

}  // namespace

Json reassess(Context& context, workflow::Run& run) {
  // Machines are removed as soon as they were looked at; this is for those that a cancelled run
  // left.
  run.on_exit("clean-up", workflow::ExitOn::always,
              [&context, &run](workflow::Step&) { remove_all_owned(context, run.id()); });
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
  for (const workflow::BranchOutcome& outcome : run.branches(branches, kReassessWidth)) {
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
