#include "scan/advisory/vex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"

namespace hallmark::scan {
namespace {

using ::testing::HasSubstr;

model::Package package(const std::string& name, const std::string& manager,
                       const std::string& version = "1.0") {
  return {name, version, "amd64", name, version, manager};
}

/// One finding, of CVE-2024-0001 in the package, in an image of Debian 12.
class Vex : public ::testing::Test {
 protected:
  Vex() {
    inventory_.distribution = {.id = "debian", .version_id = "12", .codename = "bookworm"};
    install(package("openssl", "dpkg"));
  }

  void install(const model::Package& one) { inventory_.packages = {one}; }

  bool suppressed(const std::string& document, const std::vector<std::string>& products = {}) {
    model::Assessment assessment;
    assessment.distribution = inventory_.distribution;
    const model::Package& one = inventory_.packages[0];
    model::Finding finding;
    finding.cves = cves_;
    finding.advisory_ids = advisories_;
    finding.package = one.name;
    finding.source_package = one.source_name;
    finding.architecture = one.architecture;
    finding.installed_version = one.version;
    assessment.findings = {finding};
    apply_vex(assessment, read_vex(document, "test"), inventory_, products);
    evidence_ = assessment.findings[0].evidence;
    return assessment.findings[0].status == model::FindingStatus::suppressed;
  }

  /// A statement of OpenVEX; `more` ends with a comma.
  static std::string said(const std::string& product, const std::string& status = "not_affected",
                          const std::string& more = "") {
    return R"({"vulnerability": {"name": "CVE-2024-0001", "aliases": ["GHSA-1"]}, )" + more +
           R"("status": ")" + status + R"(", "justification": "vulnerable_code_not_present",
      "products": [)" +
           (product.starts_with('{') ? product : "{\"@id\": \"" + product + "\"}") + "]}";
  }
  static std::string openvex(const std::string& statements) {
    return R"({"@context": "https://openvex.dev/ns/v0.2.0", "author": "us@example.com",
      "timestamp": "2024-01-01T00:00:00Z", "statements": [)" +
           statements + "]}";
  }

