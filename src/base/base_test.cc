#include <unistd.h>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"

namespace hallmark {
namespace {

using namespace std::chrono_literals;

TEST(Error, EveryKindHasItsOwnRow) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    ErrorKind kind = static_cast<ErrorKind>(i);
    EXPECT_EQ(traits(kind).kind, kind);
    EXPECT_EQ(error_kind_from_name(traits(kind).name), kind);
    EXPECT_NE(traits(kind).exit_code, 0);
  }
  EXPECT_EQ(error_kind_from_name("from the future"), ErrorKind::internal);
}

TEST(Error, SurvivesTheJournal) {
  Error error = Error(ErrorKind::timeout, "no answer").note("while launching").hint("wait");
  Error back = error_from_json(error_to_json(error));
  EXPECT_EQ(back.kind(), ErrorKind::timeout);
  EXPECT_EQ(back.full_text(), "no answer\n  while launching\n  hint: wait");
}

TEST(Clock, WritesAndReadsTimes) {
  TimePoint time = from_rfc3339("2026-11-22T17:05:01.250Z");
  EXPECT_EQ(to_rfc3339(time), "2026-11-22T17:05:01.250Z");
  EXPECT_EQ(to_rfc3339(from_rfc3339("2026-11-22T17:05:01Z")), "2026-11-22T17:05:01.000Z");
  EXPECT_THROW(from_rfc3339("yesterday"), Error);
  EXPECT_EQ(to_rfc3339(from_rfc3339("2026-11-22T17:05:01.5Z")), "2026-11-22T17:05:01.500Z");
  EXPECT_EQ(to_rfc3339(from_rfc3339("2024-02-29T23:59:60.123456789Z")), "2024-02-29T23:59:59.123Z");
  for (const char* bad : {"2026-11-22T17:05:01.xxxZ", "2026-11-22T17:05:01.Z",
                          "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
                          "2026-01-01T00:00:00", "2026-01-01T00:00:00Zx"}) {
    EXPECT_THROW(from_rfc3339(bad), Error) << bad;
  }
}

TEST(Clock, ReadsDurations) {
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("7d"), 168h);
  for (const char* bad : {"", "5", "m", "-1s", "1y", "99999999999999999999s"}) {
    EXPECT_THROW(parse_duration(bad), Error) << bad;
  }
}

TEST(Text, SuggestsOnlyWhatIsClose) {
  EXPECT_EQ(suggestion("aprove", {"approve", "reject"}), "approve");
  EXPECT_EQ(suggestion("zebra", {"approve", "reject"}), std::nullopt);
}

TEST(Text, SuggestsNothingForWhatNobodyTypes) {
  const std::string word(65, 'a');
  EXPECT_EQ(suggestion(word, {word}), std::nullopt);
  const std::string typed(64, 'a');
  EXPECT_EQ(suggestion(typed, {std::string(1 << 20, 'a'), typed + "b"}), typed + "b");
}

TEST(Json, HasALimitOfDepthAndOfNumbers) {
  auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + "\"[\\\"[\"" + std::string(depth, ']');
  };
  EXPECT_EQ(compact(parse_json(nested(256), "deep")), nested(256));
  for (std::size_t depth : {257, 1'000'000}) {
    try {
      Json copy = parse_json(nested(depth), "deep");
      FAIL() << depth << " levels were read";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    }
  }
  EXPECT_THROW(parse_json("[1e999]", "a number that no double holds"), Error);
  EXPECT_THROW(parse_json("{\"a", "cut"), Error);
  EXPECT_THROW(parse_json("\"\\", "cut"), Error);
}

TEST(Text, PatternsFitWholeNames) {
  for (const char* pattern : {"abc", "*", "a*", "*c", "a?c", "a*c", "*b*", "***", "abc*", "???"}) {
    EXPECT_TRUE(matches_pattern("abc", pattern)) << pattern;
  }
  for (const char* pattern : {"", "ab", "b*", "*b", "????", "a?", "abcd", "ABC", "a*d"}) {
    EXPECT_FALSE(matches_pattern("abc", pattern)) << pattern;
  }
  EXPECT_TRUE(matches_pattern("", "*"));
  EXPECT_TRUE(matches_pattern("abcabcabd", "*abd"));
  // Not more than a look at each pair of characters.
  EXPECT_FALSE(matches_pattern(std::string(5000, 'a'), "*a*a*a*a*a*a*a*a*b"));
}

TEST(Text, EncodesBase64BothWays) {
  for (const char* text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  EXPECT_THROW(base64_decode("!!!!"), Error);
}

TEST(Ids, ComeFromTokens) {
  EXPECT_EQ(id_from_token("ami", "t"), id_from_token("ami", "t"));
  EXPECT_NE(id_from_token("ami", "t"), id_from_token("ami", "u"));
  EXPECT_EQ(random_id("i").size(), 19u);
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Files, AreWrittenWholeAndCreatedOnce) {
  TempDir dir;
  Path file = dir.path() / "a" / "b";
  EXPECT_EQ(read_file_if_exists(file), std::nullopt);
  write_file(file, "one");
  write_file(file, "two");
  EXPECT_EQ(read_file(file), "two");
  try {
    create_file(file, "three");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::conflict);
  }
  EXPECT_EQ(read_file(file), "two");
}

TEST(Files, LocksExclude) {
  TempDir dir;
  FileLock held(dir.path() / "lock");
  EXPECT_FALSE(FileLock::try_lock(dir.path() / "lock"));
}

TEST(Process, ReturnsOutputAndExitCode) {
  std::string seen;
  ProcessResult result = run_process({.argv = {"sh", "-c", "cat; echo oops >&2; exit 3"},
                                      .stdin_text = "hello",
                                      .on_output = [&](std::string_view piece) { seen += piece; }});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "hello");
  EXPECT_EQ(result.err, "oops\n");
  EXPECT_EQ(seen.size(), 10u);
}

TEST(Process, KeepsNoMoreThanAsked) {
  ProcessResult result =
      run_process({.argv = {"sh", "-c", "head -c 300000 /dev/zero"}, .keep_bytes = 1000});
  EXPECT_EQ(result.out.size(), 1000u);
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.exit_code, 0);
}

TEST(Process, EndsAtItsDeadline) {
  try {
    run_process({.argv = {"sh", "-c", "sleep 60"}, .time_limit = 50ms});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::timeout);
  }
}

TEST(Process, NamesAMissingProgram) {
  try {
    run_process({.argv = {"no-such-program-here"}});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::not_found);
  }
}

TEST(Process, InheritsNoOpenFiles) {
  int leaked = ::dup(2);
  ASSERT_GT(leaked, 2);
  ProcessResult result = run_process({.argv = {"/bin/sh", "-c", "ls /proc/self/fd"}});
  ::close(leaked);
  // 3 is the directory that ls itself reads.
  EXPECT_EQ(result.out, "0\n1\n2\n3\n");
}

TEST(Log, BlotsOutSecrets) {
  redact("hunter22");
  EXPECT_EQ(redacted("password hunter22!"), "password ***!");
}

}  // namespace
}  // namespace hallmark
