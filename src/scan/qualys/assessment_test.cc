#include "scan/qualys/assessment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::scan::qualys {
namespace {

using model::Completeness;
using model::FindingKind;
using model::Login;
using model::Severity;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kIp = "10.0.0.9";

ResultRow row(const std::string& qid, const std::string& type = "Vuln") {
  return {.ip = kIp,
          .qid = qid,
          .os = "Debian Linux 12",
          .title = "Check " + qid,
          .type = type,
          .severity = "3"};
}

/// A scan with nothing wrong about it.
struct Scan {
  QualysConfig config;
  ScanTarget target;
  ScanAnswers answers;

  Scan() {
    target.ip = kIp;
    target.machine_id = "i-1";
    answers.listed = {.ref = "scan/1.2",
                      .title = "t",
                      .launched_at = "2026-11-22T10:00:00Z",
                      .state = "Finished",
                      .processed = true};
    answers.results = ScanResults{.reference = "scan/1.2", .active_hosts = 1};
    answers.results->rows = {row("38307", "Ig"), row("181234")};
  }
  model::Assessment assess() { return qualys::assess(config, target, answers); }
};

TEST(QualysAssessment, AWholeScanIsComplete) {
  model::Assessment assessment = Scan().assess();
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_THAT(assessment.reasons, IsEmpty());
  EXPECT_EQ(assessment.login, Login::yes);
  EXPECT_EQ(assessment.native_id, "scan/1.2");
  EXPECT_EQ(assessment.native_state, "Finished");
  EXPECT_EQ(assessment.started_at, "2026-11-22T10:00:00.000Z");
  EXPECT_EQ(assessment.distribution.pretty_name, "Debian Linux 12");
}

TEST(QualysAssessment, TheVerdictTable) {
  struct Case {
    std::string state, sub_state;
    bool processed;
    Completeness verdict;
  };
  for (const Case& c : {Case{"Finished", "", true, Completeness::complete},
                        Case{"Finished", "No_Vuln", true, Completeness::complete},
                        Case{"Finished", "No_Host", true, Completeness::inconclusive},
                        Case{"Finished", "", false, Completeness::inconclusive},
                        Case{"Finished", "Something_New", true, Completeness::partial},
                        Case{"Canceled", "", true, Completeness::failed},
                        Case{"Error", "", true, Completeness::failed},
                        Case{"Paused", "", false, Completeness::failed},
                        Case{"Running", "", false, Completeness::failed},
                        Case{"Complete", "", true, Completeness::failed},
                        Case{"", "", true, Completeness::failed}}) {
    Scan scan;
    scan.answers.listed->state = c.state;
    scan.answers.listed->sub_state = c.sub_state;
    scan.answers.listed->processed = c.processed;
    model::Assessment assessment = scan.assess();
    EXPECT_EQ(assessment.completeness, c.verdict) << c.state << ' ' << c.sub_state;
    EXPECT_EQ(assessment.reasons.empty(), c.verdict == Completeness::complete);
  }
  Scan scan;
  scan.answers.listed.reset();
  EXPECT_EQ(scan.assess().completeness, Completeness::failed);
}

TEST(QualysAssessment, KnowsWhenAScanHasEnded) {
  auto course = [](const std::string& state, bool processed) {
    return course_of({.state = state, .processed = processed});
  };
  EXPECT_EQ(course("Finished", true), Course::ended);
  EXPECT_EQ(course("Finished", false), Course::running);
  EXPECT_EQ(course("Canceled", false), Course::ended);
  EXPECT_EQ(course("Error", false), Course::ended);
  EXPECT_EQ(course("Paused", false), Course::interrupted);
  for (const char* state : {"Queued", "Running", "Loading", "Finishing", ""}) {
    EXPECT_EQ(course(state, true), Course::running) << state;
  }
}

TEST(QualysAssessment, NoLoginIsInconclusive) {
  Scan scan;
  scan.answers.results->rows[0].qid = "105053";
  EXPECT_EQ(scan.assess().login, Login::no);
  EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive);
  scan.answers.hosts = {{.ip = kIp, .login_at = "2026-11-22T10:05:00Z"}};
  EXPECT_EQ(scan.assess().login, Login::no) << "the scan itself says that it failed";
  scan.answers.results->rows.erase(scan.answers.results->rows.begin());
  EXPECT_EQ(scan.assess().login, Login::yes);
  scan.answers.hosts[0].login_at = "2026-11-22T09:59:59Z";
  EXPECT_EQ(scan.assess().login, Login::unknown) << "an earlier scan was logged in";
  EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive);
  scan.config.needs_login = false;
  EXPECT_EQ(scan.assess().login, Login::not_needed);
  EXPECT_EQ(scan.assess().completeness, Completeness::complete);
}

