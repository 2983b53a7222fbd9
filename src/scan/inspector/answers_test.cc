/// What Inspector's answers mean, by recorded ones and by ones that no service should give.

#include "scan/inspector/answers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"
#include "scan/inspector/cis.h"
#include "scan/inspector/coverage.h"
#include "scan/inspector/findings.h"

namespace hallmark::scan::inspector {
namespace {

using namespace std::chrono_literals;
using model::Completeness;
using model::FixState;
using model::Severity;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

const char* const kMachine = "i-0c0ffee0000000001";
const TimePoint kLaunch = from_rfc3339("2026-11-22T10:00:00Z");

Value json(const std::string& text) { return Value::parse(text); }

std::vector<model::Finding> findings_of(const std::string& finding) {
  FoundOnMachine found(kMachine);
  found.take_page(json(R"({"findings": [)" + finding + "]}"));
  return std::move(found).findings();
}

/// Of a package vulnerability on the machine, with more members of the finding and of the details.
std::string finding(const std::string& more = "", const std::string& details = "") {
  return fmt::format(R"({{"findingArn": "arn:1", "type": "PACKAGE_VULNERABILITY",
      "severity": "HIGH", "status": "ACTIVE", "resources": [{{"id": "{}"}}],
      "packageVulnerabilityDetails": {{"vulnerabilityId": "CVE-2025-1234" {}}} {}}})",
                     kMachine, details, more);
}

model::Finding of_package(const std::string& package, const std::string& fix_available) {
  auto found = findings_of(finding(fmt::format(R"(, "fixAvailable": "{}")", fix_available),
                                   R"(, "vulnerablePackages": [)" + package + "]"));
  EXPECT_THAT(found, SizeIs(1));
  return found.at(0);
}

TEST(InspectorAnswers, TimesAreNumbersOrIso) {
  auto time = [](const std::string& value) {
    return time_text_of(json(R"({"at": )" + value + "}"), "at");
  };
  EXPECT_EQ(time("1706887833.045"), "2024-02-02T15:30:33.045Z");
  EXPECT_EQ(time(R"("1706887833.045")"), "2024-02-02T15:30:33.045Z");
  EXPECT_EQ(time(R"("2024-02-02T16:30:33.045000+01:00")"), "2024-02-02T15:30:33.045Z");
  EXPECT_EQ(time(R"("2024-02-02T10:00:33-05:30")"), "2024-02-02T15:30:33.000Z");
  EXPECT_EQ(time(R"("2024-02-02T15:30:33Z")"), "2024-02-02T15:30:33.000Z");
  for (const char* none : {"-1", "1e300", "null", "true", "[]", R"("")", R"("yesterday")",
                           R"("2024-13-02T15:30:33Z")", R"("2024-02-02T15:30:33")",
                           R"("2024-02-02T15:30:33.+01:00x")", R"("2024-02-02T15:30:33+1:000")"}) {
    EXPECT_EQ(time(none), "") << none;
  }
}

TEST(InspectorAnswers, WhatIsMissingReadsAsNothing) {
  for (const char* text : {"null", "5", "[]", "{}", R"({"a": null})", R"({"a": false})"}) {
    Value value = json(text);
    EXPECT_EQ(text_of(value, "a"), "");
    EXPECT_TRUE(list_of(value, "a").empty());
    EXPECT_TRUE(object_of(value, "a").empty());
    EXPECT_EQ(number_of(value, "a"), std::nullopt);
    EXPECT_EQ(time_of(value, "a"), std::nullopt);
  }
}

TEST(InspectorAnswers, TheRecordedFindings) {
  Value recorded = json(read_file(Path(HALLMARK_INSPECTOR_TESTDATA) / "findings.json"));
  const std::string resource = text_of(recorded["findings"][0]["resources"][0], "id");
  FoundOnMachine found(resource);
  found.take_page(recorded);
  EXPECT_EQ(found.of_others(), 1u);
  EXPECT_EQ(found.unreadable(), 0u);
  EXPECT_THAT(found.wanted_details(), SizeIs(6)) << "seven are its, one of them closed";
  std::vector<model::Finding> findings = std::move(found).findings();
  sort(findings);
  ASSERT_THAT(findings, SizeIs(7)) << "one is of two packages";
  std::map<std::string, const model::Finding*> by_cve;
  for (const model::Finding& finding : findings) by_cve[finding.cves.at(0)] = &finding;
  EXPECT_FALSE(by_cve.contains("CVE-2021-3744")) << "closed";
  const model::Finding& none = *by_cve.at("CVE-2024-37021");
  EXPECT_EQ(none.severity, Severity::unknown);
  EXPECT_EQ(none.severity_native, "UNTRIAGED");
  EXPECT_EQ(none.fixed_version, "");
  EXPECT_EQ(none.fix, FixState::none);
  EXPECT_EQ(none.installed_version, "4.19.118-2");
  EXPECT_EQ(none.first_seen, "2024-06-26T22:56:32.023Z");
  EXPECT_EQ(none.epss, 0.00045);
  const model::Finding& kernel = *by_cve.at("CVE-2021-3640");
  EXPECT_EQ(kernel.fixed_version, "4.19.232-1");
  EXPECT_EQ(kernel.architecture, "amd64");
  EXPECT_EQ(kernel.advisory_source, "DEBIAN_CVE");
  EXPECT_EQ(kernel.references.at(0), "https://security-tracker.debian.org/tracker/CVE-2021-3640");
  EXPECT_EQ(kernel.remediation, "apt-get update && apt-get upgrade") << "not \"None Provided\"";
  EXPECT_EQ(by_cve.at("CVE-2022-29824")->package, "libxml2");
}

