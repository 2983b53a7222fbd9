/// Scanning a list of packages: what is sent, and what the answers mean.

#include "scan/inspector/sbom.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "scan/inspector/sbom_answer.h"

namespace hallmark::scan {
namespace {

using aws::Value;
using inspector::AskedComponent;
using model::Completeness;
using model::Severity;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Value json(const std::string& text) { return Value::parse(text); }

/// The service: gives back what it got, with vulnerabilities.
class Script : public aws::Caller {
 public:
  Value call(const aws::Call& call, const Value& input, std::stop_token) override {
    EXPECT_EQ(call.service, "inspector-scan");
    EXPECT_EQ(call.operation, "ScanSbom");
    inputs.push_back(input);
    Value answer = {{"sbom", input["sbom"]}};
    if (vulnerabilities) answer["sbom"]["vulnerabilities"] = *vulnerabilities;
    return instead.value_or(answer);
  }
  std::vector<Value> inputs;
  std::optional<Value> vulnerabilities;
  std::optional<Value> instead;
};

Json component(const std::string& name, const std::string& purl) {
  return {{"type", "library"},
          {"bom-ref", purl},
          {"name", name},
          {"version", "3.0.8-1"},
          {"purl", purl},
          {"properties",
           Json::array({{{"name", "hallmark:source_package"}, {"value", "source-of-" + name}}})}};
}

Json document(const std::vector<Json>& components) {
  return {{"bomFormat", "CycloneDX"},
          {"specVersion", "1.6"},
          {"version", 1},
          {"serialNumber", "urn:uuid:1"},
          {"components", components},
          {"vulnerabilities", {{{"id", "CVE-of-ours"}}}}};
}

const char* const kOpenssl = "pkg:deb/debian/openssl@3.0.8-1?arch=amd64&distro=debian-12";

class SbomTest : public ::testing::Test {
 protected:
  model::Assessment scan(const Json& json) {
    kept_.clear();
    return scan_sbom(
        {.caller = script_}, {"111122223333", "eu-central-1"}, json,
        [this](const std::string& name, const std::string& media_type, std::string_view bytes) {
          kept_.push_back(name);
          return model::RawResult{name, media_type, bytes.size(), ""};
        },
        clock_, {});
  }
  ErrorKind refused(const Json& json) {
    try {
      scan(json);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  }

  std::shared_ptr<Script> script_ = std::make_shared<Script>();
  ManualClock clock_{from_rfc3339("2026-11-22T10:00:00Z")};
  std::vector<std::string> kept_;
};

TEST_F(SbomTest, SendsWhatTheServiceTakesAndNothingElse) {
  Json document = scan::document({component("openssl", kOpenssl)});
  document["declarations"] = {{"assessors", Json::array()}};
  document["components"].push_back({{"type", "operating-system"}, {"name", "debian"}});
  EXPECT_EQ(scan(document).completeness, Completeness::complete);
  ASSERT_THAT(script_->inputs, SizeIs(1));
  const Value& input = script_->inputs[0];
  EXPECT_EQ(input["outputFormat"], "CYCLONE_DX_1_5");
  EXPECT_EQ(input["sbom"]["specVersion"], "1.5");
  EXPECT_EQ(input["sbom"]["bomFormat"], "CycloneDX");
  EXPECT_FALSE(input["sbom"].contains("vulnerabilities")) << "ours are not for it";
  EXPECT_FALSE(input["sbom"].contains("declarations")) << "1.5 has none";
  ASSERT_THAT(input["sbom"]["components"], SizeIs(1));
  EXPECT_EQ(input["sbom"]["components"][0]["purl"], kOpenssl);
}

TEST_F(SbomTest, NoneIsWrittenInThreeWays) {
  for (std::optional<Value> none : {std::optional<Value>(), std::optional<Value>(nullptr),
                                    std::optional<Value>(Value::array())}) {
    script_->vulnerabilities = none;
    model::Assessment assessment = scan(document({component("openssl", kOpenssl)}));
    EXPECT_EQ(assessment.completeness, Completeness::complete);
    EXPECT_THAT(assessment.findings, IsEmpty());
    EXPECT_EQ(assessment.package_count, 1);
    EXPECT_THAT(kept_, ElementsAre("inspector-sbom/answer-1.json"));
  }
}

TEST_F(SbomTest, WhatIsNoAnswerIsAnError) {
  for (const char* wrong : {"{}", R"({"sbom": null})", R"({"sbom": {"vulnerabilities": "none"}})",
                            R"({"sbom": {"vulnerabilities": {}}})", "[]", "5"}) {
    script_->instead = json(wrong);
    EXPECT_EQ(refused(document({component("openssl", kOpenssl)})), ErrorKind::corrupt) << wrong;
  }
}

TEST_F(SbomTest, WhatIsNoDocumentIsRefused) {
  for (const char* wrong : {"null", "[]", "{}", R"({"bomFormat": "CycloneDX"})",
                            R"({"bomFormat": "SPDX", "specVersion": "1.5"})",
                            R"({"bomFormat": "CycloneDX", "specVersion": 1.5})"}) {
    EXPECT_EQ(refused(parse_json(wrong, "test")), ErrorKind::usage) << wrong;
  }
  Json deep = component("inner", kOpenssl);
  for (int i = 0; i < 200; ++i) deep = Json{{"name", "outer"}, {"components", {deep}}};
  EXPECT_EQ(refused(document({deep})), ErrorKind::usage);
  EXPECT_THAT(script_->inputs, IsEmpty());
}

TEST_F(SbomTest, WhatItCannotKnowIsAGap) {
  model::Assessment assessment =
      scan(document({component("openssl", kOpenssl), component("bash", "pkg:deb/debian/bash@5.2"),
                     component("zlib", "pkg:rpm/redhat/zlib@1?arch=x86_64#distro=x"),
                     component("mine", ""), component("left-pad", "pkg:npm/left-pad@1.0.0")}));
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  ASSERT_THAT(assessment.gaps, SizeIs(3));
  EXPECT_EQ(assessment.gaps[0].what, "component bash 3.0.8-1");
  EXPECT_THAT(assessment.gaps[0].reason, HasSubstr("which distribution"));
  EXPECT_THAT(assessment.gaps[2].reason, HasSubstr("package URL"));
  EXPECT_THAT(script_->inputs.at(0)["sbom"]["components"], SizeIs(2));
}

TEST_F(SbomTest, AListOfNothingIsNotClean) {
  for (const Json& nothing :
       {document({}), document({component("mine", "")}),
        Json{{"bomFormat", "CycloneDX"}, {"specVersion", "1.5"}, {"components", 5}}}) {
    model::Assessment assessment = scan(nothing);
    EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  }
  EXPECT_THAT(script_->inputs, IsEmpty()) << "nothing is asked";
}

TEST_F(SbomTest, ManyAreAskedInParts) {
  std::vector<Json> components;
  for (int i = 0; i < 5001; ++i) {
    components.push_back(
        component(fmt::format("p{}", i), fmt::format("pkg:deb/debian/p{}@1?distro=debian-12", i)));
  }
  script_->vulnerabilities = json(R"([{"id": "CVE-2025-0001", "affects": [{"ref": "component-1"},
      {"ref": "component-5001"}]}])");
  model::Assessment assessment = scan(document(components));
  ASSERT_THAT(script_->inputs, SizeIs(2));
  EXPECT_THAT(script_->inputs[0]["sbom"]["components"], SizeIs(5000));
  EXPECT_THAT(script_->inputs[1]["sbom"]["components"], SizeIs(1));
  EXPECT_EQ(assessment.package_count, 5001);
  ASSERT_THAT(assessment.findings, SizeIs(2)) << "each part knows only its own";
  EXPECT_EQ(assessment.findings[0].package, "p0");
  EXPECT_EQ(assessment.findings[1].package, "p5000");
  EXPECT_EQ(assessment.findings[1].source_package, "source-of-p5000");
}