TEST(QualysAssessment, AnotherHostIsNotOurs) {
  Scan scan;
  for (ResultRow& row : scan.answers.results->rows) row.ip = "192.0.2.66";
  model::Assessment assessment = scan.assess();
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(assessment.reasons, Contains(HasSubstr("another host: 192.0.2.66")));
  EXPECT_THAT(assessment.findings, IsEmpty());
  scan.answers.results->rows.push_back(row("38307", "Ig"));
  EXPECT_EQ(scan.assess().completeness, Completeness::partial);
  EXPECT_THAT(scan.assess().findings, SizeIs(1));
}

TEST(QualysAssessment, NoRowsAreNoFindings) {
  Scan scan;
  scan.answers.results->rows.clear();
  scan.answers.listed->sub_state = "No_Vuln";
  EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive);
}

TEST(QualysAssessment, HostsThatWereNotScanned) {
  for (const char* list : {"10.0.0.9", "10.0.0.1, 10.0.0.9", "10.0.0.1-10.0.0.20"}) {
    Scan scan;
    scan.answers.results->not_scanned = {{"hosts_not_scanned_host_not_alive_ip", list}};
    EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive) << list;
  }
  for (const char* list : {"10.0.0.90", "10.0.0.10-10.0.0.20", "x-y", "999.0.0.1-1", ""}) {
    Scan scan;
    scan.answers.results->not_scanned = {{"hosts_not_scanned_host_not_alive_ip", list}};
    EXPECT_EQ(scan.assess().completeness, Completeness::complete) << list;
  }
}

TEST(QualysAssessment, ResultsOfAnotherScan) {
  Scan scan;
  scan.answers.results->reference = "scan/9.9";
  EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive);
}

TEST(QualysAssessment, AnInstanceIsFoundByItsName) {
  Scan scan;
  scan.config.target = QualysConfig::Target::ec2;
  scan.target.ip = "203.0.113.5";
  EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive);
  scan.answers.hosts = {{.ip = kIp, .instance_id = "i-1"}};
  EXPECT_EQ(scan.assess().completeness, Completeness::complete);
  scan.answers.hosts[0].instance_id = "i-2";
  EXPECT_EQ(scan.assess().completeness, Completeness::inconclusive);
}

TEST(QualysAssessment, TakesVersions) {
  Scan scan;
  scan.answers.results->appliance =
      "1.1.1.1 (Scanner 12.20.30-1, Vulnerability Signatures 2.6.200-3)";
  model::Assessment assessment = scan.assess();
  EXPECT_EQ(assessment.scanner_version, "12.20.30-1");
  ASSERT_THAT(assessment.advisories, SizeIs(1));
  EXPECT_EQ(assessment.advisories[0].name, "Qualys signatures 2.6.200-3");
  scan.answers.listed->launched_at = "yesterday";
  EXPECT_EQ(scan.assess().started_at, "");
}

std::vector<model::Finding> findings_of(const ResultRow& row, const Knowledge& knowledge = {},
                                        const std::vector<DetectedHost>& hosts = {}) {
  std::vector<model::Finding> findings;
  add_findings(findings, row, knowledge, history_of(hosts));
  return findings;
}

TEST(QualysFindings, SeveritiesAndKinds) {
  const std::vector<std::pair<std::string, Severity>> severities = {
      {"5", Severity::critical}, {"4", Severity::high},   {"3", Severity::medium},
      {"2", Severity::low},      {"1", Severity::info},   {"", Severity::unknown},
      {"6", Severity::unknown},  {"x", Severity::unknown}};
  for (const auto& [native, severity] : severities) {
    ResultRow one = row("1");
    one.severity = native;
    EXPECT_EQ(findings_of(one)[0].severity, severity) << native;
    EXPECT_EQ(findings_of(one)[0].severity_native, native);
    one.type = "Ig";
    EXPECT_EQ(findings_of(one)[0].severity, Severity::info);
  }
  EXPECT_EQ(findings_of(row("1", "Practice"))[0].kind, FindingKind::potential);
  EXPECT_EQ(findings_of(row("1", "Ig"))[0].kind, FindingKind::information);
  EXPECT_EQ(findings_of(row("1", "New kind"))[0].kind, FindingKind::vulnerability);
}

