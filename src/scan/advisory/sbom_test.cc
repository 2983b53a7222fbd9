#include "scan/advisory/sbom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Sbom, ReadsCycloneDx) {
  const auto inventory = read_sbom(R"({"bomFormat": "CycloneDX", "components": [
    {"type": "operating-system", "name": "debian", "version": "12"},
    {"type": "library", "name": "libc6", "purl": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u3?arch=amd64&distro=debian-12",
     "properties": [{"name": "source_package", "value": "glibc"}, {"name": "source_version", "value": "2.36-9+deb12u3"}],
     "components": [{"type": "library", "name": "x", "purl": "pkg:npm/%40scope/left@1.0.0"}]},
    {"type": "library", "name": "core", "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"},
    {"type": "file", "name": "/bin/sh"},
    {"type": "library", "name": "mystery"}, {"type": "library", "name": "n", "purl": "pkg:nuget/N@1"}]})",
                                   "test");
  EXPECT_EQ(inventory.distribution.codename, "bookworm");
  ASSERT_EQ(inventory.packages.size(), 3u);
  EXPECT_EQ(inventory.packages[0].name, "@scope/left");
  EXPECT_EQ(inventory.packages[1].source_name, "glibc");
  EXPECT_EQ(inventory.packages[1].version, "2.36-9+deb12u3");
  EXPECT_EQ(inventory.packages[2].name, "org.apache.logging.log4j:log4j-core");
  EXPECT_EQ(inventory.gaps.size(), 2u) << "what cannot be told is said";
}

TEST(Sbom, ReadsSpdx) {
  const auto inventory =
      read_sbom(R"({"spdxVersion": "SPDX-2.3", "documentDescribes": ["SPDXRef-Root"], "packages": [
    {"SPDXID": "SPDXRef-Root", "name": "image"},
    {"SPDXID": "a", "name": "curl", "sourceInfo": "built from source package: curl 7.76.1-14.el9",
     "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:rpm/almalinux/curl@7.76.1-14.el9?arch=x86_64&distro=almalinux-9.2&epoch=1"}]},
    {"SPDXID": "b", "name": "openssl-libs",
     "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:rpm/almalinux/openssl-libs@3.0.7-1.el9?upstream=openssl-3.0.7-1.el9.src.rpm&distro=almalinux-9.2"}]}]})",
                "test");
  EXPECT_EQ(inventory.distribution.id, "almalinux");
  EXPECT_EQ(inventory.distribution.version_id, "9.2");
  ASSERT_EQ(inventory.packages.size(), 2u);
  EXPECT_EQ(inventory.packages[0].version, "1:7.76.1-14.el9");
  EXPECT_EQ(inventory.packages[1].source_name, "openssl");
  EXPECT_THAT(inventory.gaps, IsEmpty());
  EXPECT_EQ(kind_of([] { read_sbom(R"({"a": 1})", "test"); }), ErrorKind::corrupt);
}

/// As Hallmark writes it: the image is an operating system, with the image's name and version.
TEST(Sbom, TheDistributionIsNotTheImagesName) {
  const std::string image =
      R"({"spdxVersion": "SPDX-2.3", "documentDescribes": ["I"], "packages": [
    {"SPDXID": "I", "name": "base/debian", "versionInfo": "2026.11", "primaryPackagePurpose": "OPERATING-SYSTEM"})";
  const model::Inventory told = read_sbom(image + R"(,
    {"SPDXID": "a", "name": "bash", "externalRefs": [{"referenceType": "purl",
     "referenceLocator": "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"}]}]})",
                                          "test");
  EXPECT_EQ(told.distribution.id, "debian");
  EXPECT_EQ(told.distribution.version_id, "12");
  EXPECT_EQ(told.distribution.codename, "bookworm");
  EXPECT_EQ(read_sbom(image + "]}", "test").distribution.id, "base/debian") << "better than none";
}

TEST(Sbom, SaysWhatItIsAbout) {
  EXPECT_THAT(sbom_names(R"({"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:1",
    "metadata": {"component": {"name": "web", "purl": "pkg:oci/web@sha256%3Aabc"}}})",
                         "test"),
              ElementsAre("urn:uuid:1", "pkg:oci/web@sha256%3Aabc", "web"));
  EXPECT_THAT(sbom_names(R"({"spdxVersion": "SPDX-2.3", "documentNamespace": "https://x/1",
    "documentDescribes": ["R"], "packages": [{"SPDXID": "R", "name": "web"}, {"SPDXID": "b", "name": "curl"}]})",
                         "test"),
              ElementsAre("https://x/1", "web"));
}

}  // namespace
}  // namespace hallmark::scan
