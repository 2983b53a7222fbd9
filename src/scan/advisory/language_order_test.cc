#include "scan/advisory/order_rows.h"

namespace hallmark::scan {
namespace {

TEST(LanguageOrder, FollowsSemanticVersioning) {
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

TEST(LanguageOrder, FollowsPythons) {
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

TEST(LanguageOrder, ALocalPythonVersionIsItsPublicOneToAnAdvisory) {
  EXPECT_EQ(compare_to_limit(VersionOrder::pep440, "2.0.0+cu118", "2.0.0"), 0);
  EXPECT_LT(compare_to_limit(VersionOrder::pep440, "2.0.0+cu118", "2.0.1"), 0);
  EXPECT_LT(compare_to_limit(VersionOrder::pep440, "2.0.0+1", "2.0.0+2"), 0);
  EXPECT_GT(compare_versions(VersionOrder::pep440, "2.0.0+cu118", "2.0.0"), 0);
}

TEST(LanguageOrder, FollowsMavens) {
  expect_order(
      VersionOrder::maven,
      {"1 < 1.1", "1-snapshot < 1", "1 < 1-sp", "1-alpha < 1-beta", "1-beta < 1-milestone",
       "1-milestone < 1-rc", "1-rc = 1-cr", "1-rc < 1-snapshot", "1.0.0 = 1", "1-ga = 1",
       "1.final = 1", "1-foo2 < 1-foo10", "1.foo = 1-foo", "1-foo < 1-1", "1-1 < 1.1",
       "1-a1 = 1-alpha-1", "1.0.0.RELEASE = 1", "2.13.4 < 2.13.4.2", "1.0-rc1 < 1.0",
       "31.1-android > 31.0-jre", "1-sp < 1-sp-1",
       // What Maven's own code says where its page says less.
       "2-b-sp.ga < 2-final.rc2", "1.0.alpha < 1.0-10", "1.0.cr < 1.0-rc1", "2.ga.beta = 2.beta",
       "1.-snapshot > 1.m-final", "0-2alpha < 0.ga.01", "1-release.snapshot > 1.0.m2"});
  EXPECT_FALSE(is_comparable(VersionOrder::maven, "${project.version}"));
}

TEST(LanguageOrder, FollowsRubys) {
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
