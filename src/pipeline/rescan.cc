#include "pipeline/rescan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/pipeline.h"
#include "pipeline/guest.h"
#include "pipeline/names.h"
#include "pipeline/outside_scan.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {

namespace {

/// What a scan takes past its deadline at most: half an hour to collect and half an hour to clean
/// up; see outside_scan.cc.
constexpr Duration kSlack = std::chrono::hours(1);

/// What is needed of the image; read once, so that a replay sees the same.
struct Subject {
  cloud::Place place;
  std::string image_id;
  cloud::Platform platform = cloud::Platform::linux;
  model::Pipeline pipeline;
  TimePoint deadline;
  bool needs_machine = true;  ///< else its scanners look at the image
};

Subject read_subject(Context& context, workflow::Run& run, const std::string& image_run_id,
                     const std::string& image_key) {
  const Json seen = run.step("rescan-subject/" + image_key, [&](workflow::Step&) {
    const GoldenImage image = get_golden_image(context.database, image_run_id);
    const std::string image_id = home_image_id(context, image);
    const auto found = context.cloud.find_image(image.home, image_id);
    if (!found) throw Error(ErrorKind::not_found, "image {} is gone", image_id);
    const auto pipeline = image.pipeline.get<model::Pipeline>();
    // Those that alter the machine come after the others: each may use all of its time. A machine
    // that nobody removes switches itself off after that.
    Duration scans{};
    bool needs_machine = false;
    for (const model::ScannerUse& use : pipeline.scanners) {
      scans += use.deadline + kSlack;
      needs_machine |= context.outside_scanner(use.name)->needs_machine();
    }
    return Json{{"account_id", image.home.account_id},
                {"region", image.home.region},
                {"image_id", image_id},
                {"platform", cloud::to_string(found->platform)},
                {"pipeline", pipeline},
                {"needs_machine", needs_machine},
                {"deadline", to_rfc3339(context.clock.now() + pipeline.build.boot_limit + scans)}};
  });
  return {.place = {member<std::string>(seen, "account_id"), member<std::string>(seen, "region")},
          .image_id = member<std::string>(seen, "image_id"),
          .platform = cloud::platform_from(member<std::string>(seen, "platform")),
          .pipeline = member<model::Pipeline>(seen, "pipeline"),
          .deadline = from_rfc3339(member<std::string>(seen, "deadline")),
          .needs_machine = seen.value("needs_machine", true)};
}

/// By name too: a launch whose answer was lost, or that did not come up, gave us no id.
void remove_machines(Context& context, workflow::Run& run, const Subject& subject,
                     const std::string& name, const std::string& image_key) {
  run.step("rescan-removed/" + image_key, [&](workflow::Step&) {
    for (const cloud::Machine& machine :
         context.cloud.list_machines(subject.place, {.tags = {{kRunTag, run.id()}}})) {
      if (machine.name != name || machine.state == cloud::MachineState::terminated) continue;
      context.cloud.remove_machine(subject.place, machine.machine_id);
      context.ledger.released_external(machine.machine_id);
    }
  });
}

}  // namespace

std::string rescan(Context& context, workflow::Run& run, const std::string& image_run_id,
                   const std::string& image_key) {
  std::string problem;
  try {
    const Subject subject = read_subject(context, run, image_run_id, image_key);
    const cloud::MachineSpec spec{.image_id = subject.image_id,
                                  .kind = cloud::MachineKind::boot,
                                  .machine_size = subject.pipeline.build.machine_size,
                                  .name = "scan of " + image_key,
                                  .deadline = subject.deadline};
    if (!subject.needs_machine) {
      const Guest nobody{.label = "rescan/" + image_key, .place = subject.place};
      scan_guest(context, run, nobody, subject.image_id, subject.pipeline,
                 model::image_name(subject.pipeline));
      return problem;
    }
    try {
      const Guest guest = launch_guest(context, run, "rescan/" + image_key, subject.place, spec,
                                       subject.platform, subject.pipeline.build.boot_limit);
      scan_guest(context, run, guest, subject.image_id, subject.pipeline,
                 model::image_name(subject.pipeline));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      problem = e.message();
    }
    // Now, not at the end of the run: that of a thousand images takes days.
    try {
      remove_machines(context, run, subject, spec.name, image_key);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      // What was seen is seen; the run's end tries again.
      run.note("rescan-left/" + image_key,
               fmt::format("the machine {} is left to the end: {}", spec.name, e.message()));
    }
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    if (problem.empty()) problem = e.message();
  }
  return problem;
}

std::vector<model::Assessment> read_rescans(const Context& context, const std::string& run_id,
                                            const GoldenImage& image) {
  const auto pipeline = image.pipeline.get<model::Pipeline>();
  return read_scans(context, run_id, pipeline.scanners, model::image_name(pipeline));
}

void use_newest(const Context& context, const std::string& image_run_id,
                std::vector<model::Assessment>& assessments,
                const std::set<std::string>& except_ids) {
  // Oldest first, so that the newest stays.
  for (AssessmentRecord& record : list_assessments(context.database, image_run_id)) {
    if (except_ids.contains(record.assessment_id)) continue;
    if (record.purpose == kReassessmentPurpose) {
      assessments.front() = std::move(record.assessment);
    } else if (record.purpose == kRescanPurpose) {
      const auto of_scanner = std::find_if(
          assessments.begin() + 1, assessments.end(),
          [&](const model::Assessment& each) { return each.scanner == record.assessment.scanner; });
      if (of_scanner != assessments.end()) *of_scanner = std::move(record.assessment);
    }
  }
}

}  // namespace hallmark::pipeline
