#include "evidence/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "evidence/fixture.h"

namespace hallmark::evidence {
namespace {

using testing::HasSubstr;
using testing::Not;

const Json* find(const Json& list, const std::string& key, const std::string& value) {
  for (const Json& one : list) {
    if (one.value(key, "") == value) return &one;
  }
  return nullptr;
}

TEST(Documents, AreTheSameForTheSameSubjectAndOthersForAnother) {
  Subject other = hostile_subject();
  other.inventory.packages[0].version += "x";
  for (const auto& make : {cyclonedx, spdx, sarif}) {
    EXPECT_EQ(pretty(make(hostile_subject())), pretty(make(hostile_subject())));
  }
  EXPECT_EQ(pretty(*openvex(hostile_subject())), pretty(*openvex(hostile_subject())));
  EXPECT_NE(cyclonedx(hostile_subject())["serialNumber"], cyclonedx(other)["serialNumber"]);
  EXPECT_NE(spdx(hostile_subject())["documentNamespace"], spdx(other)["documentNamespace"]);
}

TEST(Documents, HoldNoControlCharacterButLineBreaks) {
  const Subject subject = hostile_subject();
  for (const Json& json : {cyclonedx(subject), spdx(subject), sarif(subject), *openvex(subject)}) {
    const std::string text = json.dump();  // throws on invalid UTF-8
    EXPECT_THAT(text, Not(HasSubstr("\\u001b")));
    EXPECT_THAT(text, Not(HasSubstr("\\u0000")));
    EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_THAT(text, Not(HasSubstr("javascript:")));
  }
}

TEST(CycloneDx, ListsPackagesAndTheSystem) {
  const Json json = cyclonedx(small_subject());
  ASSERT_EQ(json["components"].size(), 3u);
  EXPECT_EQ(json["components"][0]["type"], "operating-system");
  EXPECT_EQ(json["components"][1]["purl"],
            "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12");
  EXPECT_EQ(json["components"][1]["properties"][0],
            Json::parse(R"({"name":"hallmark:source_package","value":"openssl"})"));
  EXPECT_EQ(json["compositions"][0]["aggregate"], "complete");
  EXPECT_EQ(cyclonedx(hostile_subject())["compositions"][0]["aggregate"], "incomplete");
}

TEST(CycloneDx, ReferencesAreUniqueAndLeadSomewhere) {
  const Json json = cyclonedx(hostile_subject());
  std::set<std::string> references = {json["metadata"]["component"]["bom-ref"]};
  auto add = [&](const Json& list) {
    for (const Json& one : list) {
      EXPECT_TRUE(references.insert(one["bom-ref"].get<std::string>()).second) << one["bom-ref"];
    }
  };
  add(json["components"]);
  add(json["vulnerabilities"]);
  for (const Json& vulnerability : json["vulnerabilities"]) {
    for (const Json& affected : vulnerability["affects"]) {
      EXPECT_TRUE(references.contains(affected["ref"].get<std::string>()));
    }
  }
}

TEST(CycloneDx, ShowsEveryScannersRating) {
  const Json json = cyclonedx(small_subject());
  const Json* found = find(json["vulnerabilities"], "id", "CVE-2026-1000");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ((*found)["ratings"], Json::parse(R"([
    {"source":{"name":"hallmark"},"severity":"high","method":"other"},
    {"source":{"name":"NVD"},"severity":"high","score":7.5,"method":"CVSSv31",
     "vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"},
    {"source":{"name":"qualys"},"severity":"critical","method":"other","justification":"said as: 5"},
    {"source":{"name":"EPSS","url":"https://www.first.org/epss/"},"score":0.25,"method":"other"}])"));
  EXPECT_EQ((*found)["affects"][0]["ref"],
            "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12");
  EXPECT_EQ((*found)["analysis"]["state"], "in_triage");
  EXPECT_EQ(json["vulnerabilities"].size(), 2u);  // a hardening rule is none
}

TEST(CycloneDx, AWaiverIsAnAcceptedRiskUnlessItSaysWhyNotAffected) {
  Subject subject = small_subject();
  auto analysis = [&] {
    return (*find(cyclonedx(subject)["vulnerabilities"], "id", "CVE-2026-2000"))["analysis"];
  };
  EXPECT_EQ(analysis()["state"], "exploitable");
  EXPECT_EQ(analysis()["response"][0], "will_not_fix");
  EXPECT_THAT(analysis()["detail"].get<std::string>(), HasSubstr("waived by alice"));
  subject.verdicts[1].waived->justification = "vulnerable_code_not_in_execute_path";
  EXPECT_EQ(analysis()["state"], "not_affected");
  EXPECT_EQ(analysis()["justification"], "code_not_reachable");
  subject.verdicts[1].waived->justification = "because";
  EXPECT_EQ(analysis()["state"], "exploitable");
}

TEST(CycloneDx, APackageOfNoInventoryIsTheImagesMatter) {
  Subject subject = small_subject();
  subject.inventory.packages.clear();
  EXPECT_EQ(cyclonedx(subject)["vulnerabilities"][0]["affects"][0]["ref"], "image");
}

TEST(CycloneDx, AFindingOfASourceMeansWhatWasBuiltFromIt) {
  Subject subject = small_subject();
  subject.assessments[0].findings[0].package = "openssl";
  subject.findings = scan::merge(subject.assessments);
  EXPECT_EQ(cyclonedx(subject)["vulnerabilities"][0]["affects"][0]["ref"],
            "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12");
}

TEST(Spdx, DescribesTheImageAndWhatItContains) {
  const Json json = spdx(small_subject());
  EXPECT_EQ(json["creationInfo"]["created"], "2026-11-22T10:30:01Z");
  ASSERT_EQ(json["packages"].size(), 3u);
  EXPECT_EQ(json["packages"][0]["checksums"][0]["checksumValue"], std::string(64, 'a'));
  EXPECT_EQ(json["packages"][1]["externalRefs"][0]["referenceLocator"],
            "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12");
  EXPECT_EQ(json["packages"][1]["sourceInfo"], "built from source package: openssl 3.0.9-1");
  EXPECT_EQ(json["relationships"].size(), 3u);
  EXPECT_EQ(json["relationships"][0]["relationshipType"], "DESCRIBES");
}

TEST(Sarif, SaysLevelsAndScoresAsViewersReadThem) {
  const Json run = sarif(small_subject())["runs"][0];
  ASSERT_EQ(run["results"].size(), 3u);
  const Json& worst = run["results"][0];
  EXPECT_EQ(worst["level"], "error");
  EXPECT_EQ(worst["properties"]["scanners"], Json::array({"hallmark", "qualys"}));
  const Json& rule = run["tool"]["driver"]["rules"][worst["ruleIndex"].get<std::size_t>()];
  EXPECT_EQ(rule["id"], "CVE-2026-1000");
  EXPECT_EQ(rule["properties"]["security-severity"], "7.5");
  EXPECT_EQ((*find(run["results"], "ruleId", "qualys:105"))["level"], "warning");
  EXPECT_FALSE(run["invocations"][1]["executionSuccessful"].get<bool>());
}

TEST(Sarif, SuppressesWhatIsWaived) {
  const Json run = sarif(small_subject())["runs"][0];
  const Json* waived = find(run["results"], "ruleId", "CVE-2026-2000");
  ASSERT_NE(waived, nullptr);
  EXPECT_THAT((*waived)["suppressions"][0]["justification"].get<std::string>(), HasSubstr("alice"));
  EXPECT_FALSE(run["results"][0].contains("suppressions"));
}

TEST(Sarif, AnAlertStaysItselfInTheNextVersion) {
  Subject next = small_subject();
  next.version = "2.0.0";
  next.image_key = "web/debian-12/2.0.0";
  next.image_id = "ami-2";
  for (model::Assessment& assessment : next.assessments) {
    for (model::Finding& finding : assessment.findings) finding.installed_version = "9";
  }
  next.findings = scan::merge(next.assessments);
  auto prints = [](const Subject& subject) {
    std::set<std::string> all;
    const Json json = sarif(subject);
    for (const Json& result : json["runs"][0]["results"]) {
      all.insert(result["partialFingerprints"]["hallmark/v1"].get<std::string>());
    }
    return all;
  };
  EXPECT_EQ(prints(small_subject()), prints(next));
  EXPECT_EQ(prints(next).size(), 3u);
}

TEST(Sarif, ComparesWithThePreviousVersion) {
  Subject subject = small_subject();
  EXPECT_FALSE(sarif(subject)["runs"][0]["results"][0].contains("baselineState"));
  subject.previous = Previous{"web/debian-12/1.3.0", {subject.findings[0], subject.findings[1]}};
  subject.previous->findings[1].id = subject.previous->findings[1].cve = "CVE-2025-1";
  std::multiset<std::string> states;
  const Json json = sarif(subject);
  for (const Json& result : json["runs"][0]["results"]) {
    states.insert(result["baselineState"].get<std::string>());
  }
  EXPECT_EQ(states, (std::multiset<std::string>{"absent", "new", "new", "unchanged"}));
}

TEST(Sarif, AnUnknownSeverityIsNotHarmlessAndHasNoInventedScore) {
  Subject subject = small_subject();
  subject.assessments[1].findings[1].severity = model::Severity::unknown;
  subject.findings = scan::merge(subject.assessments);
  const Json run = sarif(subject)["runs"][0];
  const Json* result = find(run["results"], "ruleId", "qualys:105");
  EXPECT_EQ((*result)["level"], "error");
  EXPECT_FALSE((*find(run["tool"]["driver"]["rules"], "id", "qualys:105"))["properties"].contains(
      "security-severity"));
}

TEST(OpenVex, AffectedSaysWhatToDo) {
  const Json json = *openvex(small_subject());
  ASSERT_EQ(json["statements"].size(), 2u);
  EXPECT_EQ(json["statements"][0]["status"], "affected");
  EXPECT_EQ(json["statements"][0]["action_statement"],
            "Update libssl3 to 3.0.9-1+deb12u2 or later.");
  EXPECT_THAT(json["statements"][1]["action_statement"].get<std::string>(),
              HasSubstr("The risk is accepted, waived by alice until 2027-01-01"));
}

TEST(OpenVex, NotAffectedOnlyWithAReasonOfTheFormat) {
  Subject subject = small_subject();
  subject.verdicts[1].waived->justification = "component_not_present";
  EXPECT_EQ((*openvex(subject))["statements"][1]["status"], "not_affected");
  EXPECT_EQ((*openvex(subject))["statements"][1]["justification"], "component_not_present");
  subject.verdicts[1].waived->justification = "trust me";
  EXPECT_EQ((*openvex(subject))["statements"][1]["status"], "affected");
}

TEST(OpenVex, WhatIsGoneIsFixedOnlyIfEverythingWasSeen) {
  Subject subject = small_subject();
  scan::MergedFinding gone = subject.findings[0];
  gone.id = gone.cve = "CVE-2025-1";
  subject.previous = Previous{"web/debian-12/1.3.0", {gone, gone, subject.findings[0]}};
  EXPECT_EQ((*openvex(subject))["statements"].size(), 2u);
  subject.assessments[1].completeness = model::Completeness::complete;
  const Json statements = (*openvex(subject))["statements"];
  ASSERT_EQ(statements.size(), 3u);
  EXPECT_EQ(statements[2]["status"], "fixed");
}

TEST(OpenVex, IsNothingWithoutAStatement) { EXPECT_FALSE(openvex(empty_subject())); }

TEST(Subject, WebUrlsAreNothingElse) {
  for (const char* good : {"https://a", "http://a.b/c?d=%20#e", "https://nvd.nist.gov/x+y"}) {
    EXPECT_TRUE(web_url(good)) << good;
  }
  for (const char* bad :
       {"", "https://", "ftp://a", "javascript:x", "https://a b", "https://a\"b", "https://a/%2",
        "https://a/%zz", "https://a#b#c", "https://\xc3\xa4", "https:///x", "HTTPS://a\n"}) {
    EXPECT_FALSE(web_url(bad)) << bad;
  }
}

TEST(Subject, UuidsSayWhatTheyAre) {
  EXPECT_THAT(uuid_of("x"), testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]"
                                                  "[0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(uuid_of("x"), uuid_of("y"));
}

}  // namespace
}  // namespace hallmark::evidence