TEST_F(SbomTest, RatingsAndWhoseWordCounts) {
  auto severity = [&](const std::string& ratings) {
    script_->vulnerabilities =
        json(R"([{"id": "CVE-2025-0001", "affects": [{"ref": "component-1"}], "ratings": )" +
             ratings + "}]");
    return scan(document({component("openssl", kOpenssl)})).findings.at(0).severity;
  };
  const std::string epss =
      R"({"severity": "none", "score": 0.5, "method": "other", "source": {"name": "EPSS"}})";
  const std::string high =
      R"({"severity": "high", "score": 9.1, "method": "CVSSv31", "source": {"name": "MITRE"}})";
  const std::string low = R"({"severity": "low", "source": {"name": "AMAZON_INSPECTOR"}})";
  const std::string untriaged =
      R"({"severity": "unknown", "source": {"name": "AMAZON_INSPECTOR"}})";
  EXPECT_EQ(severity("[" + epss + "]"), Severity::unknown) << "a probability is no severity";
  EXPECT_EQ(severity("[" + epss + "," + high + "]"), Severity::high);
  EXPECT_EQ(severity("[" + high + "," + epss + "]"), Severity::high);
  EXPECT_EQ(severity("[" + high + "," + low + "]"), Severity::low) << "Inspector's own, scoreless";
  EXPECT_EQ(severity("[" + low + "," + high + "]"), Severity::low);
  EXPECT_EQ(severity("[" + untriaged + "," + high + "]"), Severity::unknown);
  EXPECT_EQ(severity("[]"), Severity::unknown);
  EXPECT_EQ(severity("null"), Severity::unknown);
  EXPECT_EQ(severity(R"([5, {}, {"severity": 7, "score": "x"}])"), Severity::unknown);
}

