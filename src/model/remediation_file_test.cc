#include "model/remediation_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::model {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

TEST(RemediationFile, SaysWhatIsToBeDone) {
  std::vector<Problem> problems;
  const RemediationPolicy policy = read_remediation(
      "tag: non-compliant-since\nnotify: true\nstop_after: 7d\ngrace: 10d\naccept_derived: true\n",
      problems);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(policy.tag, "non-compliant-since");
  EXPECT_TRUE(policy.notify);
  EXPECT_EQ(policy.stop_after, Duration(7 * 24h));
  EXPECT_EQ(policy.grace, Duration(10 * 24h));
  EXPECT_TRUE(policy.accept_derived);
  EXPECT_EQ(Json(Json(policy).get<RemediationPolicy>()), Json(policy));
}

TEST(RemediationFile, LeavesOutWhatItDoesNotSay) {
  std::vector<Problem> problems;
  const RemediationPolicy policy = read_remediation("notify: true\n", problems);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_FALSE(policy.stop_after.has_value());
  EXPECT_FALSE(policy.grace.has_value());
  EXPECT_EQ(Json(Json(policy).get<RemediationPolicy>()), Json(policy));
}

TEST(RemediationFile, OverwritesNobodysTags) {
  for (const char* key :
       {"Name", "hallmark:run-id", "Hallmark:x", "aws:autoscaling:groupName", "AWS:x"}) {
    std::vector<Problem> problems;
    EXPECT_FALSE(read_remediation(std::string("notify: true\ntag: \"") + key + "\"\n", problems)
                     .does_anything())
        << key;
    ASSERT_EQ(problems.size(), 1u) << key;
    EXPECT_EQ(problems[0].place, (Position{2, 6})) << key;
    EXPECT_EQ(problems[0].path, "tag");
    EXPECT_THAT(problems[0].message, HasSubstr(key));
    EXPECT_THAT(problems[0].hint, HasSubstr("non-compliant-since"));
  }
  for (const char* key : {"name", "since", "team:hallmark:x", "awsome"}) {
    std::vector<Problem> problems;
    EXPECT_EQ(read_remediation(std::string("tag: \"") + key + "\"\n", problems).tag, key);
    EXPECT_THAT(problems, IsEmpty());
  }
}

TEST(RemediationFile, ThatIsWrongDoesNothing) {
  for (const char* text : {"", "[]", "{}", "grace: 3d", "stop_after: soon", "stop_after: 5",
                           "notify: perhaps", "tag: ''", "tag: ' x'",
                           "terminate_after: 1d\nnotify: true", "notify: true\ngrace: never"}) {
    std::vector<Problem> problems;
    EXPECT_FALSE(read_remediation(text, problems).does_anything()) << text;
    EXPECT_FALSE(problems.empty()) << text;
  }
}

}  // namespace
}  // namespace hallmark::model
