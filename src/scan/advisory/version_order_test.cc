#include "scan/advisory/version_order.h"

#include <gtest/gtest.h>
#include <rpm/rpmver.h>

#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include <dpkg/dpkg.h>
#include <dpkg/version.h>
}

namespace hallmark::scan {
namespace {

int sign_of(int value) { return (value > 0) - (value < 0); }

/// Rows "A < B", one after the other.
void expect_order(VersionOrder order, const std::vector<std::string>& rows) {
  for (const std::string& row : rows) {
    const std::size_t space = row.find(' ');
    const std::string a = row.substr(0, space);
    const std::string b = row.substr(space + 3);
    const int expected = row[space + 1] == '<' ? -1 : row[space + 1] == '>' ? 1 : 0;
    EXPECT_TRUE(is_comparable(order, a)) << a;
    EXPECT_TRUE(is_comparable(order, b)) << b;
    EXPECT_EQ(sign_of(compare_versions(order, a, b)), expected) << row;
    EXPECT_EQ(sign_of(compare_versions(order, b, a)), -expected) << row;
  }
}

/// Versions that differ in a few places: two that have nothing in common say little.
class MadeVersions {
 public:
  explicit MadeVersions(std::vector<std::string> parts) : parts_(std::move(parts)) {}

  std::pair<std::string, std::string> pair() {
    std::vector<std::size_t> chosen(1 + random_() % 6);
    for (std::size_t& part : chosen) part = random_() % parts_.size();
    const std::string a = text(chosen);
    for (std::size_t changes = random_() % 3; changes > 0; --changes) {
      chosen[random_() % chosen.size()] = random_() % parts_.size();
    }
    if (random_() % 3 == 0) chosen.push_back(random_() % parts_.size());
    return {a, text(chosen)};
  }

 private:
  std::string text(const std::vector<std::size_t>& chosen) {
    std::string version = epochs_[random_() % 6 == 0 ? 1 : 0] + std::to_string(random_() % 3);
    for (const std::size_t part : chosen) version += parts_[part];
    if (random_() % 2 == 0) version += "-" + std::to_string(random_() % 3) + parts_[chosen[0]];
    return version;
  }