TEST_F(SbomTest, WhatAVulnerabilitySays) {
  script_->vulnerabilities = json(R"([
      {"id": "CVE-2025-0001", "affects": [{"ref": "component-1"}, {"ref": "component-1"},
        {"ref": "nobody"}], "description": "a\u001b[0m", "advisories": [{"url": "https://a.example"},
        {"url": "javascript:x"}], "properties": [
        {"name": "amazon:inspector:sbom_scanner:cisa_kev_date_added", "value": "2021-12-10"},
        {"name": "amazon:inspector:sbom_scanner:fixed_version:component-1", "value": "3.0.9-1"}]},
      {"id": "GHSA-1", "affects": [{"ref": "nobody"}]}, {"affects": []}, 5])");
  model::Assessment assessment = scan(document({component("openssl", kOpenssl)}));
  ASSERT_THAT(assessment.findings, SizeIs(2));
  EXPECT_EQ(assessment.findings[0].finding_id, "GHSA-1") << "of what is not known, but not lost";
  EXPECT_THAT(assessment.findings[0].advisory_ids, ElementsAre("GHSA-1"));
  const model::Finding& finding = assessment.findings[1];
  EXPECT_TRUE(finding.known_exploited);
  EXPECT_EQ(finding.fixed_version, "3.0.9-1");
  EXPECT_EQ(finding.architecture, "amd64");
  EXPECT_EQ(finding.description, "a[0m");
  EXPECT_THAT(finding.references, ElementsAre("https://a.example"));
  EXPECT_THAT(assessment.gaps, SizeIs(2)) << "the ones without a name";
  EXPECT_EQ(assessment.completeness, Completeness::partial);
}

TEST(SbomAnswer, TheRecordedOne) {
  Value recorded = json(read_file(Path(HALLMARK_INSPECTOR_TESTDATA) / "scanned_sbom.json"));
  std::vector<AskedComponent> asked;
  for (int i = 1; i <= 6; ++i) {
    asked.push_back(
        {.reference = fmt::format("comp-{}", i), .name = fmt::format("pkg-{}", i), .version = "1"});
  }
  model::Assessment assessment;
  inspector::take_sbom(recorded, asked, assessment);
  std::map<std::string, const model::Finding*> by_package;
  for (const model::Finding& finding : assessment.findings) by_package[finding.package] = &finding;
  ASSERT_THAT(assessment.findings, SizeIs(4)) << "three, one of them of two components";
  EXPECT_EQ(by_package.at("pkg-1")->severity, Severity::high)
      << "no word of Inspector's: the worst";
  EXPECT_EQ(by_package.at("pkg-1")->epss, 0.00044);
  EXPECT_THAT(by_package.at("pkg-1")->cvss, SizeIs(2));
  EXPECT_EQ(by_package.at("pkg-2")->fixed_version, "pkg-2");
  EXPECT_EQ(by_package.at("pkg-3")->severity, Severity::medium);
  EXPECT_EQ(by_package.at("pkg-3")->severity_source, "inspector");
  EXPECT_EQ(by_package.at("pkg-5")->severity, Severity::unknown);
  EXPECT_FALSE(by_package.at("pkg-5")->known_exploited);
  ASSERT_THAT(assessment.gaps, SizeIs(2));
  EXPECT_EQ(assessment.gaps[0].what, "component pkg-4 1");
  EXPECT_THAT(assessment.gaps[0].reason, HasSubstr("no rules found"));
  EXPECT_EQ(assessment.gaps[1].what, "component pkg-6 1");
  EXPECT_THAT(assessment.gaps[1].reason, HasSubstr("not in Inspector's answer"));
}

TEST(SbomAnswer, QualifiersOfPackageUrls) {
  using inspector::purl_qualifier;
  EXPECT_EQ(purl_qualifier(kOpenssl, "arch"), "amd64");
  EXPECT_EQ(purl_qualifier(kOpenssl, "distro"), "debian-12");
  EXPECT_EQ(purl_qualifier("pkg:deb/a@1?xdistro=y&distro=#distro=z", "distro"), "");
  EXPECT_EQ(purl_qualifier("", "distro"), "");
  EXPECT_EQ(purl_qualifier("?", "distro"), "");
}

}  // namespace
}  // namespace hallmark::scan
