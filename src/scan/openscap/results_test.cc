#include "scan/openscap/results.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "model/finding.h"
#include "scan/openscap/fixture.h"

namespace hallmark::scan::openscap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string sample() { return read_file(testdata("results.xml")); }

std::string rule_result(const std::string& id, const std::string& result) {
  return fmt::format(
      "<rule-result idref=\"{}\" severity=\"medium\"><result>{}</result></rule-result>", id,
      result);
}

std::string rule(const std::string& id, const std::string& inside) {
  return fmt::format("<Rule id=\"{}\" severity=\"low\">{}</Rule>", id, inside);
}

std::string benchmark(const std::string& rules, const std::string& results) {
  return "<Benchmark xmlns=\"http://checklists.nist.gov/xccdf/1.2\" id=\"b\">" + rules +
         "<TestResult id=\"t\" test-system=\"cpe:/a:redhat:openscap:1.4.4\">" + results +
         "</TestResult></Benchmark>";
}

/// The text of the `corrupt` that is thrown.
std::string refusal(const std::string& xml) {
  try {
    parse_results(xml);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    return error.message();
  }
  return "";
}

TEST(XccdfResults, AreRead) {
  Results results = parse_results(sample());
  EXPECT_EQ(results.benchmark_id, "xccdf_org.example_benchmark_sample");
  EXPECT_EQ(results.profile, "xccdf_org.example_profile_stig");
  EXPECT_EQ(results.test_system, "cpe:/a:redhat:openscap:1.3.7");
  EXPECT_EQ(results.score, 50.0);
  EXPECT_TRUE(results.has_failures);
  ASSERT_EQ(results.rules.size(), 3u);
  EXPECT_EQ(results.rules[0].verdict, Verdict::passed);
  EXPECT_EQ(results.rules[2].verdict, Verdict::not_applicable);
  const RuleOutcome& failed = results.rules[1];
  EXPECT_EQ(failed.rule_id, "xccdf_org.example_rule_marker");
  EXPECT_EQ(failed.verdict, Verdict::failed) << "the older TestResult says pass";
  EXPECT_EQ(failed.severity, "high");
  EXPECT_THAT(failed.messages, ElementsAre("no such file"));
  EXPECT_EQ(failed.text.title, "The marker file must exist");
  EXPECT_EQ(failed.text.description,
            "The file /etc/hallmark-no-such-marker marks machines that are ready.\nAll of them.");
  EXPECT_EQ(failed.text.rationale, "Without it nothing is ready.");
  EXPECT_EQ(failed.text.fix,
            "touch /etc/hallmark-no-such-marker\nchmod 644 /etc/hallmark-no-such-marker");
  EXPECT_EQ(failed.text.version, "SMPL-01-000020");
  EXPECT_EQ(failed.text.group_id, "xccdf_org.example_group_V-900002");
  EXPECT_EQ(failed.text.references.size(), 3u);
}

TEST(XccdfResults, EveryWordIsUnderstood) {
  std::vector<std::pair<std::string, Verdict>> words = {
      {"pass", Verdict::passed},
      {"fail", Verdict::failed},
      {"error", Verdict::error},
      {"unknown", Verdict::unknown},
      {"notapplicable", Verdict::not_applicable},
      {"notchecked", Verdict::not_checked},
      {"notselected", Verdict::not_selected},
      {"informational", Verdict::informational},
      {"fixed", Verdict::passed},
      {"PASS", Verdict::unknown},
      {"passed by a later standard", Verdict::unknown},
      {"", Verdict::unknown}};
  for (const auto& [word, verdict] : words) {
    Results results = parse_results(benchmark("", rule_result("r", word)));
    EXPECT_EQ(results.rules.at(0).verdict, verdict) << word;
  }
  EXPECT_EQ(parse_results(benchmark("", "<rule-result idref=\"r\"/>")).rules[0].verdict,
            Verdict::unknown);
}

TEST(XccdfResults, OfSeveralResultsTheWorstCounts) {
  auto verdict = [](std::initializer_list<const char*> words) {
    std::string text;
    for (const char* word : words) text += rule_result("r", word);
    Results results = parse_results(benchmark("", text));
    EXPECT_EQ(results.rules.size(), 1u);
    return results.rules.at(0).verdict;
  };
  EXPECT_EQ(verdict({"pass", "fail", "pass"}), Verdict::failed);
  EXPECT_EQ(verdict({"fail", "error"}), Verdict::failed);
  EXPECT_EQ(verdict({"pass", "error"}), Verdict::error);
  EXPECT_EQ(verdict({"notapplicable", "pass"}), Verdict::passed);
  EXPECT_EQ(verdict({"pass", "notchecked"}), Verdict::not_checked);
}

TEST(XccdfResults, PrefixesAndALoneTestResultAreFine) {
  Results results = parse_results(
      "<?xml version=\"1.0\"?><!-- c --><x:TestResult "
      "xmlns:x=\"http://checklists.nist.gov/xccdf/1.1\">"
      "<x:benchmark id=\"other\"/><x:rule-result idref=\"r\" "
      "severity=\"high\"><x:result>fail</x:result>"
      "</x:rule-result><x:score>40</x:score></x:TestResult>");
  EXPECT_EQ(results.rules.at(0).verdict, Verdict::failed);
  EXPECT_EQ(results.benchmark_id, "other");
  EXPECT_EQ(results.score, 40.0);
}

