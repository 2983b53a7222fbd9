#include "scan/tenable/nessus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "scan/tenable/nessus_item.h"
#include "scan/tenable/xml_text.h"

namespace hallmark::scan::tenable {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string report_of(const std::string& items, const std::string& properties = "") {
  return R"(<?xml version="1.0" ?><NessusClientData_v2><Policy><policyName>Basic</policyName></Policy>)"
         R"(<Report name="t" xmlns:cm="http://www.nessus.org/cm"><ReportHost name="10.0.0.9">)"
         "<HostProperties>" +
         properties + "</HostProperties>" + items + "</ReportHost></Report></NessusClientData_v2>";
}

std::string item_of(const std::string& elements, const std::string& severity = "3") {
  return "<ReportItem severity=\"" + severity +
         "\" port=\"22\" protocol=\"tcp\" pluginID=\"7\" pluginName=\"p\" pluginFamily=\"f\">" +
         elements + "</ReportItem>";
}

std::vector<model::Finding> findings(const std::string& items) {
  NessusReport report = read_nessus(report_of(items));
  EXPECT_EQ(report.damage, "");
  return report.hosts.at(0).findings;
}

model::Finding only(const std::string& items) {
  std::vector<model::Finding> all = findings(items);
  EXPECT_THAT(all, SizeIs(1));
  return all.at(0);
}

std::string why_refused(const std::string& file) {
  try {
    read_nessus(file);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::corrupt);
    return e.message();
  }
  return "it was taken";
}

TEST(Nessus, ReadsWhatTenableExported) {
  NessusReport report = read_nessus(read_file(HALLMARK_TENABLE_TESTDATA "/recorded.nessus"));
  EXPECT_EQ(report.damage, "");
  EXPECT_EQ(report.name, "pytest-scan");
  EXPECT_EQ(report.policy, "Basic Network Scan");
  ASSERT_THAT(report.hosts, SizeIs(1));
  const NessusHost& host = report.hosts[0];
  EXPECT_EQ(host.name, "162.159.129.83");
  EXPECT_EQ(host.property("Credentialed_Scan"), "false");
  EXPECT_EQ(host.property("HOST_END"), "Thu Jun 10 11:37:06 2021");
  EXPECT_EQ(host.item_count, 8);
  EXPECT_EQ(host.scanner_version, "8.15.0");
  EXPECT_EQ(host.plugin_feed, "202106091012");
  EXPECT_EQ(host.credential_word, "no");
  EXPECT_TRUE(host.whole);
  for (const model::Finding& finding : host.findings) {
    EXPECT_EQ(finding.severity, model::Severity::info);
    EXPECT_EQ(finding.kind, model::FindingKind::information);
  }
}

TEST(Nessus, ReadsAVulnerabilityWithAllThatItCarries) {
  model::Finding finding = only(
      R"(<ReportItem pluginName="Debian DSA-5417-1 : openssl" pluginID="177375" protocol="tcp" )"
      R"(svc_name="www" severity="3" port="443" pluginFamily="Debian Local Security Checks">)"
      "<cve>CVE-2023-2650</cve><cve>cve-2023-0464</cve><cve>CVE-2023-2650</cve>"
      "<xref>DSA:5417</xref><xref>IAVA:2023-A-0158</xref><xref>CISA-KNOWN-EXPLOITED:2023/07/07</"
      "xref>"
      "<see_also>https://a.example/1\nhttps://b.example/2\njavascript:alert(1)</see_also>"
      "<cvss_base_score>5.0</cvss_base_score><cvss_vector>CVSS2#AV:N/AC:L</cvss_vector>"
      "<cvss3_base_score>7.5</cvss3_base_score><cvss3_vector>CVSS:3.1/AV:N/AC:L</cvss3_vector>"
      "<synopsis>Short</synopsis><description>Long</description><solution>Upgrade</solution>"
      "<risk_factor>High</risk_factor><patch_publication_date>2023/05/31</patch_publication_date>"
      "<plugin_output>\nRemote package installed : openssl_3.0.8-1\n"
      "Should be                : openssl_3.0.9-1\n</plugin_output></ReportItem>");
  EXPECT_EQ(finding.finding_id, "177375");
  EXPECT_EQ(finding.title, "Debian DSA-5417-1 : openssl");
  EXPECT_EQ(finding.kind, model::FindingKind::vulnerability);
  EXPECT_EQ(finding.severity, model::Severity::high);
  EXPECT_EQ(finding.severity_native, "3");
  EXPECT_EQ(finding.port, 443);
  EXPECT_EQ(finding.protocol, "tcp");
  EXPECT_THAT(finding.cves, ElementsAre("CVE-2023-0464", "CVE-2023-2650"));
  EXPECT_THAT(finding.advisory_ids,
              ElementsAre("CISA-KNOWN-EXPLOITED:2023/07/07", "DSA-5417", "IAVA:2023-A-0158"));
  EXPECT_TRUE(finding.known_exploited);
  EXPECT_THAT(finding.references, ElementsAre("https://a.example/1", "https://b.example/2"));
  ASSERT_THAT(finding.cvss, SizeIs(2));
  EXPECT_EQ(finding.cvss[0].version, "2.0");
  EXPECT_EQ(finding.cvss[0].vector, "AV:N/AC:L");
  EXPECT_EQ(finding.cvss[1].version, "3.1");
  EXPECT_EQ(finding.cvss[1].score, 7.5);
  EXPECT_EQ(finding.package, "openssl");
  EXPECT_EQ(finding.installed_version, "3.0.8-1");
  EXPECT_EQ(finding.fixed_version, "3.0.9-1");
  EXPECT_EQ(finding.fix, model::FixState::available);
  EXPECT_EQ(finding.description, "Long");
  EXPECT_EQ(finding.remediation, "Upgrade");
}

