#include "pipeline/outside_scan.h"

#include "base/error.h"
#include "base/text.h"
#include "evidence/documents.h"
#include "pipeline/evidence.h"

namespace hallmark::pipeline {

namespace {

/// A service that answers now has its results ready within this; reports of services are bounded by
/// their own limits, which are shorter.
constexpr Duration kCollectLimit{30 * 60'000};
constexpr workflow::PollSchedule kServiceSchedule{Duration{5'000}, Duration{60'000}};

/// Where an assessment waits until the evidence is written.
Path scan_file(const Context& context, const std::string& run_id, const std::string& scanner) {
  return evidence_directory(context, run_id) / "scans" / (scanner + ".json");
}

void keep(const Context& context, const std::string& run_id, const model::Assessment& assessment) {
  write_file(scan_file(context, run_id, assessment.scanner), compact(assessment));
}

/// One scanner on one machine. Outlives the workflow function, in clean-ups.
struct Scan {
  Context& context;
  std::string run_id;
  model::ScannerUse use;
  scan::ScanTarget target;

  std::shared_ptr<scan::OutsideScanner> scanner() const {
    return context.outside_scanner(use.name);
  }
  std::string key(const std::string& part) const { return "scan/" + use.name + "/" + part; }

  scan::KeepRaw raw() const {
    // Two scanners of one kind must not share a file: the name in golden.yaml comes first.
    return [keep = keep_raw(context, run_id), name = use.name](
               const std::string& file, const std::string& media_type, std::string_view bytes) {
      return keep(name + file.substr(std::min(file.find('/'), file.size())), media_type, bytes);
    };
  }
};

/// The machine as the scanners are told of it; without a title.
scan::ScanTarget target_of(Context& context, workflow::Run& run, const Guest& guest,
                           const std::string& image_id) {
  Json seen = run.step("scan-target", [&](workflow::Step&) {
    auto machine = context.cloud.find_machine(guest.place, guest.machine_id);
    if (!machine) {
      throw Error(ErrorKind::unavailable, "machine {} cannot be seen", guest.machine_id);
    }
    return Json{{"ip", machine->ip},
                {"launched_at", to_rfc3339(machine->launched_at)},
                {"tags", machine->tags}};
  });
  return {.account_id = guest.place.account_id,
          .region = guest.place.region,
          .image_id = image_id,
          .machine_id = guest.machine_id,
          .ip = member<std::string>(seen, "ip"),
          .launched_at = from_rfc3339(member<std::string>(seen, "launched_at")),
          .tags = member<cloud::Tags>(seen, "tags")};
}

/// What is installed in the image, read from its disk: no machine has to run for it.
Json sbom_of(Context& context, const model::Pipeline& pipeline, const scan::ScanTarget& target) {
  auto disk = context.cloud.open_image({target.account_id, target.region}, target.image_id);
  evidence::Subject subject{.image_key = model::image_key(pipeline),
                            .product = pipeline.product,
                            .os = pipeline.os,
                            .version = pipeline.version,
                            .image_id = target.image_id,
                            .made_at = to_rfc3339(context.clock.now())};
  subject.inventory = context.scanner.take_inventory(*disk);
  return evidence::cyclonedx(subject);
}

Json summary(const model::Assessment& assessment) {
  return {{"completeness", model::to_string(assessment.completeness)},
          {"findings", assessment.findings.size()},
          {"reasons", assessment.reasons}};
}

void keep_failure(const Scan& scan, workflow::Run& run, const Error& error) {
  run.step(scan.key("failed"), [&](workflow::Step&) {
    model::Assessment assessment{.scanner = scan.use.name,
                                 .reasons = {error.message()},
                                 .assessed_at = to_rfc3339(scan.context.clock.now())};
    for (const std::string& note : error.notes()) assessment.reasons.push_back(note);
    keep(scan.context, scan.run_id, assessment);
    return summary(assessment);
  });
}

/// Launch to results. Throws what no waiting mends.
void run_scan(const Scan& scan, workflow::Run& run) {
  const Duration deadline = scan.use.deadline;
  const std::string scan_id = run.poll(scan.key("launch"), deadline, kServiceSchedule,
                                       [&](workflow::Step& step) -> std::optional<std::string> {
                                         return scan.scanner()->launch(scan.target, step.stop());
                                       });
  const Duration interval{run.step(scan.key("interval"), [&](workflow::Step&) {
    return scan.scanner()->poll_interval().count();
  })};
  try {
    run.poll(scan.key("look"), deadline, {interval, interval},
             [&](workflow::Step& step) -> std::optional<std::string> {
               scan::ScanProgress at = scan.scanner()->look(scan.target, scan_id, step.stop());
               step.progress(std::nullopt, scan.use.name + " says " + at.state);
               if (at.ended) return at.state;
               return std::nullopt;
             });
  } catch (const Error& e) {
    // What it saw until then is worth having; the assessment says that it is not all.
    if (e.kind() != ErrorKind::timeout) throw;
    run.note(scan.key("late"),
             fmt::format("{} had not ended within {}", scan.use.name, format_duration(deadline)));
  }
  run.poll(scan.key("collect"), kCollectLimit, kServiceSchedule,
           [&](workflow::Step& step) -> std::optional<Json> {
             model::Assessment assessment =
                 scan.scanner()->collect(scan.target, scan_id, scan.raw(), step.stop());
             assessment.scanner = scan.use.name;
             keep(scan.context, scan.run_id, assessment);
             return summary(assessment);
           });
}

Json scan_and_clean_up(const Scan& scan, workflow::Run& run) {
  try {
    run_scan(scan, run);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    keep_failure(scan, run, e);
  }
  // Not left to the run's end, which may be days of waiting for approval away: an uploaded key or a
  // scan that still runs must go now.
  try {
    run.step(scan.key("clean-up"),
             [&](workflow::Step& step) { scan.scanner()->clean_up(scan.target, "", step.stop()); });
    run.drop_on_exit(scan.key("clean-up-at-exit"));
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    run.note(scan.key("left"), fmt::format("what {} left on its service is removed at the end: {}",
                                           scan.use.name, e.message()));
  }
  return nullptr;
}

}  // namespace

void check_scanners(Context& context, workflow::Run& run,
                    const std::vector<model::ScannerUse>& scanners) {
  if (scanners.empty()) return;
  run.step("check-scanners", [&](workflow::Step& step) {
    for (const model::ScannerUse& use : scanners) {
      try {
        context.outside_scanner(use.name)->check(step.stop());
      } catch (Error& e) {
        throw std::move(e.note("the scanner " + use.name + " cannot be used"));
      }
    }
  });
}

void scan_guest(Context& context, workflow::Run& run, const Guest& guest,
                const std::string& image_id, const model::Pipeline& pipeline) {
  if (pipeline.scanners.empty()) return;
  const scan::ScanTarget target = target_of(context, run, guest, image_id);
  std::vector<workflow::Run::Branch> branches;
  for (const model::ScannerUse& use : pipeline.scanners) {
    Scan scan{context, run.id(), use, target};
    // Of this machine: a run that is tried again has another one.
    scan.target.title = fmt::format("hallmark {} {} {}", run.id(), guest.machine_id, use.name);
    scan.target.sbom = [&context, pipeline, target] { return sbom_of(context, pipeline, target); };
    run.on_exit(
        scan.key("clean-up-at-exit"), workflow::ExitOn::always,
        [scan](workflow::Step& step) { scan.scanner()->clean_up(scan.target, "", step.stop()); });
    branches.push_back(
        {use.name, [scan](workflow::Run& branch) { return scan_and_clean_up(scan, branch); }});
  }
  for (const auto& outcome : run.branches(branches, static_cast<int>(branches.size()))) {
    if (outcome.error) throw *outcome.error;
  }
}

std::vector<model::Assessment> read_scans(const Context& context, const std::string& run_id,
                                          const std::vector<model::ScannerUse>& scanners) {
  std::vector<model::Assessment> assessments;
  for (const model::ScannerUse& use : scanners) {
    const Path file = scan_file(context, run_id, use.name);
    assessments.push_back(parse_json(read_file(file), file.string()).get<model::Assessment>());
  }
  return assessments;
}

}  // namespace hallmark::pipeline
