#include "made_findings.h"

#include <fmt/format.h>

#include "base/json.h"

namespace hallmark::bench {
namespace {

using model::Finding;
using model::Severity;

constexpr std::size_t kPackages = 2000;
constexpr std::size_t kWaivers = 1000;
constexpr std::size_t kNumbersPerYear = 40'000;
/// Of each image's findings the next version has so many less and as many others.
constexpr std::size_t kChangedPerVersion = 2000;

constexpr const char* kDescription =
    "The version of the package that is installed is older than the one that its maintainers "
    "published for this release of the distribution. A remote attacker who can send crafted input "
    "to a program that uses it may read memory out of bounds, crash the program or run code of "
    "their own choice with its rights. Upgrading the package closes the hole.";
constexpr const char* kSolution =
    "Upgrade the package to the version named here, or to a later one, and restart what uses it.";

std::string cve(std::size_t number) {
  return fmt::format("CVE-{}-{}", 2018 + number / kNumbersPerYear % 8,
                     1000 + number % kNumbersPerYear);
}
std::string package(std::size_t number) { return fmt::format("libpackage{}", number % kPackages); }
std::string installed(std::size_t number) {
  return fmt::format("1.{}.0-1+deb12u{}", number % 40, number % 3);
}
std::string fixed(std::size_t number) {
  return number % 3 == 0 ? "" : fmt::format("1.{}.0-1+deb12u4", number % 40);
}
double score(std::size_t number) { return static_cast<double>(number * 7 % 100) / 10; }

/// Three of four, where there are two scanners.
std::size_t tenable_count(std::size_t findings) { return findings * 3 / 5; }
std::size_t qualys_begin(std::size_t findings) {
  const std::size_t qualys = findings - tenable_count(findings);
  return tenable_count(findings) - qualys * 3 / 4;
}

Finding finding(std::size_t number, bool texts) {
  Finding made;
  made.finding_id = std::to_string(150'000 + number);
  made.cves = {cve(number)};
  if (number % 8 == 0) made.cves.push_back(cve(number + 1));
  made.advisory_ids = {fmt::format("DSA-{}", 5000 + number % 900)};
  made.package = package(number);
  made.architecture = "amd64";
  made.installed_version = installed(number);
  made.fixed_version = fixed(number);
  made.fix = made.fixed_version.empty() ? model::FixState::none : model::FixState::available;
  made.severity = model::severity_of_score(score(number));
  made.severity_native = std::to_string(number % 5);
  made.cvss = {{"3.1", score(number), "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "NVD"}};
  made.title = fmt::format("Debian 12: {} security update ({})", package(number), cve(number));
  made.references = {"https://security-tracker.debian.org/tracker/" + made.cves[0]};
  if (!texts) return made;
  made.description = kDescription;
  made.remediation = kSolution;
  made.evidence = fmt::format("Remote package installed : {0}_{1}\nShould be : {0}_{2}",
                              made.package, made.installed_version, made.fixed_version);
  return made;
}

model::Assessment assessment(const std::string& scanner, std::size_t from, std::size_t to,
                             bool texts) {
  model::Assessment made;
  made.scanner = scanner;
  made.scanner_version = "10.8.3";
  made.distribution = {"debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"};
  made.completeness = model::Completeness::complete;
  made.login = model::Login::yes;
  made.started_at = "2026-11-22T09:00:00.000Z";
  made.assessed_at = "2026-11-22T09:10:00.000Z";
  made.advisories = {{scanner + "-feed", "", "2026-11-22T06:00:00.000Z", ""}};
  made.findings.reserve(to - from);
  for (std::size_t number = from; number < to; ++number)
    made.findings.push_back(finding(number, texts));
  return made;
}

}  // namespace

std::vector<model::Assessment> assessments(const MadeImage& image) {
  const std::size_t first = image.version * kChangedPerVersion;
  const std::size_t begin = qualys_begin(image.findings);
  const std::size_t count = image.findings - tenable_count(image.findings);
  std::vector<model::Assessment> made = {
      assessment("tenable", first, first + tenable_count(image.findings), image.texts),
      assessment("qualys", first + begin, first + begin + count, image.texts)};
  // Qualys does not name the package of everything.
  auto& findings = made[1].findings;
  for (std::size_t i = 0; i < findings.size(); i += 10) findings[i].package.clear();
  return made;
}

model::Inventory inventory() {
  model::Inventory made;
  made.distribution = {"debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"};
  made.architecture = "amd64";
  for (std::size_t number = 0; number < kPackages; ++number) {
    made.packages.push_back({package(number), installed(number), "amd64",
                             fmt::format("package{}", number / 2), installed(number), "dpkg"});
  }
  return made;
}

model::Gate gate() {
  using model::Judgement;
  model::Gate made;
  made.findings = {{Severity::critical, {Judgement::fail, Judgement::review}},
                   {Severity::high, {Judgement::fail, Judgement::review}},
                   {Severity::medium, {Judgement::review, Judgement::pass}}};
  made.max_findings = {{"medium", 100}, {"low", 1000}};
  made.max_data_age = std::chrono::hours(24 * 7);
  const TimePoint now = from_rfc3339("2026-11-22T10:00:00Z");
  for (std::size_t i = 0; i < kWaivers; ++i) {
    model::Waiver waiver;
    waiver.finding = cve(i * 60);
    waiver.package = "lib*";
    waiver.images = {"web/debian-*/1.?.*"};
    waiver.reason = "the function is not reachable from the network";
    waiver.by = "alice";
    waiver.expires_at = now + std::chrono::hours(24 * (i % 100));
    made.waivers.push_back(waiver);
  }
  return made;
}

std::string qualys_results(std::size_t findings) {
  std::string text = fmt::format(
      R"([{{"scan_report_template_title":"Scan Results","result_date":"11/22/2026 09:10:00"}},
{{"launch_date":"11/22/2026 09:00:00","active_hosts":"1","total_hosts":"1","type":"API",)"
      R"("status":"Finished","reference":"scan/1767322740.12345",)"
      R"x("scanner_appliance":"1.1.1.1 (Scanner 10.1-1, Vulnerability Signatures 2.6-2)",)x"
      R"("scan_title":"candidate","ips":"{0}","option_profile":"golden"}},
{{"ip":"{0}","dns":"","os":"Debian Linux 12","qid":38307,"title":"Unix Authentication Method",)"
      R"("type":"Ig","severity":"1","results":"root via ssh"}})",
      kTargetIp);
  for (std::size_t number = 0; number < findings; ++number) {
    const Json row = {
        {"ip", kTargetIp},
        {"dns", ""},
        {"netbios", nullptr},
        {"os", "Debian Linux 12"},
        {"ip_status", "host scanned, found vuln"},
        {"qid", 150'000 + number},
        {"title", fmt::format("Debian Security Update for {} ({})", package(number), cve(number))},
        {"type", number % 20 == 0 ? "Practice" : "Vuln"},
        {"severity", std::to_string(1 + number % 5)},
        {"port", ""},
        {"protocol", ""},
        {"fqdn", ""},
        {"ssl", "no"},
        {"cve_id", number % 8 == 0 ? cve(number) + "," + cve(number + 1) : cve(number)},
        {"vendor_reference", fmt::format("DSA {}-1", 5000 + number % 900)},
        {"bugtraq_id", nullptr},
        {"threat", kDescription},
        {"impact", "A remote attacker may run code of their choice.<P>"},
        {"solution", kSolution},
        {"exploitability", nullptr},
        {"associated_malware", nullptr},
        {"results", fmt::format("Package\tInstalled Version\tRequired Version\n{}\t{}\t{}",
                                package(number), installed(number), fixed(number))},
        {"pci_vuln", "yes"},
        {"instance", nullptr},
        {"category", "Debian"}};
    text += ",\n" + compact(row);
  }
  return text + ",\n{\"target_distribution_across_scanner_appliances\":\"scanner: 10.0.0.9\"}]";
}

std::string nessus_file(std::size_t findings) {
  std::string text = fmt::format(
      R"(<?xml version="1.0" ?><NessusClientData_v2><Policy><policyName>Basic Network Scan)"
      R"(</policyName></Policy><Report name="candidate"><ReportHost name="{0}"><HostProperties>)"
      R"(<tag name="host-ip">{0}</tag><tag name="HOST_START">Sun Nov 22 09:00:00 2026</tag>)"
      R"(<tag name="HOST_END">Sun Nov 22 09:10:00 2026</tag><tag name="Credentialed_Scan">true)"
      R"(</tag></HostProperties>)",
      kTargetIp);
  for (std::size_t number = 0; number < findings; ++number) {
    text += fmt::format(
        R"(<ReportItem severity="{0}" port="0" pluginFamily="Debian Local Security Checks" )"
        R"(pluginName="Debian dsa-{1} : {2} - security update" pluginID="{3}" protocol="tcp" )"
        R"(svc_name="general"><agent>unix</agent><cve>{4}</cve><cvss3_base_score>{5:.1f})"
        R"(</cvss3_base_score><cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N)"
        R"(</cvss3_vector><cvss_base_score>{5:.1f}</cvss_base_score><description>{6}</description>)"
        R"(<fname>debian_DSA-{1}.nasl</fname><plugin_modification_date>2026/11/20)"
        R"(</plugin_modification_date><plugin_publication_date>2026/11/20)"
        R"(</plugin_publication_date><plugin_type>local</plugin_type><risk_factor>High)"
        R"(</risk_factor><script_version>1.2</script_version><see_also>)"
        "https://security-tracker.debian.org/tracker/{4}\nhttps://www.debian.org/security/dsa-{1}"
        R"(</see_also><solution>{7}</solution><synopsis>The remote Debian host is missing a )"
        R"(security-related update.</synopsis><xref>DSA:{1}</xref><plugin_output>)"
        "\nRemote package installed : {2}_{8}\nShould be                : {2}_1.{9}.0-1+deb12u4\n"
        "</plugin_output></ReportItem>\n",
        1 + number % 4, 5000 + number % 900, package(number), 150'000 + number, cve(number),
        score(number), kDescription, kSolution, installed(number), number % 40);
  }
  return text + "</ReportHost></Report></NessusClientData_v2>";
}

std::string epss_file(std::size_t rows) {
  std::string text =
      "#model_version:v2025.03.14,score_date:2026-11-22T00:00:00+0000\ncve,epss,percentile\n";
  for (std::size_t number = 0; number < rows; ++number) {
    text += fmt::format("{},0.{:05},0.{:05}\n", cve(number), number * 7919 % 100'000,
                        number * 104'729 % 100'000);
  }
  return text;
}

}  // namespace hallmark::bench
