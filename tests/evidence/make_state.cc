// Makes a state directory as `hallmark` leaves it after two versions of an image were built, judged
// and approved, and the newer one's disk: what commands on evidence need, without a machine.
//   evidence_make_state STATE DISK
#include <cstdio>

#include "base/error.h"
#include "disk/digest.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"

namespace {

using namespace hallmark;
using namespace hallmark::pipeline;

constexpr const char* kWaived = "CVE-2026-2000";

model::Finding finding(const std::string& cve, const std::string& package, model::Severity severity,
                       const std::string& fixed) {
  model::Finding made;
  made.finding_id = "suite:" + cve;
  made.cves = {cve};
  made.package = package;
  made.installed_version = "3.0.15-1";
  made.fixed_version = fixed;
  made.severity = severity;
  made.title = "something is read too far";
  return made;
}

model::Assessment seen_by_us(bool newer) {
  model::Assessment assessment = assessment_with(0);
  assessment.scanner = "hallmark";
  assessment.findings = {finding(kWaived, "openssl", model::Severity::high, "3.0.16-1")};
  if (!newer) {
    assessment.findings.push_back(finding("CVE-2026-1000", "openssl", model::Severity::low, "3.1"));
  }
  return assessment;
}

model::Assessment seen_by_qualys() {
  model::Assessment assessment = assessment_with(0);
  assessment.login = model::Login::yes;
  assessment.hardening_score = 91.5;
  assessment.findings = {finding(kWaived, "openssl", model::Severity::critical, ""),
                         finding("CVE-2026-3000", "openssl", model::Severity::medium, "")};
  return assessment;
}

void keep_disk(const Context& context, const GoldenImage& image, const Path& file) {
  auto disk = context.cloud.open_image(image.home, image.image_id);
  std::string bytes(disk->size_bytes(), '\0');
  disk->read(0, std::as_writable_bytes(std::span(bytes)));
  write_file(file, bytes);
}

/// Builds it, and has it approved on evidence that holds the digest of its disk.
GoldenImage golden(Product& product, const model::Pipeline& pipeline) {
  const Context& context = *product.context;
  const workflow::RunInfo run = product.build(pipeline);
  GoldenImage image = product.image(run.run_id);
  if (image.state != GoldenState::awaiting_approval) {
    throw Error(ErrorKind::internal, "the build ended as {}: {}", to_string(image.state),
                run.error ? run.error->full_text() : "");
  }
  Evidence evidence = read_evidence(context, image).evidence;
  auto disk = context.cloud.open_image(image.home, image.image_id);
  evidence.disk_sha256 = disk::disk_sha256(*disk, {});
  const std::string digest = write_evidence(context, image.run_id, pipeline, evidence);
  change_image(context, image.run_id, {.evidence_digest = digest});
  record_decision(context, image.run_id,
                  {.approver = "ada",
                   .approve = true,
                   .comment = "not reachable from outside",
                   .evidence_digest = digest,
                   .decided_at = to_rfc3339(context.clock.now())});
  change_image(context, image.run_id, {.state = GoldenState::active});
  return product.image(image.run_id);
}

void make(const Path& state, const Path& disk) {
  make_directories(state, 0700);
  TempDir services;
  FakeService service{.directory = services.path(), .see = seen_by_qualys};
  bool newer = false;
  ManualClock clock(from_rfc3339("2026-11-22T12:00:00Z"));
  auto world = std::make_shared<cloud::MemoryWorld>(clock, cloud::MemoryOptions{});
  Product product(clock, world,
                  {.assess = [&](const model::Inventory&) { return seen_by_us(newer); },
                   .outside_scanner = fake_scanners(service),
                   .directory = state});
  product.import_source();
  model::Pipeline pipeline = sample_pipeline();
  pipeline.scanners = {{.name = "qualys"}};
  pipeline.gate.max_pending_updates = std::nullopt;
  pipeline.gate.findings = {{model::Severity::critical, {.fixable = model::Judgement::fail}},
                            {model::Severity::medium, {.unfixable = model::Judgement::review}}};
  pipeline.gate.waivers = {{.finding = kWaived,
                            .reason = "that code is never run",
                            .by = "bob",
                            .expires_at = from_rfc3339("2099-01-01T00:00:00Z"),
                            .justification = "vulnerable_code_not_in_execute_path"}};
  golden(product, pipeline);
  clock.advance(std::chrono::hours(24));
  newer = true;
  pipeline.version = "2";
  keep_disk(*product.context, golden(product, pipeline), disk);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    make(argv[1], argv[2]);
  } catch (const hallmark::Error& e) {
    std::fprintf(stderr, "%s\n", e.full_text().c_str());
    return 1;
  }
  return 0;
}
