#include "scan/advisory/order_rows.h"

#include <gtest/gtest.h>
#include <rpm/rpmver.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include <dpkg/dpkg.h>
#include <dpkg/version.h>
}

namespace hallmark::scan {
namespace {

/// Each of them with each other makes more than 100,000 pairs.
constexpr std::size_t kVersions = 460;

/// Versions that differ in a few places: two that have nothing in common say little.
std::vector<std::string> made_versions(VersionOrder order, const std::vector<std::string>& parts) {
  std::mt19937 random(20261123);
  std::set<std::string> made;
  while (made.size() < kVersions) {
    std::string version = (random() % 6 == 0 ? "1:" : "") + std::to_string(random() % 2);
    for (std::size_t left = random() % 4; left > 0; --left)
      version += parts[random() % parts.size()];
    if (random() % 2 == 0)
      version += "-" + std::to_string(random() % 3) + parts[random() % parts.size()];
    if (is_comparable(order, version)) made.insert(version);
  }
  return {made.begin(), made.end()};
}

/// Compares each with each, as `theirs` does, which is given their places.
template <typename Theirs>
void expect_same_order(VersionOrder order, const std::vector<std::string>& versions,
                       Theirs theirs) {
  int differ = 0;
  for (std::size_t a = 0; a < versions.size(); ++a) {
    for (std::size_t b = a + 1; b < versions.size(); ++b) {
      const std::optional<int> expected = theirs(a, b);
      if (expected && sign_of(compare_versions(order, versions[a], versions[b])) != *expected &&
          differ++ < 5) {
        ADD_FAILURE() << versions[a] << " and " << versions[b];
      }
    }
  }
  EXPECT_EQ(differ, 0);
}

/// The order of the parts is librpm's own, so that only what is around it can be wrong: how a text
/// is taken apart, epochs and missing releases. rpm's own parser is asked for these.
TEST(VersionOrder, TakesVersionsApartAsRpmDoes) {
  const auto versions = made_versions(VersionOrder::rpm, {".1", ".10", ".01", "~rc1", "^git2", "a",
                                                          "b12", "+x", "_3", ".el9", "00", "z"});
  using Version = std::unique_ptr<rpmver_s, rpmver (*)(rpmver)>;
  std::vector<Version> parsed;
  for (const std::string& version : versions) {
    parsed.emplace_back(rpmverParse(version.c_str()), rpmverFree);
    ASSERT_NE(parsed.back(), nullptr) << version;
  }
  expect_same_order(VersionOrder::rpm, versions, [&](auto a, auto b) -> std::optional<int> {
    // A release counts only if both have one; rpm's own call leaves that to its callers.
    const bool one = rpmverR(parsed[a].get()) != nullptr,
               other = rpmverR(parsed[b].get()) != nullptr;
    if (one != other) return std::nullopt;
    return rpmverCmp(parsed[a].get(), parsed[b].get());
  });
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
  const auto versions = made_versions(
      VersionOrder::dpkg,
      {".1", ".10", ".01", "~rc1", "~", "+deb12u1", "+b1", "a", "B", "-x", "00", "z~"});
  struct Parts {
    unsigned epoch;
    std::string version, revision;
  };
  std::vector<Parts> parsed;
  for (const std::string& text : versions) {
    const bool epoch = text.starts_with("1:");
    const std::string rest = text.substr(epoch ? 2 : 0);
    const std::size_t dash = rest.rfind('-');
    parsed.push_back({epoch ? 1u : 0u, rest.substr(0, dash),
                      dash == rest.npos ? std::string() : rest.substr(dash + 1)});
  }
  expect_same_order(VersionOrder::dpkg, versions, [&](auto a, auto b) -> std::optional<int> {
    const dpkg_version left{parsed[a].epoch, parsed[a].version.c_str(), parsed[a].revision.c_str()};
    const dpkg_version right{parsed[b].epoch, parsed[b].version.c_str(),
                             parsed[b].revision.c_str()};
    return sign_of(dpkg_version_compare(&left, &right));
  });
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

}  // namespace
}  // namespace hallmark::scan