TEST(Nessus, MakesAFindingOfEachPackage) {
  auto all =
      findings(item_of("<plugin_output>\n  - Installed package : libssl3_3.0.2-0ubuntu1.8\n"
                       "  - Fixed package     : libssl3_3.0.2-0ubuntu1.10\n\n"
                       "  - Installed package : openssl-libs-1.0.2k-16.el7\n"
                       "  - Fixed package     : openssl-libs-1.0.2k-19.el7\n</plugin_output>"));
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].package, "libssl3");
  EXPECT_EQ(all[0].fixed_version, "3.0.2-0ubuntu1.10");
  EXPECT_EQ(all[1].package, "openssl-libs");
  EXPECT_EQ(all[1].installed_version, "1.0.2k-16.el7");
  EXPECT_THAT(all[1].evidence, Not(HasSubstr("libssl3")));
}

TEST(Nessus, TakesVersionsOfWhatIsNoPackage) {
  model::Finding finding =
      only(item_of("<plugin_output>  Path : /opt/x\n  Installed version : 1.2\n"
                   "  Fixed version     : 1.3\n</plugin_output>"));
  EXPECT_EQ(finding.package, "");
  EXPECT_EQ(finding.installed_version, "1.2");
  EXPECT_EQ(finding.fixed_version, "1.3");
}

TEST(Nessus, SeesThatALoginMayNotSeeEverything) {
  auto lacks = [](const std::string& name) {
    return read_nessus(report_of("<ReportItem severity=\"0\" pluginID=\"1\" pluginName=\"" + name +
                                 "\"></ReportItem>"))
        .hosts.at(0)
        .lacked_rights;
  };
  EXPECT_TRUE(
      lacks("Target Credential Issues by Authentication Protocol - Insufficient Privilege"));
  EXPECT_FALSE(lacks("Target Credential Status by Authentication Protocol - Valid Credentials"));
}

TEST(Nessus, KeepsAnUnknownSeverity) {
  EXPECT_EQ(only(item_of("", "9")).severity, model::Severity::unknown);
  EXPECT_EQ(only(item_of("", "9")).severity_native, "9");
  EXPECT_EQ(only(item_of("", "99999999999999999999")).severity, model::Severity::unknown);
  EXPECT_EQ(only(item_of("<risk_factor>Critical</risk_factor>", "")).severity,
            model::Severity::critical);
}

TEST(Nessus, LosesNoIdAndTakesNoScoreThatIsNone) {
  model::Finding finding = only(
      item_of("<cve>CVE-20xx-1</cve><cve>CVE-2024-12345,CVE-2024-9999</cve>"
              "<cvss3_base_score>nan</cvss3_base_score><cvss_base_score>11</cvss_base_score>"));
  EXPECT_THAT(finding.cves, ElementsAre("CVE-2024-12345", "CVE-2024-9999"));
  EXPECT_THAT(finding.advisory_ids, ElementsAre("CVE-20xx-1"));
  EXPECT_THAT(finding.cvss, IsEmpty());
}

