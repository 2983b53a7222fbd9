#include "model/exemption_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/pipeline_file.h"

namespace hallmark::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<Problem> problems;
  read_exemptions(text, problems);
  std::vector<std::string> lines;
  for (const Problem& problem : problems) lines.push_back(to_string(problem, "e.yaml"));
  return lines;
}

/// One exemption for `what`, with `more` members.
std::string one(const std::string& what, const std::string& more = "") {
  return "exemptions:\n  - {" + what + ", reason: r, by: b, expires: 2026-12-31" + more + "}\n";
}

TEST(Exemptions, AreRead) {
  std::vector<Problem> problems;
  auto exemptions = read_exemptions(R"(exemptions:
  - machine_id: i-0123456789abcdef0
    account_id: "444455556666"
    reason: its vendor ships this image alone
    by: alice
    expires: 2026-12-31
  - tag: Team=forensics-*
    reason: they look at broken images
    by: bob
    expires: 2026-12-01T12:00:00Z
)",
                                    problems);
  EXPECT_THAT(problems, IsEmpty());
  ASSERT_THAT(exemptions, SizeIs(2));
  EXPECT_EQ(subject_of(exemptions[0]), "i-0123456789abcdef0, account 444455556666");
  EXPECT_EQ(to_rfc3339(exemptions[0].expires_at), "2027-01-01T00:00:00.000Z")
      << "to the end of the day";
  EXPECT_EQ(exemptions[1].tag, "Team=forensics-*");
  EXPECT_EQ(exemptions[1].by, "bob");
  EXPECT_EQ(to_rfc3339(exemptions[1].expires_at), "2026-12-01T12:00:00.000Z");
  EXPECT_THAT(problems_of("exemptions: []\n"), IsEmpty());
}

TEST(Exemptions, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_THAT(problems_of("exemptions:\n  - {reason: r, by: b, expires: 2026-12-31}\n"),
              ElementsAre(HasSubstr("e.yaml:2:5: exemptions[0]: it is for nothing in particular")));
  EXPECT_THAT(problems_of("exemptions:\n  - machine_id: i-1\n    reason: r\n    by: b\n"
                          "    expires: next week\n"),
              ElementsAre(HasSubstr("e.yaml:5:14: exemptions[0].expires: \"next week\" is no")));
  EXPECT_THAT(problems_of(one("account_id: \"12345\"")), SizeIs(1));
  EXPECT_THAT(problems_of(one("account_id: 444455556666")), SizeIs(1)) << "a number";
  EXPECT_THAT(problems_of(one("image_id: web-1")), SizeIs(1));
  EXPECT_THAT(problems_of(one("tag: \"=x\"")), ElementsAre(HasSubstr("the tag has no key")));
  EXPECT_THAT(problems_of(one("machine_id: \"\"")), SizeIs(1));
  EXPECT_THAT(problems_of(one("machine_id: i-1", ", because: x")), SizeIs(1));
  EXPECT_THAT(problems_of("exemptions:\n  - machine_id: i-1\n"), SizeIs(3))
      << "reason, by and expires are missing";
  EXPECT_THAT(problems_of("exemptions: {"), SizeIs(1));
  EXPECT_THAT(problems_of("exemptions: all\n"), SizeIs(1));
  EXPECT_THAT(problems_of("- machine_id: i-1\n"), SizeIs(1));
  EXPECT_THAT(problems_of(""), SizeIs(1));
}

TEST(Exemptions, TwoForOneThingAreRefused) {
  const std::string entry = "{machine_id: i-1, reason: r, by: b, expires: 2026-12-31}";
  EXPECT_THAT(problems_of("exemptions: [" + entry + ", " + entry + "]\n"),
              ElementsAre(HasSubstr("there is an exemption for this already")));
  EXPECT_THAT(problems_of("exemptions: [" + entry +
                          ", {machine_id: i-1, tag: a, reason: r, by: b, expires: 2026-12-31}]\n"),
              IsEmpty());
}

}  // namespace
}  // namespace hallmark::model
