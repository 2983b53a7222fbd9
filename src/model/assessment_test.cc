#include "model/assessment.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hallmark::model {
namespace {

Assessment sample() {
  Assessment assessment;
  assessment.scanner = "hallmark";
  assessment.distribution = {"debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"};
  assessment.findings = {{.finding_id = "bookworm-security:openssl:3.0.17-1",
                          .kind = FindingKind::potential,
                          .status = FindingStatus::suppressed,
                          .cves = {"CVE-2026-1234"},
                          .advisory_ids = {"DSA-1"},
                          .package = "openssl",
                          .source_package = "openssl",
                          .architecture = "amd64",
                          .installed_version = "3.0.16-1",
                          .fixed_version = "3.0.17-1",
                          .fix = FixState::available,
                          .port = 443,
                          .protocol = "tcp",
                          .severity = Severity::critical,
                          .severity_native = "5",
                          .severity_source = "vendor",
                          .cvss = {{"3.1", 9.8, "CVSS:3.1/AV:N", "NVD"}},
                          .epss = 0.5,
                          .known_exploited = true,
                          .title = "title",
                          .description = "what",
                          .remediation = "how",
                          .evidence = "seen",
                          .advisory_source = "bookworm-security",
                          .references = {"https://example.org/"},
                          .first_seen = "2026-01-01T00:00:00Z"}};
  assessment.scanner_version = "1.2";
  assessment.profile = "full";
  assessment.native_id = "scan/1";
  assessment.native_state = "Finished";
  assessment.login = Login::yes;
  assessment.checks = Checks{.passed = 1, .failed = 2, .not_applicable = 3, .not_checked = 4};
  assessment.hardening_score = 87.5;
  assessment.raw = {{"scan.json", "application/json", 3, "ab"}};
  assessment.reasons = {"why"};
  assessment.started_at = "2026-01-01T00:00:00Z";
  assessment.gaps = {{"partition 3", "xfs"}};
  assessment.advisories = {{"bookworm-security", "ab", "2026-01-01T00:00:00Z", "now"}};
  assessment.completeness = Completeness::partial;
  assessment.package_count = 7;
  assessment.assessed_at = "2026-01-02T00:00:00Z";
  return assessment;
}

TEST(Assessment, SurvivesJson) {
  Json json = sample();
  Assessment back = parse_json(compact(json), "test").get<Assessment>();
  EXPECT_EQ(compact(Json(back)), compact(json));
  EXPECT_EQ(back.findings.at(0).severity, Severity::critical);
  EXPECT_EQ(back.completeness, Completeness::partial);
  EXPECT_EQ(json.at("findings").at(0).at("severity"), "critical");
}

TEST(Assessment, InventorySurvivesJson) {
  Inventory inventory;
  inventory.distribution.id = "debian";
  inventory.architecture = "amd64";
  inventory.packages = {{"bash", "5.2.15-2", "amd64", "bash", "5.2.15-2", "dpkg"}};
  inventory.kernels = {"6.1.0-37-amd64"};
  inventory.gaps = {{"what", "why"}};
  inventory.disk_size_bytes = std::uint64_t{1} << 40;
  inventory.fetched_bytes = 5;
  Json json = inventory;
  Inventory back = json.get<Inventory>();
  EXPECT_EQ(Json(back), json);
  EXPECT_EQ(back.disk_size_bytes, std::uint64_t{1} << 40);
}

TEST(Assessment, RefusesWhatIsMissingOrUnknown) {
  for (const char* key : {"findings", "completeness", "gaps", "package_count"}) {
    Json json = sample();
    json.erase(key);
    EXPECT_THROW(json.get<Assessment>(), Error) << key;
  }
  Json json = sample();
  json["findings"][0]["severity"] = "terrible";
  EXPECT_THROW(json.get<Assessment>(), Error);
  EXPECT_THROW(completeness_from("nearly"), Error);
}

TEST(Assessment, EveryNameReadsBack) {
  for (int i = 0; i <= static_cast<int>(Severity::critical); ++i) {
    auto value = static_cast<Severity>(i);
    EXPECT_EQ(severity_from(to_string(value)), value);
  }
  for (int i = 0; i <= static_cast<int>(Completeness::failed); ++i) {
    auto value = static_cast<Completeness>(i);
    EXPECT_EQ(completeness_from(to_string(value)), value);
  }
}

}  // namespace
}  // namespace hallmark::model
