#include "scan/openscap/assessment.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/openscap/fixture.h"
#include "scan/openscap/gzip.h"

namespace hallmark::scan::openscap {
namespace {

using model::Assessment;
using model::Completeness;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kMark = "hallmark-openscap-1";

std::string say(const std::string& text) { return std::string(kMark) + " " + text + "\n"; }

std::string part(const std::string& name, const std::string& packed) {
  return say("part " + name + " " + std::to_string(packed.size()) + " " + sha256_hex(packed)) +
         base64_encode(packed) + "\n" + say("end " + name);
}

struct Said {
  std::string xml = read_file(testdata("results.xml"));
  std::string exit = "2";
  std::string user = "0";
  std::string messages;
  std::string problem;
};

MachineCommand command(const Said& said) {
  std::string text = say("begin") + say("fact started 2026-11-22T10:00:05Z");
  if (!said.user.empty()) text += say("fact user " + said.user);
  text += say("fact version 1.3.7") + say("fact system Debian GNU/Linux 12");
  if (!said.problem.empty()) text += say("problem " + said.problem);
  if (!said.exit.empty()) text += say("fact exit " + said.exit);
  if (!said.messages.empty()) text += part("messages", pack_gzip(said.messages));
  if (!said.xml.empty()) text += part("results", pack_gzip(said.xml));
  return {.state = MachineCommand::State::finished,
          .exit_code = 0,
          .output = text + part("arf", pack_gzip("<arf/>")) + say("finished")};
}

OpenscapConfig config() { return {.profile = "stig"}; }

Assessment judge(const MachineCommand& command, const OpenscapConfig& with = config()) {
  return assess(with, command, kMark, [](const std::string&, const char*, std::string_view) {});
}
Assessment judge(const Said& said) { return judge(command(said)); }

std::string reasons(const Assessment& assessment) { return join(assessment.reasons, "\n"); }

/// Results with these words, one rule each.
std::string results(const std::vector<std::string>& words) {
  std::string text = "<Benchmark id=\"b\"><TestResult><profile idref=\"stig\"/>";
  for (std::size_t i = 0; i < words.size(); ++i) {
    text +=
        fmt::format("<rule-result idref=\"r{}\"><result>{}</result></rule-result>", i, words[i]);
  }
  return text + "<score system=\"urn:xccdf:scoring:default\">75</score></TestResult></Benchmark>";
}

TEST(OpenscapVerdict, OfAWholeLookIsComplete) {
  Assessment assessment = judge(Said{});
  EXPECT_EQ(assessment.completeness, Completeness::complete) << reasons(assessment);
  EXPECT_EQ(assessment.scanner, "openscap");
  EXPECT_EQ(assessment.scanner_version, "1.3.7");
  EXPECT_EQ(assessment.started_at, "2026-11-22T10:00:05.000Z");
  EXPECT_EQ(assessment.distribution.pretty_name, "Debian GNU/Linux 12");
  EXPECT_EQ(assessment.native_state, "oscap ended with 2");
  ASSERT_TRUE(assessment.checks);
  EXPECT_EQ(assessment.checks->passed, 1);
  EXPECT_EQ(assessment.checks->failed, 1);
  EXPECT_EQ(assessment.hardening_score, 50.0);
  EXPECT_EQ(assessment.findings.size(), 1u);
}

TEST(OpenscapVerdict, OfAFindingOfAStig) {
  Assessment assessment = judge(Said{});
  ASSERT_EQ(assessment.findings.size(), 1u);
  const model::Finding& finding = assessment.findings[0];
  EXPECT_EQ(finding.kind, model::FindingKind::compliance);
  EXPECT_EQ(finding.severity, model::Severity::high);
  EXPECT_EQ(finding.severity_native, "CAT I");
  EXPECT_EQ(finding.severity_source, "openscap");
  EXPECT_EQ(finding.fix, model::FixState::available);
  EXPECT_EQ(finding.evidence, "result: fail\nno such file");
  EXPECT_THAT(finding.advisory_ids,
              ElementsAre("CCE-90002-2", "CCI-000366", "SMPL-01-000020", "V-900002"));
  EXPECT_THAT(finding.references,
              ElementsAre("https://public.cyber.mil/stigs/cci/",
                          "https://public.cyber.mil/stigs/downloads/?_dl_facet_stigs="
                          "operating-systems"));
}

TEST(OpenscapVerdict, CategoriesAreThoseOfStigsOnly) {
  auto native = [](const std::string& severity, const std::string& version) {
    RuleOutcome outcome{.rule_id = "r", .verdict = Verdict::failed, .severity = severity};
    outcome.text.version = version;
    return finding_of(outcome, "openscap").severity_native;
  };
  EXPECT_EQ(native("high", "RHEL-09-211010"), "CAT I");
  EXPECT_EQ(native("medium", "RHEL-09-211010"), "CAT II");
  EXPECT_EQ(native("low", "UBTU-22-211000"), "CAT III");
  EXPECT_EQ(native("info", "RHEL-09-211010"), "info");
  EXPECT_EQ(native("unknown", "RHEL-09-211010"), "unknown");
  EXPECT_EQ(native("high", ""), "high");
  EXPECT_EQ(native("high", "1.2.3-4"), "high");
  EXPECT_EQ(native("high", "CCI-000366"), "high");
}

TEST(OpenscapVerdict, NothingAppliesIsNoPass) {
  Assessment assessment = judge({.xml = results({"notapplicable", "notapplicable"}), .exit = "0"});
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(reasons(assessment), HasSubstr("another system"));
  EXPECT_EQ(assessment.hardening_score, std::nullopt) << "the score is of nothing";
}

TEST(OpenscapVerdict, NothingSelectedIsNoPass) {
  EXPECT_EQ(judge({.xml = results({"notselected"}), .exit = "0"}).completeness,
            Completeness::inconclusive);
}

TEST(OpenscapVerdict, FewerThanTheMinimumIsNoPass) {
  OpenscapConfig with = config();
  with.min_evaluated = 3;
  Said said{.xml = results({"pass", "pass", "notapplicable"}), .exit = "0"};
  EXPECT_EQ(judge(command(said), with).completeness, Completeness::inconclusive);
  with.min_evaluated = 2;
  EXPECT_EQ(judge(command(said), with).completeness, Completeness::complete);
}

TEST(OpenscapVerdict, RulesWithoutAnAnswerMakeItPartial) {
  Assessment error = judge({.xml = results({"pass", "error"}), .exit = "0"});
  EXPECT_EQ(error.completeness, Completeness::partial) << reasons(error);
  EXPECT_EQ(error.findings.size(), 1u);
  EXPECT_EQ(judge({.xml = results({"pass", "error"})}).completeness, Completeness::partial)
      << "later versions exit with 2 for it";
  Assessment unknown = judge({.xml = results({"pass", "unknown"})});
  EXPECT_EQ(unknown.completeness, Completeness::partial) << reasons(unknown);
  EXPECT_EQ(unknown.findings.size(), 1u);
  Assessment manual = judge({.xml = results({"pass", "notchecked"}), .exit = "0"});
  EXPECT_EQ(manual.completeness, Completeness::partial) << reasons(manual);
  EXPECT_THAT(manual.findings, IsEmpty());
  EXPECT_EQ(manual.checks->not_checked, 1);
  EXPECT_EQ(
      judge({.xml = results({"pass", "informational", "notselected"}), .exit = "0"}).completeness,
      Completeness::complete);
}

TEST(OpenscapVerdict, ExitCodeAndResultsMustAgree) {
  EXPECT_EQ(judge({.xml = results({"pass", "fail"}), .exit = "0"}).completeness,
            Completeness::inconclusive);
  EXPECT_EQ(judge({.xml = results({"pass"}), .exit = "2"}).completeness,
            Completeness::inconclusive);
  for (const char* exit : {"1", "3", "126", "137", "255", "", "-1", "zero"}) {
    EXPECT_EQ(judge({.exit = exit}).completeness, Completeness::failed) << exit;
  }
}

TEST(OpenscapVerdict, AnotherProfileIsNotOurs) {
  OpenscapConfig with = config();
  with.profile = "cis";
  EXPECT_EQ(judge(command({}), with).completeness, Completeness::inconclusive);
  with.profile = "";
  EXPECT_EQ(judge(command({}), with).completeness, Completeness::inconclusive);
}

TEST(OpenscapVerdict, WhoIsNotRootSeesLess) {
  EXPECT_EQ(judge({.user = "1000"}).login, model::Login::no);
  EXPECT_EQ(judge({.user = "1000"}).completeness, Completeness::inconclusive);
  EXPECT_EQ(judge({.user = ""}).completeness, Completeness::inconclusive);
}

TEST(OpenscapVerdict, TheMissingRpmOfOtherSystemsIsNoError) {
  std::string rpmrc =
      "E: oscap:     RPM: Unable to open /usr/lib/rpm/rpmrc for reading: No such file or "
      "directory.\n\nerror: Unable to open /usr/lib/rpm/rpmrc for reading: No such file.\n";
  EXPECT_EQ(judge({.messages = rpmrc}).completeness, Completeness::complete);
  EXPECT_EQ(
      judge({.messages = rpmrc + "E: oscap: RPM: cannot open Packages database"}).completeness,
      Completeness::partial);
}

TEST(OpenscapVerdict, ErrorsAreShownButNotAllOfThem) {
  std::string messages;
  for (int i = 0; i < 1000; ++i) messages += fmt::format("E: oscap: \x1b[31mnumber {}\n", i);
  Assessment assessment = judge({.messages = messages});
  ASSERT_EQ(assessment.reasons.size(), 1u);
  EXPECT_THAT(assessment.reasons[0], HasSubstr("number 0"));
  EXPECT_THAT(assessment.reasons[0], HasSubstr("and 997 more"));
  EXPECT_EQ(assessment.reasons[0].find('\x1b'), std::string::npos);
}

TEST(OpenscapVerdict, OfWhatIsNotThereIsFailed) {
  auto completeness = [](MachineCommand command) {
    Assessment assessment = judge(command);
    EXPECT_FALSE(assessment.reasons.empty());
    return assessment.completeness;
  };
  MachineCommand whole = command({});
  MachineCommand other = whole;
  other.state = MachineCommand::State::running;
  EXPECT_EQ(completeness(other), Completeness::failed);
  other.state = MachineCommand::State::timed_out;
  EXPECT_EQ(completeness(other), Completeness::failed);
  other.state = MachineCommand::State::interrupted;
  EXPECT_EQ(completeness(other), Completeness::failed);
  other = whole;
  other.output_truncated = true;
  EXPECT_EQ(completeness(other), Completeness::failed);
  other = whole;
  other.output = "sh: 1: not found";
  other.exit_code = 127;
  EXPECT_EQ(completeness(other), Completeness::failed);
  other.output = "";
  EXPECT_EQ(completeness(other), Completeness::failed);
  EXPECT_EQ(completeness(command({.xml = ""})), Completeness::failed);
  EXPECT_EQ(completeness(command({.xml = "<html/>"})), Completeness::failed);
  EXPECT_EQ(completeness(command({.problem = "the machine has no gzip"})), Completeness::failed);
}

TEST(OpenscapVerdict, OfOutputThatEndsAnywhereIsFailed) {
  MachineCommand whole = command({});
  for (std::size_t size = 0; size + 2 < whole.output.size(); size += 11) {
    MachineCommand cut = whole;
    cut.output.resize(size);
    EXPECT_EQ(judge(cut).completeness, Completeness::failed) << size;
  }
}

TEST(OpenscapVerdict, ADamagedArfLeavesTheResults) {
  MachineCommand bad = command({});
  bad.output = replace_all(bad.output, "part arf ", "part arf 1");
  Assessment assessment = judge(bad);
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_EQ(assessment.findings.size(), 1u);
}

TEST(OpenscapVerdict, ABombIsFailed) {
  std::string packed = pack_gzip(std::string(120'000'000, ' '));
  MachineCommand bomb = command({.xml = ""});
  bomb.output =
      replace_all(bomb.output, say("finished"), part("results", packed) + say("finished"));
  Assessment assessment = judge(bomb);
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("unpacks to more than"));
}

}  // namespace
}  // namespace hallmark::scan::openscap