TEST(InspectorAnswers, VersionsAndTheirEpochs) {
  auto version = [](const std::string& package) { return version_of(json(package)); };
  EXPECT_EQ(version(R"({"version": "1.2", "epoch": 0, "release": "3"})"), "1.2-3");
  EXPECT_EQ(version(R"({"version": "1.2", "epoch": 2, "release": "3"})"), "2:1.2-3");
  EXPECT_EQ(version(R"({"version": "2:1.2", "epoch": 2})"), "2:1.2");
  EXPECT_EQ(version(R"({"version": "1.2", "epoch": -1, "release": null})"), "1.2");
  EXPECT_EQ(version(R"({"epoch": 1, "release": "3"})"), "");
  EXPECT_EQ(fixed_version_of("0:4.19.232-1"), "4.19.232-1");
  EXPECT_EQ(fixed_version_of("1:4.19"), "1:4.19");
  EXPECT_EQ(fixed_version_of("1.25.2"), "1.25.2");
  EXPECT_EQ(fixed_version_of("NotAvailable"), "");
}

TEST(InspectorAnswers, WhetherThereIsAFix) {
  const std::string named = R"({"name": "a", "fixedInVersion": "2"})";
  const std::string none = R"({"name": "a", "fixedInVersion": "NotAvailable"})";
  const std::string unsaid = R"({"name": "a"})";
  EXPECT_EQ(of_package(named, "YES").fix, FixState::available);
  EXPECT_EQ(of_package(named, "NO").fix, FixState::available) << "it is named";
  EXPECT_EQ(of_package(none, "NO").fix, FixState::none);
  EXPECT_EQ(of_package(none, "PARTIAL").fix, FixState::none);
  EXPECT_EQ(of_package(none, "YES").fix, FixState::unknown) << "they contradict each other";
  EXPECT_EQ(of_package(unsaid, "YES").fix, FixState::available);
  EXPECT_EQ(of_package(unsaid, "").fix, FixState::unknown);
}

TEST(InspectorAnswers, EverySeverity) {
  EXPECT_EQ(severity_of("CRITICAL"), Severity::critical);
  EXPECT_EQ(severity_of("HIGH"), Severity::high);
  EXPECT_EQ(severity_of("MEDIUM"), Severity::medium);
  EXPECT_EQ(severity_of("LOW"), Severity::low);
  EXPECT_EQ(severity_of("INFORMATIONAL"), Severity::info);
  for (const char* word : {"UNTRIAGED", "", "critical", "SOMETHING_NEW"}) {
    EXPECT_EQ(severity_of(word), Severity::unknown) << word;
  }
}

