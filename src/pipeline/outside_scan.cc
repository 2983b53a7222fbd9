#include "pipeline/outside_scan.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "evidence/documents.h"
#include "pipeline/evidence.h"
#include "pipeline/ownership.h"

namespace hallmark::pipeline {

namespace {

/// A service that answers now has its results ready within this; reports of services are bounded by
/// their own limits, which are shorter.
constexpr Duration kCollectLimit{30 * 60'000};
/// A service that is down for a while must not keep an uploaded key for ever.
constexpr Duration kCleanUpLimit{30 * 60'000};
constexpr workflow::PollSchedule kServiceSchedule{Duration{5'000}, Duration{60'000}};

/// Where an assessment waits until the evidence is written.
Path scan_file(const Context& context, const std::string& run_id, const std::string& part,
               const std::string& scanner) {
  return evidence_directory(context, run_id) / "scans" / part / (scanner + ".json");
}

std::string before(const std::string& part) { return part.empty() ? "" : part + "/"; }

/// One scanner on one machine. Outlives the workflow function, in clean-ups.
struct Scan {
  Context& context;
  std::string run_id;
  std::string image_part;  ///< as scan_guest
  model::ScannerUse use;
  scan::ScanTarget target;

  std::shared_ptr<scan::OutsideScanner> scanner() const {
    return context.outside_scanner(use.name);
  }
  std::string key(const std::string& part) const {
    return before(image_part) + "scan/" + use.name + "/" + part;
  }
  void keep(const model::Assessment& assessment) const {
    write_file(scan_file(context, run_id, image_part, assessment.scanner), compact(assessment));
  }
  /// There is one entry for all attempts, whatever step they are made in.
  std::string ledger_entry() const { return id_from_token("scan", target.title); }

  scan::KeepRaw raw() const {
    // Two scanners of one kind must not share a file: the name in golden.yaml comes first.
    return [keep = keep_raw(context, run_id), name = before(image_part) + use.name](
               const std::string& file, const std::string& media_type, std::string_view bytes) {
      return keep(name + file.substr(std::min(file.find('/'), file.size())), media_type, bytes);
    };
  }
};

/// For the ledger: all that a clean-up by another process needs.
Json where_is(const Scan& scan) {
  const scan::ScanTarget& target = scan.target;
  return {{"scanner", scan.use.name},
          {"title", target.title},
          {"account_id", target.account_id},
          {"region", target.region},
          {"image_id", target.image_id},
          {"machine_id", target.machine_id},
          {"ip", target.ip},
          {"launched_at", to_rfc3339(target.launched_at)},
          {"tags", target.tags}};
}

/// The machine as the scanners are told of it; without a title.
scan::ScanTarget target_of(Context& context, workflow::Run& run, const Guest& guest,
                           const std::string& image_id, const std::string& part) {
  if (guest.machine_id.empty()) {
    return {
        .account_id = guest.place.account_id, .region = guest.place.region, .image_id = image_id};
  }
  Json seen = run.step(before(part) + "scan-target", [&](workflow::Step&) {
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
  subject.inventory = context.scanner.take_inventory(*disk, pipeline.inventory);
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
    scan.keep(assessment);
    return summary(assessment);
  });
}

std::string launch(const Scan& scan, workflow::Step& step) {
  scan.context.ledger.plan({.entry_id = scan.ledger_entry(),
                            .run_id = scan.run_id,
                            .kind = kScanKind,
                            .where = where_is(scan),
                            .planned_at = scan.context.clock.now()});
  std::string id = scan.scanner()->launch(scan.target, step.stop());
  scan.context.ledger.created(scan.ledger_entry(), id);
  return id;
}

/// By its id, which is all that some scanners know it by, and then whatever else has its title:
/// an attempt whose answer was lost.
void remove(scan::OutsideScanner& scanner, const scan::ScanTarget& target,
            const std::string& scan_id, std::stop_token stop) {
  if (!scan_id.empty()) scanner.clean_up(target, scan_id, stop);
  scanner.clean_up(target, "", stop);
}

/// Repeating is success.
void clean_up(const Scan& scan, workflow::Step& step) {
  std::string scan_id;
  for (const workflow::LedgerEntry& entry : scan.context.ledger.open(scan.run_id)) {
    if (entry.entry_id == scan.ledger_entry()) scan_id = entry.external_id;
  }
  remove(*scan.scanner(), scan.target, scan_id, step.stop());
  scan.context.ledger.released(scan.ledger_entry());
}

/// Launch to results. Throws what no waiting mends.
void run_scan(const Scan& scan, workflow::Run& run) {
  const TimePoint deadline = from_rfc3339(run.step(scan.key("deadline"), [&](workflow::Step&) {
    return to_rfc3339(scan.context.clock.now() + scan.use.deadline);
  }));
  // Counts when a poll begins; after that it has a deadline of its own.
  auto left = [&] { return std::max(deadline - scan.context.clock.now(), Duration{1}); };
  const std::string scan_id = run.poll(
      scan.key("launch"), left(), kServiceSchedule,
      [&](workflow::Step& step) -> std::optional<std::string> { return launch(scan, step); });
  const Duration interval{run.step(scan.key("interval"), [&](workflow::Step&) {
    return scan.scanner()->poll_interval().count();
  })};
  std::string late;
  try {
    run.poll(scan.key("look"), left(), {interval, interval},
             [&](workflow::Step& step) -> std::optional<std::string> {
               scan::ScanProgress at = scan.scanner()->look(scan.target, scan_id, step.stop());
               step.progress(std::nullopt, scan.use.name + " says " + at.state);
               if (at.ended) return at.state;
               return std::nullopt;
             });
  } catch (const Error& e) {
    // What it saw until then is worth having; the assessment says that it is not all.
    if (e.kind() != ErrorKind::timeout) throw;
    late = fmt::format("{} had not ended within {}", scan.use.name,
                       format_duration(scan.use.deadline));
    run.note(scan.key("late"), late);
  }
  run.poll(scan.key("collect"), kCollectLimit, kServiceSchedule,
           [&](workflow::Step& step) -> std::optional<Json> {
             model::Assessment assessment =
                 scan.scanner()->collect(scan.target, scan_id, scan.raw(), step.stop());
             assessment.scanner = scan.use.name;
             // What is not listed yet would read as if there were nothing.
             if (!late.empty()) lower(assessment, model::Completeness::partial, late);
             scan.keep(assessment);
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
    run.poll(scan.key("clean-up"), kCleanUpLimit, kServiceSchedule,
             [&](workflow::Step& step) -> std::optional<bool> {
               clean_up(scan, step);
               return true;
             });
    run.drop_on_exit(scan.key("clean-up-at-exit"));
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    run.note(scan.key("left"), fmt::format("what {} left on its service is removed at the end: {}",
                                           scan.use.name, e.message()));
  }
  return nullptr;
}

/// The last try. An image that was approved does not fail for what is left on somebody's service:
/// the ledger keeps it for the reaper, and the audit log says so.
void clean_up_at_last(const Scan& scan, workflow::Step& step) {
  try {
    clean_up(scan, step);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    if (traits(e.kind()).retry && step.attempt() < workflow::RetryPolicy{}.max_attempts) throw;
    log_warning("the scan \"{}\" is left at {}: {}", scan.target.title, scan.use.name, e.message());
    scan.context.audit.append(
        {.token = step.token(),
         .actor = "hallmark",
         .action = "scan.left",
         .subject = scan.run_id,
         .detail = {
             {"scanner", scan.use.name}, {"title", scan.target.title}, {"why", e.message()}}});
  }
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
                const std::string& image_id, const model::Pipeline& pipeline,
                const std::string& part) {
  if (pipeline.scanners.empty()) return;
  const scan::ScanTarget target = target_of(context, run, guest, image_id, part);
  const auto altering = run.step(before(part) + "scan-order", [&](workflow::Step&) {
    std::set<std::string> names;
    for (const model::ScannerUse& use : pipeline.scanners) {
      if (context.outside_scanner(use.name)->alters_machine()) names.insert(use.name);
    }
    return names;
  });
  // What installs itself in the machine does so once the others have seen it as it was.
  for (const bool alters : {false, true}) {
    std::vector<workflow::Run::Branch> branches;
    for (const model::ScannerUse& use : pipeline.scanners) {
      if (altering.contains(use.name) != alters) continue;
      Scan scan{context, run.id(), part, use, target};
      // Of this machine: a run that is tried again has another one.
      scan.target.title =
          fmt::format("hallmark {} {} {}", run.id(),
                      guest.machine_id.empty() ? image_id : guest.machine_id, use.name);
      scan.target.sbom = [&context, pipeline, target] {
        return sbom_of(context, pipeline, target);
      };
      run.on_exit(scan.key("clean-up-at-exit"), workflow::ExitOn::always,
                  [scan](workflow::Step& step) { clean_up_at_last(scan, step); });
      branches.push_back({before(part) + use.name, [scan](workflow::Run& branch) {
                            return scan_and_clean_up(scan, branch);
                          }});
    }
    if (branches.empty()) continue;
    for (const auto& outcome : run.branches(branches, static_cast<int>(branches.size()))) {
      if (outcome.error) throw *outcome.error;
    }
  }
}

std::vector<model::Assessment> read_scans(const Context& context, const std::string& run_id,
                                          const std::vector<model::ScannerUse>& scanners,
                                          const std::string& part) {
  std::vector<model::Assessment> assessments;
  for (const model::ScannerUse& use : scanners) {
    const Path file = scan_file(context, run_id, part, use.name);
    assessments.push_back(parse_json(read_file(file), file.string()).get<model::Assessment>());
  }
  return assessments;
}

void remove_scan(Context& context, const Json& where, const std::string& scan_id) {
  const scan::ScanTarget target{
      .title = member<std::string>(where, "title"),
      .account_id = member<std::string>(where, "account_id"),
      .region = member<std::string>(where, "region"),
      .image_id = member<std::string>(where, "image_id"),
      .machine_id = member<std::string>(where, "machine_id"),
      .ip = member<std::string>(where, "ip"),
      .launched_at = from_rfc3339(member<std::string>(where, "launched_at")),
      .tags = member<cloud::Tags>(where, "tags")};
  remove(*context.outside_scanner(member<std::string>(where, "scanner")), target, scan_id, {});
}

}  // namespace hallmark::pipeline
