#include "scan/openscap/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/openscap/gzip.h"

namespace hallmark::scan::openscap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kMark = "hallmark-openscap-1";

std::string say(const std::string& text) { return std::string(kMark) + " " + text + "\n"; }

std::string part(const std::string& name, const std::string& packed) {
  return say("part " + name + " " + std::to_string(packed.size()) + " " + sha256_hex(packed)) +
         base64_encode(packed) + "\n" + say("end " + name);
}

std::string thrown(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    return error.message();
  }
  return "";
}

TEST(Output, IsTakenApart) {
  std::string text = "noise\n" + say("begin") + say("fact user 0") + say("fact system A B 12") +
                     say("fact left_out arf.xml, 9 bytes") + part("results", "abc") +
                     say("finished") + "more noise";
  Output output = read_output(text, kMark);
  EXPECT_TRUE(output.whole);
  EXPECT_EQ(output.facts["user"], "0");
  EXPECT_EQ(output.facts["system"], "A B 12");
  EXPECT_THAT(output.left_out, ElementsAre("arf.xml, 9 bytes"));
  EXPECT_EQ(output.parts["results"].packed, "abc");
  EXPECT_THAT(output.damage, IsEmpty());
  EXPECT_EQ(output.problem, "");
}

TEST(Output, LinesMayEndAsOnATerminal) {
  std::string text = say("begin") + part("results", std::string(100, '\xff')) + say("finished");
  Output output = read_output(replace_all(text, "\n", "\r\n"), kMark);
  EXPECT_TRUE(output.whole);
  EXPECT_EQ(output.parts["results"].packed, std::string(100, '\xff'));
}

TEST(Output, WithoutItsEndItIsNotWhole) {
  std::string text = say("begin") + part("results", "abcdef") + say("finished");
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    Output output = read_output(text.substr(0, size), kMark);
    EXPECT_FALSE(output.whole) << size;
    if (output.parts.contains("results")) {
      EXPECT_EQ(output.parts["results"].packed, "abcdef");
    }
  }
}

TEST(Output, AnotherMarkIsNotOurs) {
  std::string text = say("begin") + part("results", "abc") + say("finished");
  Output output = read_output(text, "hallmark-openscap-2");
  EXPECT_FALSE(output.whole);
  EXPECT_THAT(output.parts, IsEmpty());
  EXPECT_FALSE(read_output(text, "hallmark-openscap").whole) << "nor the start of one";
}

TEST(Output, APartThatWasAlteredIsDamage) {
  std::string good = say("begin") + part("results", "abcdef") + say("finished");
  std::string content = base64_encode("abcdef");
  for (const std::string& bad :
       {replace_all(good, content, base64_encode("abcdeg")), replace_all(good, content, "Zm9v"),
        replace_all(good, content, "no base64 at all!"), replace_all(good, content, ""),
        replace_all(good, "results 6", "results 7"), replace_all(good, "end results", "end other"),
        replace_all(good, content, content + "\nkernel: out of memory")}) {
    Output output = read_output(bad, kMark);
    EXPECT_THAT(output.damage, ElementsAre("results")) << bad;
    EXPECT_THAT(output.parts, IsEmpty()) << bad;
  }
  Output open = read_output(say("begin") + say("part a 1 x") + say("part b 1 x") + "QQ==\n", kMark);
  EXPECT_THAT(open.damage, ElementsAre("a", "b"));
}

TEST(Output, OfTwoRunsTheLastCounts) {
  std::string text = say("begin") + part("results", "old") + say("problem cut") + say("begin") +
                     say("fact exit 0") + say("finished");
  Output output = read_output(text, kMark);
  EXPECT_THAT(output.parts, IsEmpty());
  EXPECT_EQ(output.problem, "");
  EXPECT_TRUE(output.whole);
}

TEST(Output, HostileLinesAreNoHarm) {
  for (const std::string& bad :
       {say(""), say("part"), say("end"), say("fact"), say("part results"),
        say("part results 99999999999999999999 x"), std::string("\n\n\n"), std::string(kMark),
        say("fact user \x1b[31m0"), std::string(1000, '\0')}) {
    Output output = read_output(say("begin") + bad + say("finished"), kMark);
    EXPECT_THAT(output.parts, IsEmpty());
    EXPECT_EQ(output.facts["user"].find('\x1b'), std::string::npos);
  }
}

TEST(Gzip, GivesBackWhatWentIn) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(3'000'000, 'x')}) {
    std::string packed = pack_gzip(text);
    EXPECT_EQ(unpack_gzip(packed, text.size()), text);
    EXPECT_EQ(pack_gzip(text), packed) << "the same script for the same content";
  }
}

TEST(Gzip, RefusesWhatIsNotWhole) {
  std::string packed = pack_gzip("some text that is long enough to be cut off somewhere");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_NE(thrown([&] { unpack_gzip(packed.substr(0, size), 1000); }), "") << size;
  }
  std::string altered = packed;
  altered[altered.size() - 6] ^= 1;  // its checksum
  EXPECT_NE(thrown([&] { unpack_gzip(altered, 1000); }), "");
  EXPECT_NE(thrown([&] { unpack_gzip(packed + "x", 1000); }), "");
  EXPECT_NE(thrown([&] { unpack_gzip("<html>", 1000); }), "");
}

TEST(Gzip, ABombStaysSmall) {
  std::string bomb = pack_gzip(std::string(50'000'000, '\0'));
  EXPECT_LT(bomb.size(), 100'000u);
  EXPECT_NE(thrown([&] { unpack_gzip(bomb, 1'000'000); }).find("more than"), std::string::npos);
}

}  // namespace
}  // namespace hallmark::scan::openscap
