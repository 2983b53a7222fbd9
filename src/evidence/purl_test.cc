#include "evidence/purl.h"

#include <gtest/gtest.h>

namespace hallmark::evidence {
namespace {

const model::Distribution kDebian = {"debian", "12", "bookworm", ""};

TEST(PackageUrl, IsAsTheSpecificationsExample) {
  EXPECT_EQ(package_url({"openssl", "3.0.9-1", "amd64", "", "", "dpkg"}, kDebian),
            "pkg:deb/debian/openssl@3.0.9-1?arch=amd64&distro=debian-12");
}

TEST(PackageUrl, EncodesPlusAndTildeAndColonByTheSpecification) {
  EXPECT_EQ(package_url({"libstdc++6", "1:12.2.0~rc1+b1", "amd64", "", "", "dpkg"}, kDebian),
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0~rc1%2Bb1?arch=amd64&distro=debian-12");
}

TEST(PackageUrl, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(package_url({"x", "", "", "", "", "dpkg"}, {}), "pkg:deb/x");
}

TEST(PackageUrl, MakesTheEpochOfAnRpmAQualifier) {
  EXPECT_EQ(package_url({"Curl", "1:7.76.1-23.el9", "x86_64", "", "", "rpm"}, {"almalinux"}),
            "pkg:rpm/almalinux/Curl@7.76.1-23.el9?arch=x86_64&epoch=1");
}

TEST(PackageUrl, IsPlainAsciiWhateverTheNames) {
  const std::string url =
      package_url({"a/../b?c#d@e", "1\n\xff<>", "x&y=z", "", "", "pacman"}, kDebian);
  EXPECT_EQ(
      url,
      "pkg:generic/debian/a%2F..%2Fb%3Fc%23d%40e@1%0A%FF%3C%3E?arch=x%26y%3Dz&distro=debian-12");
}

}  // namespace
}  // namespace hallmark::evidence
