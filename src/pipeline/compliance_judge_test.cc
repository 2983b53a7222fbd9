/// Each verdict from facts alone.

#include "pipeline/compliance_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kGolden = "ami-00000000000000001";
constexpr const char* kOld = "ami-00000000000000002";
constexpr const char* kGone = "ami-00000000000000003";
constexpr const char* kChild = "ami-00000000000000004";
constexpr const char* kForeign = "ami-00000000000000005";
constexpr const char* kUnlisted = "ami-00000000000000006";
constexpr const char* kOfOthers = "ami-00000000000000007";
constexpr const char* kChildOfOld = "ami-00000000000000008";
constexpr const char* kLost = "ami-00000000000000009";

const TimePoint kNow = from_rfc3339("2026-11-23T12:00:00Z");
constexpr Duration kDay{24 * 3600'000LL};

Facts facts() {
  Facts made{.own_images = {}, .exemptions = {}, .grace = 30 * kDay, .now = kNow};
  made.own_images = {{kGolden, {"web/debian-12/2", GoldenState::active, "", {}}},
                     {kOld, {"web/debian-12/1", GoldenState::active, "web/debian-12/2", kNow}},
                     {kGone, {"web/debian-12/0", GoldenState::decommissioned, "", {}}},
                     {kUnlisted, {"db/debian-12/1", GoldenState::active, "", {}}}};
  return made;
}

PlaceFacts place() {
  PlaceFacts made{.place = {"444455556666", "us-east-1"},
                  .golden = {kGolden, kOld, kOfOthers},
                  .list_problem = "",
                  .descent = {},
                  .resources = {}};
  made.descent = {{kChild, {kGolden, ""}},
                  {kChildOfOld, {kOld, ""}},
                  {kForeign, {}},
                  {kLost, {"", "the account refuses"}}};
  return made;
}

Resource machine(const std::string& image_id, cloud::Tags tags = {}) {
  return {.id = "i-1", .image_id = image_id, .tags = std::move(tags)};
}

struct Said {
  Verdict verdict;
  std::string reason;
  std::vector<std::string> warnings;
};

Said say(const Facts& facts, PlaceFacts place, Resource resource) {
  place.resources = {std::move(resource)};
  Judge judge(facts);
  const PlaceRulings rulings = judge.judge(place);
  EXPECT_EQ(rulings.counts[static_cast<std::size_t>(rulings.of.at(0).verdict)], 1u);
  return {rulings.of[0].verdict, *rulings.of[0].reason, judge.warnings()};
}

TEST(Judge, RulesByTheExactImageId) {
  struct Case {
    std::string image_id;
    Verdict verdict;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {kGolden, Verdict::compliant, "is web/debian-12/2, active"},
      {kOfOthers, Verdict::compliant, "is in the list"},
      {kOld, Verdict::superseded, "superseded by web/debian-12/2: fine until 2026-12-23"},
      {kGone, Verdict::non_compliant, "is web/debian-12/0, which is decommissioned"},
      {kUnlisted, Verdict::non_compliant, "active but not in /GoldenAMI/latest"},
      {kForeign, Verdict::non_compliant, "is not in /GoldenAMI/latest"},
      {kChild, Verdict::non_compliant, "was made from web/debian-12/2"},
      {kLost, Verdict::non_compliant, "the account refuses"},
      {std::string(kGolden) + "0", Verdict::non_compliant, "is not in"},
      {std::string(kGolden).substr(0, 15), Verdict::non_compliant, "is not in"},
      {"", Verdict::unknown, "nothing says which image"},
      {"resolve:ssm:/x", Verdict::unknown, "is resolve:ssm:/x, which is no image id"},
  };
  for (const Case& one : cases) {
    const Said said = say(facts(), place(), machine(one.image_id));
    EXPECT_EQ(said.verdict, one.verdict) << one.image_id << ": " << said.reason;
    EXPECT_THAT(said.reason, HasSubstr(one.reason));
  }
}

TEST(Judge, WithoutAListNothingIsGoldenAndWithAnUnreadableOneNobodyKnows) {
  PlaceFacts none = place();
  none.golden.clear();
  const Said said = say(facts(), none, machine(kGolden));
  EXPECT_EQ(said.verdict, Verdict::non_compliant);
  EXPECT_THAT(said.reason, HasSubstr("there is no /GoldenAMI/latest"));
  none.list_problem = "no answer";
  EXPECT_EQ(say(facts(), none, machine(kGolden)).verdict, Verdict::unknown);
}

TEST(Judge, ASupersededVersionIsFineForItsGraceAlone) {
  Facts late = facts();
  late.now = kNow + 30 * kDay;
  EXPECT_EQ(say(late, place(), machine(kOld)).verdict, Verdict::superseded);
  late.now += Duration{1};
  const Said said = say(late, place(), machine(kOld));
  EXPECT_EQ(said.verdict, Verdict::non_compliant);
  EXPECT_THAT(said.reason, HasSubstr("superseded since 2026-11-23, longer than 30 days"));
  late.grace = 31 * kDay;
  EXPECT_EQ(say(late, place(), machine(kOld)).verdict, Verdict::superseded);
}

TEST(Judge, WhatIsMadeFromGoldenImagesIsFineWhereThatIsAccepted) {
  Facts accepting = facts();
  accepting.accept_derived = true;
  EXPECT_EQ(say(accepting, place(), machine(kChild)).verdict, Verdict::derived);
  EXPECT_EQ(say(accepting, place(), machine(kForeign)).verdict, Verdict::non_compliant);
  EXPECT_EQ(say(accepting, place(), machine(kGone)).verdict, Verdict::non_compliant);
  EXPECT_EQ(say(accepting, place(), machine(kLost)).verdict, Verdict::unknown)
      << "it may be fine or not";
  EXPECT_EQ(say(accepting, place(), machine(kChildOfOld)).verdict, Verdict::derived);
  accepting.now += 31 * kDay;
  EXPECT_EQ(say(accepting, place(), machine(kChildOfOld)).verdict, Verdict::non_compliant)
      << "a child is no younger than its parent";
}

model::Exemption exemption(TimePoint expires_at) {
  return {.reason = "its vendor says so", .by = "alice", .expires_at = expires_at};
}

TEST(Judge, AnExemptionFitsByAllThatItNames) {
  const Resource resource = machine(kForeign, {{"Team", "forensics-1"}});
  auto verdict = [&](auto change) {
    Facts with = facts();
    with.exemptions = {exemption(kNow + 100 * kDay)};
    change(with.exemptions[0]);
    return say(with, place(), resource).verdict;
  };
  using E = model::Exemption;
  EXPECT_EQ(verdict([](E& e) { e.machine_id = "i-1"; }), Verdict::exempt);
  EXPECT_EQ(verdict([](E& e) { e.machine_id = "i-2"; }), Verdict::non_compliant);
  EXPECT_EQ(verdict([](E& e) { e.image_id = kForeign; }), Verdict::exempt);
  EXPECT_EQ(verdict([](E& e) { e.image_id = kChild; }), Verdict::non_compliant);
  EXPECT_EQ(verdict([](E& e) { e.account_id = "444455556666"; }), Verdict::exempt);
  EXPECT_EQ(verdict([](E& e) { e.account_id = "111122223333"; }), Verdict::non_compliant);
  EXPECT_EQ(verdict([](E& e) { e.tag = "Team=forensics-*"; }), Verdict::exempt);
  EXPECT_EQ(verdict([](E& e) { e.tag = "Team"; }), Verdict::exempt);
  EXPECT_EQ(verdict([](E& e) { e.tag = "Team=forensics"; }), Verdict::non_compliant);
  EXPECT_EQ(verdict([](E& e) { e.tag = "team=forensics-1"; }), Verdict::non_compliant);
  EXPECT_EQ(verdict([](E& e) {
              e.machine_id = "i-1";
              e.account_id = "111122223333";
            }),
            Verdict::non_compliant);
}

TEST(Judge, AnExemptionThatEndedCountsAsNoneAndIsWarnedOf) {
  auto with_end = [](TimePoint end, const std::string& image_id) {
    Facts with = facts();
    with.exemptions = {exemption(end)};
    with.exemptions[0].machine_id = "i-1";
    return say(with, place(), machine(image_id));
  };
  Said said = with_end(kNow + 15 * kDay, kForeign);
  EXPECT_EQ(said.verdict, Verdict::exempt);
  EXPECT_THAT(said.reason, HasSubstr("exempt by alice until 2026-12-08: its vendor says so"));
  EXPECT_THAT(said.warnings, IsEmpty());
  said = with_end(kNow + 14 * kDay, kForeign);
  EXPECT_EQ(said.verdict, Verdict::exempt);
  EXPECT_THAT(said.warnings, ElementsAre("the exemption of alice for i-1 ends on 2026-12-07"));
  said = with_end(kNow, kForeign);
  EXPECT_EQ(said.verdict, Verdict::non_compliant);
  EXPECT_THAT(said.warnings, ElementsAre("the exemption of alice for i-1 ended on 2026-11-23"));
  said = with_end(kNow, kGolden);
  EXPECT_THAT(said.warnings, IsEmpty()) << "nothing needs it";
}

TEST(Judge, TheExemptionThatLastsLongestCounts) {
  Facts with = facts();
  with.exemptions = {exemption(kNow - kDay), exemption(kNow + 100 * kDay),
                     exemption(kNow + 50 * kDay)};
  with.exemptions[0].machine_id = "i-1";
  with.exemptions[1].account_id = "444455556666";
  with.exemptions[2].tag = "Team";
  const Said said = say(with, place(), machine(kForeign, {{"Team", "x"}}));
  EXPECT_EQ(said.verdict, Verdict::exempt);
  EXPECT_THAT(said.reason, HasSubstr("until 2027-03-03"));
}

TEST(Judge, ExemptsWhatNobodyCanTellToo) {
  Facts with = facts();
  with.exemptions = {exemption(kNow + 100 * kDay)};
  with.exemptions[0].machine_id = "i-1";
  EXPECT_EQ(say(with, place(), machine("")).verdict, Verdict::exempt);
}

}  // namespace
}  // namespace hallmark::pipeline
