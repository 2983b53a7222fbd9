// Tests of what scan/ reads as text: dpkg, os-release, versions, Release dates, apt
// sources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apt/sources.h"
#include "base/error.h"
#include "scan/dpkg.h"
#include "scan/os_release.h"
#include "scan/security_source.h"
#include "scan/suite.h"
#include "scan/versions.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Dpkg, ReadsInstalledPackages) {
  DpkgPackages found = parse_dpkg_status(
      "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\n"
      "Version: 2.36-9\n\n"
      "Package: perl-base\nStatus: hold ok installed\nArchitecture: amd64\n"
      "Source: perl (5.36.0-7)\nVersion: 5.36.0-7+b1\n\n"
      "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n"
      "Package: never\nStatus: unknown ok not-installed\n",
      "status");
  EXPECT_THAT(found.gaps, IsEmpty());
  ASSERT_THAT(found.packages, SizeIs(2));
  EXPECT_EQ(found.packages[0].source_name, "glibc");
  EXPECT_EQ(found.packages[0].source_version, "2.36-9");
  EXPECT_EQ(found.packages[1].source_name, "perl");
  EXPECT_EQ(found.packages[1].source_version, "5.36.0-7");
  EXPECT_EQ(found.packages[1].manager, "dpkg");
}

TEST(Dpkg, WhatIsInBetweenIsAGap) {
  auto with = [](const std::string& status) {
    return parse_dpkg_status("Package: x\nStatus: " + status + "\nArchitecture: all\nVersion: 1\n",
                             "status");
  };
  EXPECT_THAT(with("install ok half-installed").packages, IsEmpty());
  EXPECT_THAT(with("install ok half-installed").gaps, SizeIs(1));
  EXPECT_THAT(with("install ok unpacked").packages, SizeIs(1));
  EXPECT_THAT(with("install ok unpacked").gaps, SizeIs(1));
  EXPECT_THAT(with("install ok half-configured").gaps, SizeIs(1));
  EXPECT_THAT(with("install ok triggers-pending").gaps, IsEmpty());
  EXPECT_THAT(with("install reinstreq installed").packages, SizeIs(1));
  EXPECT_THAT(with("install reinstreq installed").gaps, SizeIs(1));
  EXPECT_THAT(with("install ok dancing").gaps, SizeIs(1));
  EXPECT_THAT(with("installed").gaps, SizeIs(1));
}

TEST(Dpkg, WhatCannotBeReadIsAGap) {
  auto gaps = [](const char* text) { return parse_dpkg_status(text, "status").gaps; };
  EXPECT_THAT(gaps("Package: x\nStatus: install ok installed\nArchitecture: all\n"), SizeIs(1));
  EXPECT_THAT(gaps("Package: x\nStatus: install ok installed\nVersion: 1\n"), SizeIs(1));
  EXPECT_THAT(gaps("Status: install ok installed\nVersion: 1\n"), SizeIs(1));
  EXPECT_THAT(gaps("\x7f"
                   "ELF binary nonsense"),
              SizeIs(1));
  EXPECT_EQ(gaps("Version: 1\n").at(0).what, "status line 1");
}

TEST(OsRelease, ReadsQuotesAndIgnoresNonsense) {
  model::Distribution found = parse_os_release(
      "# comment\nPRETTY_NAME=\"Debian \\\"12\\\"\"\nID=debian\r\nVERSION_ID='12'\nnonsense\n"
      "VERSION_CODENAME=book\"wor\"m\n");
  EXPECT_EQ(found.pretty_name, "Debian \"12\"");
  EXPECT_EQ(found.id, "debian");
  EXPECT_EQ(found.version_id, "12");
  EXPECT_EQ(found.codename, "bookworm");
  EXPECT_EQ(parse_os_release("").id, "linux");
}

TEST(Versions, OrderIsDebians) {
  // Examples of policy 5.6.12 and of dpkg's own tests, each pair older first.
  for (auto [a, b] : std::vector<std::pair<const char*, const char*>>{
           {"1.0~rc1-1", "1.0-1"},
           {"1.0-1", "1.0-1+deb12u1"},
           {"1.0-1~deb12u1", "1.0-1"},
           {"2.36-9+deb12u9", "2.36-9+deb12u10"},
           {"9.9", "1:0.1"},
           {"1.2.3", "1.2.3-0.1"},
           {"6.1.176-1", "6.1.192-2"},
           {"20230311+deb12u1", "20250419~deb12u2"},
           {"1.0a", "1.0b"},
           {"1.0~~", "1.0~"},
           {"1.0", "1.0+"},
       }) {
    EXPECT_LT(compare_versions(a, b), 0) << a << " " << b;
    EXPECT_GT(compare_versions(b, a), 0) << a << " " << b;
    EXPECT_TRUE(is_valid_version(a) && is_valid_version(b)) << a << " " << b;
  }
  EXPECT_EQ(compare_versions("0:1.0-1", "1.0-1"), 0);
  EXPECT_EQ(compare_versions("1.0", "1.0-0"), 0);
}