  model::Inventory inventory_;
  std::vector<std::string> cves_ = {"CVE-2024-0001"}, advisories_;
  std::string evidence_;
};

TEST_F(Vex, SuppressesWhatIsSpokenOf) {
  EXPECT_TRUE(suppressed(openvex(said("pkg:deb/debian/openssl"))));
  EXPECT_EQ(evidence_, "not affected by the word of us@example.com: vulnerable_code_not_present");
  EXPECT_TRUE(suppressed(openvex(said("pkg:deb/debian/openssl@1.0?arch=amd64&distro=debian-12"))));
  cves_.emplace_back("CVE-2024-0002");
  EXPECT_FALSE(suppressed(openvex(said("pkg:deb/debian/openssl")))) << "of all its flaws";
  cves_.clear();
  advisories_ = {"GHSA-1"};
  EXPECT_TRUE(suppressed(openvex(said("pkg:deb/debian/openssl")))) << "by its other name";
}

TEST_F(Vex, AnotherPackageIsAnother) {
  for (const char* other :
       {"pkg:pypi/openssl", "pkg:generic/openssl", "pkg:deb/ubuntu/openssl", "pkg:deb/openssl",
        "pkg:deb/debian/openssl@1.1", "pkg:deb/debian/openssl?arch=arm64",
        "pkg:deb/debian/openssl?distro=debian-11", "pkg:rpm/debian/openssl", "openssl"}) {
    EXPECT_FALSE(suppressed(openvex(said(other)))) << other;
  }
}

TEST_F(Vex, ASourceIsMeantOnlyIfItSaysSo) {
  model::Package binary = package("libssl3", "dpkg", "3.0-1+b1");
  binary.source_name = "openssl";
  binary.source_version = "3.0-1";
  install(binary);
  EXPECT_FALSE(suppressed(openvex(said("pkg:deb/debian/openssl"))));
  EXPECT_TRUE(suppressed(openvex(said("pkg:deb/debian/openssl@3.0-1?arch=source"))));
  EXPECT_FALSE(suppressed(openvex(said("pkg:deb/debian/openssl@3.0-2?arch=source"))));
}

TEST_F(Vex, PackageUrlsAreDecoded) {
  install(package("libstdc++6", "dpkg", "1:12.2.0-14~x+b1"));
  EXPECT_TRUE(suppressed(openvex(said("pkg:deb/debian/libstdc%2b%2b6@1%3A12.2.0-14%7Ex%2Bb1"))));
  install(package("@scope/left", "npm"));
  EXPECT_TRUE(suppressed(openvex(said("pkg:npm/%40scope/left@1.0"))));
  EXPECT_FALSE(suppressed(openvex(said("pkg:npm/left@1.0"))));
  install(package("Foo_Bar", "python"));
  EXPECT_TRUE(suppressed(openvex(said("pkg:pypi/foo-bar@1.0"))));
}

TEST_F(Vex, APartOfAProductIsMeantInTheProductOnly) {
  const std::string part = openvex(
      said(R"({"@id": "pkg:oci/web", "subcomponents": [{"@id": "pkg:deb/debian/openssl"}]})"));
  EXPECT_FALSE(suppressed(part)) << "which image this is, nobody has said";
  EXPECT_FALSE(suppressed(part, {"pkg:oci/other"}));
  EXPECT_TRUE(suppressed(part, {"pkg:oci/web"}));
  EXPECT_FALSE(suppressed(openvex(said(
      R"({"@id": "pkg:deb/debian/openssl", "subcomponents": [{"@id": "pkg:deb/debian/zlib1g"}]})"))))
      << "of its part, not of itself";
}

TEST_F(Vex, TheNewestStatementCounts) {
  const std::string no = said("pkg:deb/debian/openssl");
  const auto at = [](const std::string& time) { return "\"timestamp\": \"" + time + "\", "; };
  const std::string later = said("pkg:deb/debian/openssl", "affected", at("2024-06-01T00:00:00Z"));
  EXPECT_FALSE(suppressed(openvex(no + "," + later)));
  EXPECT_FALSE(suppressed(openvex(later + "," + no)));
  EXPECT_FALSE(suppressed(openvex(
      no + "," +
      said("pkg:deb/debian/openssl", "under_investigation", at("2023-12-31T23:00:00-06:00")))))
      << "an hour of another zone is later";
  EXPECT_TRUE(suppressed(
      openvex(no + "," + said("pkg:deb/debian/openssl", "affected", at("2023-12-31T23:00:00Z")))));
  EXPECT_FALSE(suppressed(openvex(no + "," + said("pkg:deb/debian/openssl", "affected"))))
      << "said at one time, the worse counts";
  EXPECT_TRUE(suppressed(openvex(no + "," + said("pkg:deb/debian/zlib1g", "affected"))));
  EXPECT_FALSE(
      suppressed(openvex(no + "," + said("pkg:deb/debian/openssl", "affected", at("yesterday")))))
      << "a time that is none is the document's";
}

TEST_F(Vex, FixedIsAVersion) {
  EXPECT_FALSE(suppressed(openvex(said("pkg:deb/debian/openssl", "fixed"))));
  EXPECT_TRUE(suppressed(openvex(said("pkg:deb/debian/openssl@1.0", "fixed"))));
}

TEST_F(Vex, ReadsCycloneDx) {
  install(package("foo", "python"));
  const auto document = [](const std::string& state, const std::string& affects,
                           const std::string& more = "") {
    return R"({"bomFormat": "CycloneDX", "components": [{"bom-ref": "r1", "purl": "pkg:pypi/foo@1.0"}],
      "vulnerabilities": [)" +
           more + R"({"id": "CVE-2024-0001", "analysis": {"state": ")" + state +
           R"(", "justification": "code_not_reachable"}, "affects": [)" + affects + "]}]}";
  };
  EXPECT_TRUE(suppressed(document("not_affected", R"({"ref": "r1"})")));
  EXPECT_THAT(evidence_, HasSubstr("code_not_reachable"));
  EXPECT_FALSE(suppressed(document("exploitable", R"({"ref": "r1"})")));
  EXPECT_FALSE(suppressed(document("not_affected", R"({"ref": "pkg:pypi/foo@2.0"})")));
  EXPECT_FALSE(suppressed(document(
      "not_affected",
      R"({"ref": "pkg:pypi/foo", "versions": [{"version": "2.0"}, {"range": "vers:pypi/<9"}]})")));
  EXPECT_TRUE(suppressed(
      document("not_affected", R"({"ref": "pkg:pypi/foo", "versions": [{"version": "1.0"}]})")));
  const std::string linked =
      document("not_affected", R"({"ref": "urn:cdx:1234/1#pkg%3Apypi%2Ffoo%401.0"})");
  EXPECT_FALSE(suppressed(linked)) << "another list of packages";
  EXPECT_TRUE(suppressed(linked, {"urn:uuid:1234"}));
  EXPECT_EQ(kind_of([] { read_vex("{}", "test"); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([] { read_vex("[]", "test"); }), ErrorKind::corrupt);
}

}  // namespace
}  // namespace hallmark::scan