  std::mt19937 random_{20261123};
  std::vector<std::string> parts_;
  std::vector<std::string> epochs_ = {"", "1:"};
};

constexpr int kPairs = 100'000;

/// The order of the parts is librpm's own, so that only what is around it can be wrong: how a text
/// is taken apart, epochs and missing releases. rpm's own parser is asked for these.
TEST(VersionOrder, TakesVersionsApartAsRpmDoes) {
  using Version = std::unique_ptr<rpmver_s, rpmver (*)(rpmver)>;
  MadeVersions made(
      {".1", ".10", ".01", "~rc1", "^git2", "a", "b12", "+x", "_3", ".el9", "00", "z"});
  int compared = 0, differ = 0;
  for (int i = 0; i < kPairs * 4 && compared < kPairs; ++i) {
    const auto [a, b] = made.pair();
    const Version left(rpmverParse(a.c_str()), rpmverFree);
    const Version right(rpmverParse(b.c_str()), rpmverFree);
    if (!left || !right || !is_comparable(VersionOrder::rpm, a) ||
        !is_comparable(VersionOrder::rpm, b)) {
      continue;
    }
    // A release counts only if both have one; rpm's own call leaves that to its callers.
    const bool both = rpmverR(left.get()) != nullptr && rpmverR(right.get()) != nullptr;
    if (!both && (rpmverR(left.get()) != nullptr || rpmverR(right.get()) != nullptr)) continue;
    ++compared;
    if (compare_versions(VersionOrder::rpm, a, b) != rpmverCmp(left.get(), right.get()) &&
        differ++ < 5) {
      ADD_FAILURE() << a << " and " << b;
    }
  }
  EXPECT_EQ(compared, kPairs);
  EXPECT_EQ(differ, 0);
}

/// What rpm's own tests say of its order.
TEST(VersionOrder, SaysWhatRpmSays) {
  expect_order(VersionOrder::rpm, {"1.0 = 1.0",
                                   "1.0 < 2.0",
                                   "2.0 < 2.0.1",
                                   "2.0.1a > 2.0.1",
                                   "5.5p1 < 5.5p2",
                                   "5.5p10 > 5.5p1",
                                   "10xyz < 10.1xyz",
                                   "xyz10 < xyz10.1",
                                   "xyz.4 < 8",
                                   "5.5p2 < 5.6p1",
                                   "6.0.rc1 > 6.0",
                                   "10b2 > 10a1",
                                   "1.0aa > 1.0a",
                                   "10.0001 = 10.1",
                                   "10.0001 < 10.0039",
                                   "4.999.9 < 5.0",
                                   "20101121 < 20101122",
                                   "2.0 = 2_0",
                                   "a+ = a_",
                                   "1.0~rc1 < 1.0",
                                   "1.0~rc1 < 1.0~rc2",
                                   "1.0~rc1~git123 < 1.0~rc1",
                                   "1.0^ > 1.0",
                                   "1.0^git1 < 1.0^git2",
                                   "1.0^git1 < 1.01",
                                   "1.0^20160101 < 1.0.1",
                                   "1.0^20160101^git1 > 1.0^20160101",
                                   "1.0~rc1^git1 > 1.0~rc1",
                                   "1.0^git1~pre < 1.0^git1"});
}

TEST(VersionOrder, RpmVersionsWithoutReleaseCanBeSorted) {
  EXPECT_EQ(compare_for_sorting(VersionOrder::rpm, "1.0", "1.0-1"), -1);
  EXPECT_EQ(compare_for_sorting(VersionOrder::rpm, "1.0-1", "1.0"), 1);
  EXPECT_GT(compare_for_sorting(VersionOrder::rpm, "1.0", "0.9-9"), 0);
  EXPECT_EQ(compare_for_sorting(VersionOrder::dpkg, "1.0", "1.0"), 0);
}

TEST(VersionOrder, SaysWhatDpkgSays) {
  MadeVersions made(
      {".1", ".10", ".01", "~rc1", "~", "+deb12u1", "+b1", "a", "B", "-x", "00", "z~"});
  int compared = 0, differ = 0;
  for (int i = 0; i < kPairs * 4 && compared < kPairs; ++i) {
    const auto [a, b] = made.pair();
    if (!is_comparable(VersionOrder::dpkg, a) || !is_comparable(VersionOrder::dpkg, b)) continue;
    const auto parsed = [](const std::string& text) {
      const std::size_t colon = text.find(':');
      const std::string rest = colon == text.npos ? text : text.substr(colon + 1);
      const std::size_t dash = rest.rfind('-');
      return std::make_tuple(colon == text.npos ? 0u : 1u, rest.substr(0, dash),
                             dash == rest.npos ? std::string() : rest.substr(dash + 1));
    };
    const auto [ae, av, ar] = parsed(a);
    const auto [be, bv, br] = parsed(b);
    const dpkg_version left{ae, av.c_str(), ar.c_str()};
    const dpkg_version right{be, bv.c_str(), br.c_str()};
    ++compared;
    if (sign_of(compare_versions(VersionOrder::dpkg, a, b)) !=
            sign_of(dpkg_version_compare(&left, &right)) &&
        differ++ < 5) {
      ADD_FAILURE() << a << " and " << b;
    }
  }
  EXPECT_EQ(compared, kPairs);
  EXPECT_EQ(differ, 0);
}

/// Pairs that apk-tools itself is tested with.
TEST(VersionOrder, SaysWhatApkSays) {
  expect_order(VersionOrder::apk, {"1 < 1.0",
                                   "1.010 < 1.09",
                                   "1-r1 = 1-r01",
                                   "1b < 1c",
                                   "2b > 1c",
                                   "1a < 1z",
                                   "1.2.3b > 1.2.0d",
                                   "6.6.2_p1 < 6.6.2_p2",
                                   "1.2 > 1.2_rc1",
                                   "1.2 < 1.2_cvs1",
                                   "1.2 < 1.2_hg1",
                                   "1.2 < 1.2_p1",
                                   "1.2_svn2 < 1.2_git1",
                                   "2.34 > 0.1.0_alpha",
                                   "0.1.0_alpha2 > 0.1.0_alpha",
                                   "2.2.39-r1 > 1.0.4-r3",
                                   "1.1 > 1.1_alpha1",
                                   "1.3_alpha8 > 0.6.0",
                                   "0.8_beta4 < 4.8-r1",
                                   "2.3.0b-r1 < 2.3.0b-r2",
                                   "0.12 < 0.13_beta1",
                                   "3.1_p16 < 3.1_p17",
                                   "3.1_p17 > 1.06-r6",
                                   "1.06-r6 < 006",
                                   "2.01.01_alpha10 > 0.94",
                                   "1.39 > 1.00_beta2",
                                   "1.02 < 1.03-r1",
                                   "4.2.52_p2-r1 < 4.2.52_p4-r2",
                                   "1.05-r18 < 1.05-r19",
                                   "2.5.1-r8 < 2.5.1a-r1",
                                   "2.0.0_rc3-r1 > 1.5",
                                   "021109-r3 < 20060512",
                                   "3.9_pre20060124 > 0.01",
                                   "6b-r7 > 1.12-r7",
                                   "0.10.0 < 0.10.1_rc1",
                                   "1.3.5-r10 > 1.3.5-r8",
                                   "0.15.1b-r2 > 0.15.1b",
                                   "22.7.3-r1 > 22.7",
                                   "4.5_p1-r1 > 4.5_p1",
                                   "2.2.3-r2 < 013",
                                   "013 < 014-r1",
                                   "0.9.28-r2 < 0.9.28.1",
                                   "087-r1 < 103",
                                   "104-r11 > 104-r9",
                                   "2.12r-r4 < 2.12r-r5",
                                   "2.9.11_pre20051101-r3 > 2.9.11_pre20051101",
                                   "1.6.8_p12-r1 > 1.6.8_p9-r2",
                                   "1.3-r0 < 1.3.1-r0",
                                   "1.3_pre1-r1 < 1.3.2",
                                   "1.0_p10-r0 > 1.0_p9-r0",
                                   "0.1.0_alpha_pre2 < 0.1.0_alpha",
                                   "1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0"});
  for (const char* bad :
       {"1.2_blah", "1.0bc", "2.3.4-invalid", "1..2", "a", ".1", "1-r", "1_", ""}) {
    EXPECT_FALSE(is_comparable(VersionOrder::apk, bad)) << bad;
  }
}

TEST(VersionOrder, KnowsModulesAndMissingReleasesOfRpm) {
  expect_order(
      VersionOrder::rpm,
      {"0:1.0-1 = 1.0-1", "1:0.1-1 > 9-9", "1.0 = 1.0-5", "1.0~rc1-1 < 1.0-1", "1.0^git1-1 > 1.0-1",
       "18.1.0-3.module_el8.4.0+2224+b07ac28e > 18.1.0-3.module_el8.3.0+2023+d2377ea3"});
  EXPECT_FALSE(is_comparable(VersionOrder::rpm, "1.0 beta"));
  EXPECT_FALSE(is_comparable(VersionOrder::rpm, "1.0-"));
}

TEST(VersionOrder, FollowsSemanticVersioning) {
  expect_order(VersionOrder::semver,
               {"1.0.0-alpha < 1.0.0-alpha.1", "1.0.0-alpha.1 < 1.0.0-alpha.beta",
                "1.0.0-beta.2 < 1.0.0-beta.11", "1.0.0-rc.1 < 1.0.0", "1.0.0+a = 1.0.0+b",
                "v1.2.3 = 1.2.3", "1.10.0 > 1.9.9", "1.2 = 1.2.0",
                "v0.0.0-20200101000000-abcdef < v0.0.0-20210101000000-abcdef",
                "99999999999999999999.0.0 > 9.0.0"});
  EXPECT_FALSE(is_comparable(VersionOrder::semver, "latest"));
  for (const char* bad : {"1..2", "1.0.0-", "1.0.0-a..b", "1.0.0-.a", "", "v", "1.a"})
    EXPECT_FALSE(is_comparable(VersionOrder::semver, bad)) << bad;
}

TEST(VersionOrder, FollowsPythons) {
  expect_order(VersionOrder::pep440, {"1.dev0 < 1.0.dev456",
                                      "1.0.dev456 < 1.0a1",
                                      "1.0a1 < 1.0a2.dev456",
                                      "1.0a2.dev456 < 1.0a12.dev456",
                                      "1.0a12.dev456 < 1.0a12",
                                      "1.0a12 < 1.0b1.dev456",
                                      "1.0b1.dev456 < 1.0b2",
                                      "1.0b2 < 1.0b2.post345.dev456",
                                      "1.0b2.post345.dev456 < 1.0b2.post345",
                                      "1.0b2.post345 < 1.0rc1.dev456",
                                      "1.0rc1.dev456 < 1.0rc1",
                                      "1.0rc1 < 1.0",
                                      "1.0 < 1.0+abc.5",
                                      "1.0+abc.5 < 1.0+abc.7",
                                      "1.0+abc.7 < 1.0+5",
                                      "1.0+5 < 1.0.post456.dev34",
                                      "1.0.post456.dev34 < 1.0.post456",
                                      "1.0.post456 < 1.0.15",
                                      "1.0.15 < 1.1.dev1",
                                      "1.0 = 1",
                                      "1!0.1 > 99",
                                      "1.0RC1 = 1.0c1",
                                      "1.0-1 = 1.0.post1",
                                      "v1.0 = 1.0",
                                      "1.0alpha1 = 1.0a1"});
  EXPECT_FALSE(is_comparable(VersionOrder::pep440, "1.0-unknown"));
  EXPECT_FALSE(is_comparable(VersionOrder::pep440, "1.0."));
}

TEST(VersionOrder, ALocalPythonVersionIsItsPublicOneToAnAdvisory) {
  EXPECT_EQ(compare_to_limit(VersionOrder::pep440, "2.0.0+cu118", "2.0.0"), 0);
  EXPECT_LT(compare_to_limit(VersionOrder::pep440, "2.0.0+cu118", "2.0.1"), 0);
  EXPECT_LT(compare_to_limit(VersionOrder::pep440, "2.0.0+1", "2.0.0+2"), 0);
  EXPECT_GT(compare_versions(VersionOrder::pep440, "2.0.0+cu118", "2.0.0"), 0);
}

TEST(VersionOrder, FollowsMavens) {
  expect_order(VersionOrder::maven, {"1 < 1.1",
                                     "1-snapshot < 1",
                                     "1 < 1-sp",
                                     "1-alpha < 1-beta",
                                     "1-beta < 1-milestone",
                                     "1-milestone < 1-rc",
                                     "1-rc = 1-cr",
                                     "1-rc < 1-snapshot",
                                     "1.0.0 = 1",
                                     "1-ga = 1",
                                     "1.final = 1",
                                     "1-foo2 < 1-foo10",
                                     "1.foo = 1-foo",
                                     "1-foo < 1-1",
                                     "1-1 < 1.1",
                                     "1-a1 = 1-alpha-1",
                                     "1.0.0.RELEASE = 1",
                                     "2.13.4 < 2.13.4.2",
                                     "1.0-rc1 < 1.0",
                                     "31.1-android > 31.0-jre",
                                     "1-sp < 1-sp-1"});
  EXPECT_FALSE(is_comparable(VersionOrder::maven, "${project.version}"));
}

TEST(VersionOrder, FollowsRubys) {
  expect_order(VersionOrder::gem,
               {"1.0 = 1", "1.0.a < 1.0", "1.0.a < 1.0.b", "1.0.rc1 < 1.0", "1.9 < 1.10",
                "1.0.pre.1 < 1.0.pre.2", "1.0-1 < 1.0", "5.0.0.beta2 < 5.0.0.rc1",
                // Zeros before a word, and at the end, say nothing.
                "1.0.a = 1.a", "1.0.0.a.0 = 1.a", "1.a.1 < 1.1", "1.0.a10 > 1.a9",
                "1.8.2.a < 1.8.2", "1.8.2.b > 1.8.2.a", "1.8.2.a10 > 1.8.2.a9", "1.8.2 > 0.0.0",
                "1.2.3-x86 < 1.2.3", "0 = 0.0"});
  for (const char* bad : {"a", "1..2", "1.", "1.2 3", ".1", "1-"})
    EXPECT_FALSE(is_comparable(VersionOrder::gem, bad)) << bad;
}

}  // namespace
}  // namespace hallmark::scan