TEST(XccdfResults, ScoresAreScaledOrNone) {
  auto score = [](const std::string& element) {
    return parse_results(benchmark("", rule_result("r", "pass") + element)).score;
  };
  EXPECT_EQ(score("<score system=\"urn:xccdf:scoring:default\" maximum=\"50\">25</score>"), 50.0);
  EXPECT_EQ(score("<score system=\"urn:xccdf:scoring:flat\" maximum=\"9\">1</score>"),
            std::nullopt);
  for (const char* bad : {"<score>nan</score>", "<score>-1</score>", "<score>101</score>",
                          "<score maximum=\"0\">0</score>", "<score maximum=\"inf\">1</score>",
                          "<score maximum=\"-5\">-5</score>", "<score>1e999</score>",
                          "<score>5 of 7</score>", "<score/>"}) {
    EXPECT_EQ(score(bad), std::nullopt) << bad;
  }
}

TEST(XccdfResults, HostileTextBecomesHarmless) {
  std::string text =
      "a\xe2\x80\xae"
      "b&#27;[31m\xff <script>&lt;x&gt;</script>";
  Results results = parse_results(
      benchmark(rule("r", "<title>" + text + "</title><description>" + std::string(1'000'000, 'x') +
                              "</description><rationale><sub idref=\"v\"/></rationale>"),
                rule_result("r", "fail") + "<set-value idref=\"v\">" + std::string(100'000, 'y') +
                    "</set-value>"));
  const RuleText& read = results.rules.at(0).text;
  EXPECT_EQ(read.title, "ab[31m\xef\xbf\xbd <x>");
  EXPECT_LE(read.description.size(), model::kEvidenceLimit);
  EXPECT_LE(read.rationale.size(), 1000u);
}

TEST(XccdfResults, EntitiesAreNotRead) {
  std::string laughs =
      "<?xml version=\"1.0\"?><!DOCTYPE Benchmark [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">"
      "<!ENTITY c \"&b;&b;&b;&b;\">]>" +
      benchmark(rule("r", "<title>&c;</title>"), rule_result("r", "fail"));
  EXPECT_THAT(refusal(laughs), HasSubstr("document type"));
  EXPECT_THAT(refusal("<!DOCTYPE Benchmark SYSTEM \"file:///etc/passwd\">" +
                      benchmark("", rule_result("r", "pass"))),
              HasSubstr("document type"));
  Results results = parse_results(
      benchmark(rule("r", "<title>&unheard-of; &amp;</title>"), rule_result("r", "fail")));
  EXPECT_EQ(results.rules.at(0).text.title, "&unheard-of; &");
}

TEST(XccdfResults, WhatIsNoneIsRefused) {
  EXPECT_NE(refusal(""), "");
  EXPECT_NE(refusal("<html><body>Service Unavailable</body></html>"), "");
  EXPECT_NE(refusal("<Benchmark/>"), "");
  EXPECT_THAT(refusal(benchmark("", "")), HasSubstr("no rule"));
  EXPECT_NE(refusal(std::string(1000, '\0')), "");
  EXPECT_NE(refusal(read_file(testdata("sample-ds.xml"))), "") << "content, not results";
}

TEST(XccdfResults, CutOffIsRefused) {
  std::string whole = std::string(trim(sample()));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
  }
}

TEST(XccdfResults, DeepNestingIsRefused) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<Group>";
  for (int i = 0; i < 200'000; ++i) deep += "</Group>";
  EXPECT_THAT(refusal(benchmark(deep, rule_result("r", "pass"))), HasSubstr("nested"));
}

TEST(XccdfResults, AHundredThousandRulesAreFine) {
  std::string rules, results;
  for (int i = 0; i < 100'000; ++i) {
    std::string id = fmt::format("xccdf_org.example_rule_{:06}", i);
    rules += rule(id, "<title>T</title><description>Some text of a rule</description>");
    results += rule_result(id, i % 2 == 0 ? "fail" : "pass");
  }
  Results read = parse_results(benchmark("<Group id=\"g\">" + rules + "</Group>", results));
  ASSERT_EQ(read.rules.size(), 100'000u);
  EXPECT_EQ(read.rules[99'998].text.title, "T");
  EXPECT_EQ(read.rules[99'998].text.group_id, "g");
}

TEST(XccdfResults, OneRuleAHundredThousandTimesIsOneRule) {
  std::string results;
  for (int i = 0; i < 100'000; ++i) results += rule_result("r", "fail");
  Results read = parse_results(benchmark(rule("r", std::string("<title>T</title>")), results));
  ASSERT_EQ(read.rules.size(), 1u);
  EXPECT_LE(read.rules[0].text.idents.size(), 200u);
}

TEST(XccdfContent, TellsItsProfiles) {
  Content content = parse_content(read_file(testdata("sample-ds.xml")));
  EXPECT_TRUE(content.is_content);
  EXPECT_FALSE(content.is_tailoring);
  EXPECT_THAT(content.profiles,
              ElementsAre("xccdf_org.example_profile_stig", "xccdf_org.example_profile_elsewhere",
                          "xccdf_org.example_profile_manual"));
  EXPECT_TRUE(parse_content("<x:Tailoring xmlns:x=\"x\"/>").is_tailoring);
  EXPECT_THROW(parse_content("<html/>"), Error);
  EXPECT_THROW(parse_content("BZh91AY&SY"), Error);
}

}  // namespace
}  // namespace hallmark::scan::openscap