TEST(Nessus, CountsRulesAndKeepsThoseThatDoNotHold) {
  auto rule = [](const std::string& result) {
    return item_of(
        "<cm:compliance-result>" + result + "</cm:compliance-result>" +
        "<cm:compliance-check-name>5.2.1 " + result +
        "</cm:compliance-check-name><cm:compliance-info>Why</cm:compliance-info>"
        "<cm:compliance-actual-value>yes</cm:compliance-actual-value>"
        "<cm:compliance-policy-value>no</cm:compliance-policy-value>"
        "<cm:compliance-solution>Do</cm:compliance-solution>"
        "<cm:compliance-reference>800-53|AC-2,CCE|CCE-80170-5</cm:compliance-reference>");
  };
  NessusReport report =
      read_nessus(report_of(rule("PASSED") + rule("FAILED") + rule("WARNING") + rule("ERROR")));
  const NessusHost& host = report.hosts.at(0);
  EXPECT_EQ(host.rules.passed, 1);
  EXPECT_EQ(host.rules.failed, 1);
  EXPECT_EQ(host.rules.not_checked, 2);
  ASSERT_THAT(host.findings, SizeIs(3));
  EXPECT_EQ(host.findings[0].kind, model::FindingKind::compliance);
  EXPECT_EQ(host.findings[0].finding_id, "7:5.2.1 FAILED");
  EXPECT_EQ(host.findings[0].title, "5.2.1 FAILED");
  EXPECT_EQ(host.findings[0].remediation, "Do");
  EXPECT_EQ(host.findings[0].evidence, "Policy value: no\nActual value: yes\n");
  EXPECT_THAT(host.findings[0].advisory_ids, ElementsAre("800-53|AC-2", "CCE|CCE-80170-5"));
}

TEST(Nessus, BoundsEvidenceAndKeepsKeysOut) {
  EXPECT_LE(only(item_of("<plugin_output>" + std::string(5 << 20, 'x') + "</plugin_output>"))
                .evidence.size(),
            model::kEvidenceLimit);
  std::string key =
      only(item_of("<plugin_output>before\n-----BEGIN RSA PRIVATE KEY-----\nMIIsecret\n"
                   "-----END RSA PRIVATE KEY-----\nafter</plugin_output>"))
          .evidence;
  EXPECT_EQ(key, "before\n[a private key]\nafter");
  EXPECT_EQ(only(item_of("<plugin_output>-----BEGIN OPENSSH PRIVATE KEY-----\nsec</plugin_output>"))
                .evidence,
            "[a private key]");
  EXPECT_THAT(
      only(item_of("<plugin_output>-----BEGIN CERTIFICATE-----\nMII</plugin_output>")).evidence,
      HasSubstr("MII"));
}

TEST(Nessus, ReplacesWhatIsNoText) {
  NessusReport report =
      read_nessus(report_of(item_of("<plugin_output>a\xff\xfe\xc0z\x01\x1b[2J</plugin_output>")));
  EXPECT_EQ(report.damage, "");
  EXPECT_EQ(report.replaced_bytes, 5u);
  EXPECT_THAT(report.hosts.at(0).findings.at(0).evidence, HasSubstr("a\xef\xbf\xbd"));
  EXPECT_THAT(report.hosts.at(0).findings.at(0).evidence, Not(HasSubstr("\x1b")));
}

TEST(Nessus, TheSameHoweverItIsCut) {
  const std::string file =
      report_of(item_of("<plugin_output>\xc3\xa4 \xf0\x9f\x98\x80 \xe2\x82</plugin_output>"));
  const std::string whole = read_nessus(file).hosts.at(0).findings.at(0).evidence;
  for (std::size_t size : {1u, 2u, 3u, 7u}) {
    NessusReader reader;
    for (std::size_t at = 0; at < file.size(); at += size) {
      reader.read(std::string_view(file).substr(at, size));
    }
    EXPECT_EQ(reader.finish().hosts.at(0).findings.at(0).evidence, whole) << size;
  }
}

TEST(Nessus, SaysThatAFileEndsInTheMiddle) {
  std::string file = report_of(item_of("") + item_of(""));
  NessusReport report = read_nessus(file.substr(0, file.rfind("<ReportItem") + 20));
  EXPECT_THAT(report.damage, Not(IsEmpty()));
  ASSERT_THAT(report.hosts, SizeIs(1));
  EXPECT_FALSE(report.hosts[0].whole);
  EXPECT_THAT(report.hosts[0].findings, SizeIs(1));
  // Every place where it can end.
  for (std::size_t size = file.find("<Policy"); size < file.size(); ++size) {
    EXPECT_NE(read_nessus(file.substr(0, size)).damage, "") << size;
  }
}