TEST(QualysFindings, JoinsKnowledgeAndHistory) {
  ResultRow one = row("181234");
  one.cve_id = "CVE-2023-2650,cve-2023-0464, nonsense";
  one.vendor_reference = "DSA 5417-1";
  one.port = "443";
  one.protocol = "tcp";
  Knowledge knowledge = {{"181234",
                          {.patchable = "1",
                           .solution = "<P>Update<BR>now",
                           .cvss3_base = "7.5",
                           .cvss3_vector = "CVSS:3.1/AV:N",
                           .cvss3_version = "3.1",
                           .cves = {"CVE-2023-0464", "CVE-2023-9999"},
                           .reference_ids = {"DSA 5417-1"},
                           .urls = {"https://x.example/1", "javascript:alert(1)"}}}};
  std::vector<DetectedHost> hosts = {
      {.ip = kIp,
       .detections = {{.qid = "181234",
                       .port = "443",
                       .first_found_at = "2026-01-02T03:04:05Z",
                       .hidden = true},
                      {.qid = "181234", .first_found_at = "2020-01-02T03:04:05Z"}}}};
  model::Finding finding = findings_of(one, knowledge, hosts)[0];
  EXPECT_THAT(finding.cves, ElementsAre("CVE-2023-0464", "CVE-2023-2650", "CVE-2023-9999"));
  EXPECT_THAT(finding.advisory_ids, ElementsAre("DSA 5417-1", "nonsense"));
  EXPECT_EQ(finding.fix, model::FixState::available);
  EXPECT_EQ(finding.remediation, "Update\nnow");
  ASSERT_THAT(finding.cvss, SizeIs(1));
  EXPECT_EQ(finding.cvss[0].score, 7.5);
  EXPECT_THAT(finding.references, ElementsAre("https://x.example/1"));
  EXPECT_EQ(finding.first_seen, "2026-01-02T03:04:05.000Z");
  EXPECT_EQ(finding.status, model::FindingStatus::suppressed);
  EXPECT_EQ(finding.port, 443);
}

TEST(QualysFindings, OneForEachPackageOfItsTable) {
  ResultRow one = row("1");
  one.results =
      "Package\tInstalled Version\tRequired Version\nopenssl\t3.0.8-1\t3.0.9-1\r\n"
      "libssl3\t3.0.8-1\t3.0.9-1\n\n\tx\ty\n";
  std::vector<model::Finding> findings = findings_of(one);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].package, "openssl");
  EXPECT_EQ(findings[1].package, "libssl3");
  EXPECT_EQ(findings[1].installed_version, "3.0.8-1");
  EXPECT_EQ(findings[0].fixed_version, "3.0.9-1");
  EXPECT_EQ(findings[0].fix, model::FixState::available);
  one.results = "Package openssl is old";
  EXPECT_THAT(findings_of(one), SizeIs(1));
}

TEST(QualysFindings, TextsAreSafeAndBounded) {
  ResultRow one = row("1");
  one.title = "\x1b[31mred\xe2\x80\xae" + std::string(5000, 'x');
  one.results = "found:\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n" +
                std::string(100000, 'y');
  one.port = "70000";
  model::Finding finding = findings_of(one)[0];
  EXPECT_THAT(finding.title, Not(HasSubstr("\x1b")));
  EXPECT_LE(finding.title.size(), 500u);
  EXPECT_LE(finding.evidence.size(), model::kEvidenceLimit);
  EXPECT_THAT(finding.evidence, Not(HasSubstr("MIIE")));
  EXPECT_THAT(finding.evidence, HasSubstr("[a private key, left out]"));
  EXPECT_EQ(finding.port, 0);
}

TEST(QualysFindings, LeavesKeysAndTagsOut) {
  EXPECT_EQ(without_keys("a -----BEGIN EC PRIVATE KEY-----\nxx"), "a [a private key, left out]");
  EXPECT_EQ(without_keys("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\nPRIVATE KEY"),
            "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\nPRIVATE KEY");
  EXPECT_EQ(without_keys("plain"), "plain");
  EXPECT_EQ(without_tags("a < b and <B>bold</B><BR>next <"), "a < b and bold\nnext <");
  EXPECT_EQ(without_tags("<P>"), "");
}

TEST(QualysAssessment, AsksForNumbersOnly) {
  ScanResults results;
  results.rows = {row("2"), row("1"), row("2"), row(""), row("1&x=2"), row("99999999999")};
  EXPECT_THAT(qids_of(results), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace hallmark::scan::qualys