TEST(InspectorAnswers, NamesThatAreNoCve) {
  auto found = findings_of(finding("", R"(, "relatedVulnerabilities":
      ["cve-2025-0001", "GHSA-aaaa-bbbb", "CVE-99", 7, null, "CVE-2025-1234"])"));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].cves, ElementsAre("CVE-2025-0001", "CVE-2025-1234"));
  EXPECT_THAT(found[0].advisory_ids, ElementsAre("CVE-99", "GHSA-aaaa-bbbb"));
}

TEST(InspectorAnswers, HostileTextIsHarmless) {
  const std::string evil = R"(\u001b[31mred\u202e\u0000 \ud83d\ude00)" + std::string(100'000, 'x');
  const std::string more = R"(, "title": "EVIL", "description": "EVIL", "exploitAvailable": "EVIL",
      "remediation": {"recommendation": {"text": "EVIL", "Url": "javascript:alert"}})";
  const std::string details = R"(, "sourceUrl": "file:///etc/passwd", "source": "EVIL",
      "referenceUrls": ["https://example.org/EVIL", 5], "vulnerablePackages": [{"name": "EVIL",
      "version": "EVIL", "arch": "EVIL", "fixedInVersion": "EVIL"}])";
  auto found =
      findings_of(finding(replace_all(more, "EVIL", evil), replace_all(details, "EVIL", evil)));
  ASSERT_THAT(found, SizeIs(1));
  const std::string text = hallmark::compact(Json(found[0]));
  EXPECT_EQ(text.find("\\u001b"), text.npos);
  EXPECT_EQ(text.find("\u202e"), text.npos);
  EXPECT_EQ(text.find("\\u0000"), text.npos);
  EXPECT_EQ(text.find("javascript"), text.npos);
  EXPECT_EQ(text.find("passwd"), text.npos);
  EXPECT_LT(text.size(), 60'000u);
}

TEST(InspectorAnswers, OfOtherMachinesAndUnreadable) {
  FoundOnMachine found(kMachine);
  found.take_page(json(R"({"findings": [5, null, [], {}, {"findingArn": ""},
      {"findingArn": "arn:2", "resources": [{"id": "i-0somebodyelses"}]},
      {"findingArn": "arn:3", "resources": []}, {"findingArn": "arn:4"}]})"));
  EXPECT_EQ(found.count(), 0u);
  EXPECT_EQ(found.unreadable(), 5u);
  EXPECT_EQ(found.of_others(), 3u);
}

TEST(InspectorAnswers, PagesThatShiftCountOnce) {
  FoundOnMachine found(kMachine);
  for (int i = 0; i < 2; ++i) found.take_page(json(R"({"findings": [)" + finding() + "]}"));
  EXPECT_EQ(found.count(), 1u);
}

TEST(InspectorAnswers, TooManyAreCounted) {
  FoundOnMachine found(kMachine, 2);
  found.take_page(json(R"({"findings": [)" +
                       finding("", R"(, "vulnerablePackages": [{"name": "a"}, {"name": "b"},
                               {"name": "c"}])") +
                       "]}"));
  EXPECT_EQ(found.count(), 2u);
  EXPECT_EQ(found.left_out(), 1u);
}

TEST(InspectorAnswers, PortsThatAreNone) {
  for (const char* range : {R"({"begin": 0, "end": 70000})", R"({"begin": -1})", R"({})", "null",
                            R"({"begin": 65536})", R"({"begin": 1e30})"}) {
    auto found = findings_of(fmt::format(
        R"({{"findingArn": "arn:1", "type": "NETWORK_REACHABILITY", "resources": [{{"id": "{}"}}],
            "networkReachabilityDetails": {{"openPortRange": {}, "protocol": "UDP"}}}})",
        kMachine, range));
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].port, 0) << range;
    EXPECT_EQ(found[0].protocol, "udp");
    EXPECT_EQ(found[0].kind, model::FindingKind::reachability);
    EXPECT_FALSE(found[0].title.empty());
  }
}

TEST(InspectorAnswers, DetailsAreOfAVulnerability) {
  FoundOnMachine found(kMachine);
  std::string page;
  for (int i = 0; i < 4; ++i) {
    page += fmt::format(R"({}{{"findingArn": "arn:{}", "resources": [{{"id": "{}"}}],
                        "packageVulnerabilityDetails": {{"vulnerabilityId": "CVE-2025-000{}"}}}})",
                        i ? "," : "", i, kMachine, i / 2);
  }
  found.take_page(json(R"({"findings": [)" + page + "]}"));
  EXPECT_THAT(found.wanted_details(), ElementsAre("arn:0", "arn:2"));
  found.take_details({"arn:0"},
                     json(R"({"findingDetails": [{"findingArn": "arn:0", "epssScore": 0.5,
      "cisaData": {"action": "act"}}, {"findingArn": "arn:2", "cisaData": {"action": "not asked"}},
      7, {"findingArn": "arn:none"}]})"));
  EXPECT_THAT(found.refused(), IsEmpty());
  found.take_details({"arn:2"}, json(R"({"errors": [{"findingArn": "arn:2",
      "errorCode": "ACCESS_DENIED"}, {"findingArn": "arn:9", "errorCode": "X"}]})"));
  found.take_details({"arn:2"}, json("{}"));
  EXPECT_THAT(found.refused(), ElementsAre(Pair("ACCESS_DENIED", 1), Pair("not answered", 1)));
  auto findings = std::move(found).findings();
  EXPECT_TRUE(findings[0].known_exploited);
  EXPECT_TRUE(findings[1].known_exploited) << "the same vulnerability in another finding";
  EXPECT_EQ(findings[1].epss, 0.5);
  EXPECT_FALSE(findings[2].known_exploited);
}