TEST(Nessus, SaysThatAFileIsBrokenInTheMiddle) {
  NessusReport report = read_nessus(report_of(item_of("") + "<ReportItem></Other>" + item_of("")));
  EXPECT_THAT(report.damage, HasSubstr("mismatched tag"));
  EXPECT_THAT(report.hosts.at(0).findings, SizeIs(1));
  EXPECT_NE(read_nessus(report_of(item_of("<plugin_output>&evil;</plugin_output>"))).damage, "");
}

TEST(Nessus, TakesWhatFollowsTheReport) {
  EXPECT_EQ(read_nessus(report_of("") + "\n<!-- end --> junk").damage, "");
  EXPECT_EQ(read_nessus("\xef\xbb\xbf" + report_of("")).damage, "");
}

TEST(Nessus, RefusesWhatIsNone) {
  EXPECT_THAT(why_refused(""), HasSubstr("no .nessus file"));
  EXPECT_THAT(why_refused("{\"error\": 1}"), HasSubstr("no .nessus file"));
  EXPECT_THAT(why_refused("<!DOCTYPE html><html><body>later</body></html>"), HasSubstr("<html>"));
  EXPECT_THAT(why_refused("<NessusClientData/>"), HasSubstr("<NessusClientData>"));
}

TEST(Nessus, RefusesEntitiesAndOutsideDocumentTypes) {
  const std::string root = "<NessusClientData_v2>&a;</NessusClientData_v2>";
  EXPECT_THAT(why_refused("<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>" + root),
              HasSubstr("declares entities"));
  EXPECT_THAT(why_refused("<!DOCTYPE r [<!ENTITY % p SYSTEM \"file:///etc/passwd\">]>" + root),
              HasSubstr("declares entities"));
  EXPECT_THAT(why_refused("<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/bait.dtd\">" + root),
              HasSubstr("document type"));
}

TEST(Nessus, RefusesWhatNestsOrGoesOnWithoutEnd) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_THAT(why_refused("<NessusClientData_v2>" + deep), HasSubstr("nests deeper"));
  EXPECT_THAT(why_refused("<NessusClientData_v2 a=\"" + std::string(20 << 20, 'x')),
              testing::AnyOf(HasSubstr("does not end"), HasSubstr("no .nessus file")));
  EXPECT_THAT(why_refused("<NessusClientData_v2><!-- " + std::string(20 << 20, 'x')),
              HasSubstr("does not end"));
}

TEST(Nessus, KeepsToItsLimits) {
  std::string items;
  for (int i = 0; i < 20; ++i) items += item_of("<description>0123456789</description>");
  NessusReport report = read_nessus(report_of(items), {.findings = 15});
  EXPECT_THAT(report.hosts.at(0).findings, SizeIs(15));
  EXPECT_EQ(report.findings_left_out, 5u);
  report = read_nessus(report_of(items), {.text_bytes = 100});
  EXPECT_THAT(report.hosts.at(0).findings, SizeIs(20));
  EXPECT_EQ(report.hosts.at(0).findings.at(9).description, "0123456789");
  EXPECT_EQ(report.hosts.at(0).findings.at(10).description, "");
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += "<cve>CVE-2024-1</cve>";
  EXPECT_THAT(findings(item_of(many)), SizeIs(1));
}

TEST(XmlText, LetsOnlyTextPass) {
  auto repaired = [](std::string_view bytes) {
    XmlText text;
    std::string all(text.repair(bytes));
    return all.append(text.finish());
  };
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(repaired("a\tb\n\xe2\x82\xac\xf0\x9f\x98\x80"), "a\tb\n\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(repaired("\xc0\xaf"), bad + bad);            // overlong
  EXPECT_EQ(repaired("\xed\xa0\x80"), bad + bad + bad);  // a surrogate
  EXPECT_EQ(repaired("\xf4\x90\x80\x80"), bad + bad + bad + bad);
  EXPECT_EQ(repaired(std::string_view("\0\x08", 2)), bad + bad);
  EXPECT_EQ(repaired("\xe2\x82"), bad + bad);  // cut off
  EXPECT_EQ(repaired("\xe2z"), bad + "z");
}

}  // namespace
}  // namespace hallmark::scan::tenable