TEST(Versions, RefusesWhatCannotBeCompared) {
  for (const char* version : {"", "abc", "1.0 2", "x:1.0", ":1.0", "1:", "1.0-", "1.0_2", "-1",
                              "12345678901:1", "1.0-1\n"}) {
    EXPECT_FALSE(is_valid_version(version)) << version;
  }
  EXPECT_FALSE(is_valid_version(std::string(5000, '1')));
}

TEST(Release, ReadsDates) {
  EXPECT_EQ(parse_release_date("Sat, 21 Nov 2026 00:53:02 UTC"),
            from_rfc3339("2026-11-21T00:53:02Z"));
  for (const char* date : {"", "2026-11-21", "Sat, 21 Foo 2026 00:53:02 UTC",
                           "Sat, 31 Feb 2026 00:53:02 UTC", "Sat, 21 Nov 2026 00:53 UTC",
                           "Sat, 21 Nov 2026 00:53:02 CET", "Sat, x Nov 2026 0:0:0 UTC"}) {
    EXPECT_THROW(parse_release_date(date), Error) << date;
  }
}

TEST(Release, RefusesWhatIsNone) {
  std::string digest(64, 'a');
  std::string good = "Suite: s\nCodename: c\nSHA256:\n " + digest + " 12 main/x\n";
  Release release = parse_release(good);
  ASSERT_NE(release.find("main/x"), nullptr);
  EXPECT_EQ(release.find("main/x")->size_bytes, 12u);
  EXPECT_EQ(release.find("main/y"), nullptr);
  for (const std::string& text : {std::string(), std::string("<html>"), good + "\n" + good,
                                  std::string("Suite: s\nSHA256:\n abc 12 main/x\n"),
                                  "Suite: s\nSHA256:\n " + digest + " 12\n",
                                  "Suite: s\nSHA256:\n " + digest + " -1 main/x\n"}) {
    EXPECT_THROW(parse_release(text), Error) << text;
  }
}

TEST(AptSources, ReadsBothForms) {
  TempDir root;
  write_file(
      root.path() / "sources.list",
      "# nothing\ndeb-src http://one/debian bookworm main\n"
      "deb [ arch=amd64,arm64 signed-by=/k.gpg ] http://one/debian bookworm main contrib # x\n"
      "nonsense\n");
  write_file(root.path() / "sources.list.d/a.sources",
             "Types: deb deb-src\nURIs: cdrom://x http://two/debian-security\n"
             "Suites: bookworm-security bookworm-updates\nComponents: main\n"
             "Signed-By: /two.gpg\n\n"
             "Enabled: no\nTypes: deb\nURIs: http://off\nSuites: bookworm-security\n"
             "Components: main\n");
  write_file(root.path() / "sources.list.d/b.list.save", "deb http://saved bookworm main\n");
  auto sources = apt::read_sources(root.path());
  ASSERT_THAT(sources, SizeIs(5));
  EXPECT_EQ(sources[0].signed_by, "/k.gpg");
  EXPECT_THAT(sources[0].architectures, ElementsAre("amd64", "arm64"));
  EXPECT_THAT(sources[0].components, ElementsAre("main", "contrib"));

  SuiteSource found = security_source_from_apt("bookworm", "amd64", root.path());
  EXPECT_EQ(found.url, "http://two/debian-security");
  EXPECT_EQ(found.suite, "bookworm-security");
  EXPECT_EQ(found.keyring, "/two.gpg");
  try {
    security_source_from_apt("trixie", "amd64", root.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.hint(), HasSubstr("trixie-security"));
  }
}

TEST(AptSources, OddConfigurations) {
  TempDir root;
  EXPECT_THAT(apt::read_sources(root.path() / "missing"), IsEmpty());
  write_file(root.path() / "sources.list",
             "deb [arch=arm64] http://arm/ bookworm-security main\n"
             "deb http://bare/ bookworm-security contrib\n"
             "deb [signed-by=ABCDEF file:/srv/x bookworm-security main\n"
             "deb [signed-by=ABCDEF] file:/srv/debian bookworm-security main\n");
  SuiteSource found = security_source_from_apt("bookworm", "amd64", root.path());
  EXPECT_EQ(found.url, "file:///srv/debian");
  EXPECT_THAT(found.keyring.string(), HasSubstr("debian-archive-keyring"));
}

}  // namespace
}  // namespace hallmark::scan