Coverage coverage_of(const std::string& rows) {
  Coverage coverage;
  take_coverage(coverage, json(R"({"coveredResources": [)" + rows + "]}"), kMachine);
  return coverage;
}

std::string row(const std::string& more) {
  return fmt::format(R"({{"resourceId": "{}", "scanType": "PACKAGE", {}}})", kMachine, more);
}

TEST(InspectorCoverage, OnlyAFreshWholeScanIsComplete) {
  const std::string good = R"("scanStatus": {"statusCode": "ACTIVE", "reason": "SUCCESSFUL"})";
  auto verdict = [](const std::string& rows) { return judge(coverage_of(rows), kLaunch); };
  CoverageVerdict whole = verdict(row(good + R"(, "lastScannedAt": "2026-11-22T10:00:00Z")"));
  EXPECT_EQ(whole.completeness, Completeness::complete);
  EXPECT_EQ(whole.course, Course::ended);
  EXPECT_EQ(whole.why, "");
  for (const std::string& rows :
       {std::string(), row(good), row(good + R"(, "lastScannedAt": "2026-11-22T09:59:59.999Z")"),
        row(good + R"(, "lastScannedAt": "soon")"), row(good + R"(, "lastScannedAt": -5)"),
        row(R"("scanStatus": null, "lastScannedAt": "2026-11-22T11:00:00Z")"),
        row(R"("scanStatus": {"statusCode": "INACTIVE", "reason": "SUCCESSFUL"},
            "lastScannedAt": "2026-11-22T11:00:00Z")"),
        row(R"("scanStatus": {"reason": "SUCCESSFUL"}, "lastScannedAt": "2026-11-22T11:00:00Z")"),
        std::string("5, null, [], {}"),
        std::string(R"({"resourceId": "i-0somebodyelses", "scanType": "PACKAGE",
            "scanStatus": {"statusCode": "ACTIVE", "reason": "SUCCESSFUL"},
            "lastScannedAt": "2026-11-22T11:00:00Z"})")}) {
    EXPECT_GE(verdict(rows).completeness, Completeness::inconclusive) << rows;
    EXPECT_FALSE(verdict(rows).why.empty()) << rows;
  }
}

TEST(InspectorCoverage, TheLastScanCounts) {
  const std::string good = R"("scanStatus": {"statusCode": "ACTIVE", "reason": "SUCCESSFUL"})";
  const std::string bad = row(R"("scanStatus": {"reason": "UNMANAGED_EC2_INSTANCE"})");
  const std::string fresh = row(good + R"(, "scanMode": "EC2_AGENTLESS",
                                      "lastScannedAt": "2026-11-22T11:00:00Z")");
  for (const std::string& rows : {bad + "," + fresh, fresh + "," + bad}) {
    CoverageVerdict verdict = judge(coverage_of(rows), kLaunch);
    EXPECT_EQ(verdict.completeness, Completeness::complete);
    EXPECT_EQ(verdict.login, model::Login::not_needed) << "without an agent";
  }
}

TEST(InspectorCis, ChecksAreCountedByWhatTheyAre) {
  model::Checks checks;
  std::vector<model::Finding> findings;
  std::size_t of_others = take_checks(json(R"({"scanResultDetails": [
      {"status": "PASSED", "checkId": "1"}, {"status": "FAILED", "checkId": "2", "title": "t",
       "remediation": "r", "level": "LEVEL_1"}, {"status": "SKIPPED"}, {"status": "NEW"}, {}, 5,
      {"status": "FAILED", "targetResourceId": "i-0somebodyelses"}]})"),
                                      kMachine, checks, findings);
  EXPECT_EQ(of_others, 1u);
  EXPECT_EQ(checks.passed, 1);
  EXPECT_EQ(checks.failed, 1);
  EXPECT_EQ(checks.not_checked, 4);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind, model::FindingKind::compliance);
  EXPECT_EQ(findings[0].finding_id, "2");
  EXPECT_EQ(findings[0].advisory_source, "CIS LEVEL_1");
}

TEST(InspectorCis, NamesStayTellingApart) {
  EXPECT_EQ(cis_name("hallmark run-1"), "hallmark run-1");
  const std::string longer(200, 'x');
  EXPECT_LE(cis_name(longer).size(), 128u);
  EXPECT_NE(cis_name(longer + "a"), cis_name(longer + "b"));
  EXPECT_NE(cis_name("a\u202e"), cis_name("a"));
  EXPECT_EQ(cis_name(longer), cis_name(longer));
}

}  // namespace
}  // namespace hallmark::scan::inspector
