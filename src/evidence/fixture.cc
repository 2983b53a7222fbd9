#include "evidence/fixture.h"

#include <limits>

namespace hallmark::evidence {
namespace {

using model::Assessment;
using model::Completeness;
using model::Finding;
using model::FindingKind;
using model::Severity;

Assessment built_in() {
  Assessment assessment;
  assessment.scanner = "hallmark";
  assessment.scanner_version = "0.1.0";
  assessment.completeness = Completeness::complete;
  assessment.advisories = {{.name = "bookworm-security",
                            .digest = std::string(64, 'd'),
                            .valid_from = "2026-11-22T06:00:00.000Z",
                            .fetched_at = "2026-11-22T10:00:00.000Z"}};
  assessment.started_at = "2026-11-22T10:00:00.250Z";
  assessment.assessed_at = "2026-11-22T10:01:00.500Z";
  assessment.findings = {
      {.finding_id = "bookworm:openssl:CVE-2026-1000",
       .cves = {"CVE-2026-1000"},
       .package = "libssl3",
       .source_package = "openssl",
       .architecture = "amd64",
       .installed_version = "3.0.9-1",
       .fixed_version = "3.0.9-1+deb12u2",
       .fix = model::FixState::available,
       .severity = Severity::high,
       .cvss = {{"3.1", 7.5, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "NVD"}},
       .epss = 0.25,
       .title = "a buffer is read too far",
       .references = {"https://example.org/advisory/1"}},
      {.finding_id = "bookworm:tzdata:CVE-2026-2000",
       .cves = {"CVE-2026-2000"},
       .package = "tzdata",
       .installed_version = "2024a-0+deb12u1",
       .severity = Severity::low}};
  return assessment;
}

Assessment qualys() {
  Assessment assessment;
  assessment.scanner = "qualys";
  assessment.completeness = Completeness::partial;
  assessment.reasons = {"the login failed on one host"};
  assessment.started_at = "2026-11-22T10:00:00.000Z";
  assessment.assessed_at = "2026-11-22T10:20:00.000Z";
  assessment.raw = {{"qualys/scan.json", "application/json", 12, std::string(64, 'e')}};
  assessment.findings = {{.finding_id = "38739",
                          .cves = {"CVE-2026-1000"},
                          .severity = Severity::critical,
                          .severity_native = "5"},
                         {.finding_id = "105",
                          .kind = FindingKind::compliance,
                          .severity = Severity::medium,
                          .title = "root may log in"}};
  return assessment;
}

}  // namespace

Subject empty_subject() {
  Subject subject;
  subject.image_key = "web/debian-12/1.4.0";
  subject.product = "web";
  subject.os = "debian-12";
  subject.version = "1.4.0";
  subject.image_id = "ami-0123456789abcdef0";
  subject.region = "eu-central-1";
  subject.account = "123456789012";
  subject.disk_sha256 = std::string(64, 'a');
  subject.disk_digest_of = "raw disk";
  subject.source_image_id = "ami-0fedcba9876543210";
  subject.source_sha256 = std::string(64, 'b');
  subject.pipeline_sha256 = std::string(64, 'c');
  subject.run_id = "run-00000000000000001";
  subject.started_at = "2026-11-22T09:00:00.000Z";
  subject.finished_at = "2026-11-22T10:30:00.000Z";
  subject.made_at = "2026-11-22T10:30:01.125Z";
  subject.evidence_digest = std::string(64, 'f');
  subject.tool_version = "0.1.0";
  subject.inventory.distribution = {"debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"};
  subject.inventory.architecture = "amd64";
  Assessment clean = built_in();
  clean.findings.clear();
  subject.assessments = {clean};
  return subject;
}

Subject small_subject() {
  Subject subject = empty_subject();
  subject.inventory.packages = {
      {"libssl3", "3.0.9-1", "amd64", "openssl", "3.0.9-1", "dpkg"},
      {"tzdata", "2024a-0+deb12u1", "all", "tzdata", "2024a-0+deb12u1", "dpkg"}};
  subject.assessments = {built_in(), qualys()};
  subject.findings = scan::merge(subject.assessments);
  subject.verdicts = {{.id = "CVE-2026-1000",
                       .package = "libssl3",
                       .judgement = model::Judgement::fail,
                       .why = "critical with a fix fails"},
                      {.id = "CVE-2026-2000",
                       .package = "tzdata",
                       .why = "waived",
                       .waived = Waived{.by = "alice",
                                        .reason = "no time zone is parsed",
                                        .expires_at = "2027-01-01T00:00:00.000Z"}}};
  subject.decisions = {{"bob", true, "good enough", "2026-11-22T11:00:00.000Z"}};
  subject.approved = true;
  return subject;
}

Subject hostile_subject() {
  Subject subject = small_subject();
  for (std::string* text :
       {&subject.image_key, &subject.product, &subject.os, &subject.version, &subject.image_id,
        &subject.region, &subject.account, &subject.source_image_id, &subject.run_id,
        &subject.tool_version, &subject.disk_digest_of}) {
    *text += kHostile;
  }
  // Twice the same, one without a name, and two that are alike once made safe.
  subject.inventory.packages.push_back({kHostile, kHostile, kHostile, kHostile, kHostile, "dpkg"});
  subject.inventory.packages.push_back(subject.inventory.packages.back());
  subject.inventory.packages.push_back({"", "", "", "", "", kHostile});
  subject.inventory.packages.push_back({"x\x80", "1", "amd64", "x", "1", "rpm"});
  subject.inventory.packages.push_back({"x\x81", "1", "amd64", "x", "1", "rpm"});
  subject.inventory.gaps = {{kHostile, kHostile}};
  subject.assessments[1].started_at = kHostile;  // what a service calls a time
  Assessment odd;
  odd.scanner = kHostile;
  odd.completeness = Completeness::complete;
  odd.started_at = odd.assessed_at = "2026-11-22T10:00:00Z";
  odd.reasons = {kHostile};
  odd.advisories = {{.name = kHostile, .valid_from = kHostile, .fetched_at = "yesterday"}};
  odd.gaps = {{kHostile, ""}};
  Finding finding{.finding_id = kHostile,
                  .cves = {},
                  .advisory_ids = {kHostile},
                  .package = kHostile,
                  .architecture = kHostile,
                  .installed_version = kHostile,
                  .fixed_version = kHostile,
                  .severity = Severity::unknown,
                  .severity_native = kHostile,
                  .cvss = {{kHostile, 99, kHostile, kHostile},
                           {"3.1", std::numeric_limits<double>::quiet_NaN(), "", ""},
                           {"3.1", std::numeric_limits<double>::infinity(), "", ""}},
                  .title = kHostile,
                  .description = kHostile,
                  .remediation = kHostile,
                  .evidence = kHostile,
                  .references = {"javascript:alert(1)", "https://", "https://a b", kHostile,
                                 "https://x/%zz", "https://good.example/?q=%20"}};
  odd.findings.push_back(finding);
  for (const char* package : {"", "x\x80", "x\x81", "not-installed"}) {
    finding.package = package;
    finding.architecture.clear();
    odd.findings.push_back(finding);
    finding.cves = {"CVE-2026-3000"};
  }
  finding.kind = FindingKind::information;
  finding.finding_id = std::string(5000, 'y');
  finding.cves.clear();
  odd.findings.push_back(finding);
  finding.finding_id += 'z';  // differs where it is cut
  finding.kind = FindingKind::potential;
  odd.findings.push_back(finding);
  subject.assessments.push_back(odd);
  subject.findings = scan::merge(subject.assessments);
  subject.previous = Previous{kHostile, {subject.findings.front()}};
  subject.previous->findings.front().id = kHostile + "gone";
  subject.source = subject.previous;
  subject.rules = {{kHostile}, {kHostile}, {kHostile}, {kHostile}};
  subject.verdicts.push_back({.id = "CVE-2026-3000",
                              .package = "not-installed",
                              .why = kHostile,
                              .waived = Waived{kHostile, kHostile, kHostile, kHostile}});
  subject.decisions.push_back({kHostile, false, kHostile, "2026-11-22T12:00:00.000Z"});
  subject.approved = false;
  return subject;
}

}  // namespace hallmark::evidence
