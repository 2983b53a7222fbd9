#include "evidence/attestation.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "evidence/fixture.h"

namespace hallmark::evidence {
namespace {

TEST(Attestation, BindsToTheDisksBytes) {
  const Json json = provenance(small_subject());
  EXPECT_EQ(json["_type"], "https://in-toto.io/Statement/v1");
  EXPECT_EQ(json["subject"][0]["digest"]["sha256"], std::string(64, 'a'));
  EXPECT_EQ(json["subject"][0]["annotations"]["digest_of"], "raw disk");
  Subject subject = small_subject();
  subject.disk_sha256.clear();
  EXPECT_THROW(provenance(subject), Error);
}

TEST(Attestation, SaysWhatTheImageWasMadeFromAndBy) {
  const Json predicate = provenance(small_subject())["predicate"];
  EXPECT_EQ(predicate["buildDefinition"]["resolvedDependencies"].size(), 2u);
  EXPECT_EQ(predicate["buildDefinition"]["resolvedDependencies"][1]["digest"]["sha256"],
            std::string(64, 'b'));
  EXPECT_EQ(predicate["runDetails"]["builder"]["id"], "urn:hallmark:builder");
  EXPECT_EQ(predicate["runDetails"]["metadata"]["invocationId"], "run-00000000000000001");
  EXPECT_EQ(predicate["runDetails"]["byproducts"][0]["name"], "qualys/scan.json");
}

TEST(Attestation, NeverSaysNothingWasFoundByAScannerThatDidNotSeeAll) {
  Subject subject = small_subject();
  EXPECT_TRUE(vulnerabilities(subject, 0));
  for (auto verdict : {model::Completeness::partial, model::Completeness::inconclusive,
                       model::Completeness::failed}) {
    subject.assessments[0].completeness = verdict;
    EXPECT_FALSE(vulnerabilities(subject, 0));
  }
}

TEST(Attestation, AnEmptyListComesOfACompleteLook) {
  const Json scanner = (*vulnerabilities(empty_subject(), 0))["predicate"]["scanner"];
  EXPECT_EQ(scanner["result"], Json::array());
  EXPECT_EQ(scanner["db"]["lastUpdate"], "2026-11-22T06:00:00.000Z");
}

TEST(Attestation, ListsEachVulnerabilityOnceWithTextScores) {
  Subject subject = small_subject();
  model::Finding again = subject.assessments[0].findings[0];
  again.package = "openssl";
  subject.assessments[0].findings.push_back(again);
  const Json result = (*vulnerabilities(subject, 0))["predicate"]["scanner"]["result"];
  ASSERT_EQ(result.size(), 2u);
  EXPECT_EQ(result[0]["id"], "CVE-2026-1000");
  EXPECT_EQ(result[0]["annotations"].size(), 2u);
  EXPECT_EQ(result[0]["severity"], Json::parse(R"([{"method":"CVSS:3.1 of NVD","score":"7.5"},
                            {"method":"EPSS","score":"0.25000"},
                            {"method":"hallmark","score":"high"}])"));
}

TEST(Attestation, LeavesOutWhatIsNoVulnerability) {
  Subject subject = small_subject();
  subject.assessments[1].completeness = model::Completeness::complete;
  EXPECT_EQ((*vulnerabilities(subject, 1))["predicate"]["scanner"]["result"].size(), 1u);
}

TEST(Attestation, SumsUpTheDecision) {
  const Json passed = (*verification_summary(small_subject(), {{"x", std::string(64, '1')}}));
  EXPECT_EQ(passed["predicate"]["verificationResult"], "PASSED");
  EXPECT_EQ(passed["predicate"]["timeVerified"], "2026-11-22T11:00:00.000Z");
  EXPECT_EQ(passed["predicate"]["inputAttestations"][0]["digest"]["sha256"], std::string(64, '1'));
  EXPECT_EQ(passed["predicate"]["urn:hallmark:decisions"][0]["approver"], "bob");
  const Json failed = (*verification_summary(hostile_subject(), {}));
  EXPECT_EQ(failed["predicate"]["verificationResult"], "FAILED");
  EXPECT_EQ(failed["predicate"]["verifiedLevels"], Json::array({"FAILED"}));
  EXPECT_FALSE(verification_summary(empty_subject(), {}));
}

}  // namespace
}  // namespace hallmark::evidence
