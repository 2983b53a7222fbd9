#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apt/deb822.h"
#include "apt/sources.h"
#include "base/files.h"

namespace hallmark::apt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Paragraph> paragraphs(std::string_view text) {
  std::vector<Paragraph> found;
  read_paragraphs(text, [&](const Paragraph& paragraph) { found.push_back(paragraph); });
  return found;
}

TEST(Deb822, ReadsParagraphs) {
  auto found = paragraphs(
      "\n\nPackage: a\nDescription: one\n two\n .\n\tthree\nVersion:1\r\n \t\n# comment\nPackage: "
      "b\n# in between\nversion:  2  ");
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].line, 3u);
  EXPECT_EQ(found[0].get("package"), "a");
  EXPECT_EQ(found[0].get("Description"), "one\n two\n .\n\tthree");
  EXPECT_EQ(found[0].get("Version"), "1");
  EXPECT_EQ(found[1].get("Version"), "2");
  EXPECT_FALSE(found[1].find("Description"));
  EXPECT_EQ(found[0].problem + found[1].problem, "");
  EXPECT_THAT(paragraphs(""), IsEmpty());
  EXPECT_THAT(paragraphs("\n \n\t\n"), IsEmpty());
}

TEST(Deb822, NamesTheLineThatIsWrong) {
  EXPECT_EQ(paragraphs("Package: a\nnonsense\nVersion: 1").at(0).problem, "line 2 has no colon");
  EXPECT_EQ(paragraphs("Package: a\nnonsense\nVersion: 1").at(0).get("Version"), "1");
  EXPECT_EQ(paragraphs(" lost\nA: b").at(0).problem, "line 1 continues nothing");
  EXPECT_EQ(paragraphs("A: b\nA: c").at(0).problem, "line 2 repeats a field");
  EXPECT_EQ(paragraphs("A b: c").at(0).problem, "line 1 has an impossible field name");
  EXPECT_EQ(paragraphs(": c").at(0).problem, "line 1 has an impossible field name");
}

TEST(Deb822, SplitsWords) {
  EXPECT_THAT(words(" a\tb\n c "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words(" \n"), IsEmpty());
}

/// What apt would read if this were its only file.
std::vector<Source> sources_in(const std::string& file, const std::string& text) {
  TempDir etc;
  write_file(etc.path() / file, text);
  return read_sources(etc.path());
}

TEST(Sources, OneLineFormat) {
  auto entries = sources_in(
      "sources.list",
      "# deb http://no.example/debian bookworm main\n"
      "deb http://one.example/debian/ bookworm main contrib # first\n"
      "deb [ arch=amd64 signed-by=/k.gpg ] http://two.example/debian bookworm-updates main\n"
      "deb-src http://one.example/debian bookworm main\n"
      "deb http://broken.example\n"
      "nonsense\n");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].url, "http://one.example/debian");
  EXPECT_EQ(entries[0].suite, "bookworm");
  EXPECT_THAT(entries[0].components, ElementsAre("main", "contrib"));
  EXPECT_EQ(entries[1].url, "http://two.example/debian");
}

TEST(Sources, Deb822Format) {
  auto entries = sources_in("sources.list.d/x.sources",
                            "# a comment\n"
                            "Types: deb deb-src\n"
                            "URIs: http://one.example/debian\n"
                            "# inside\n"
                            "Suites: bookworm\n"
                            "  bookworm-updates\n"
                            "components: main\n"
                            "Signed-By:\n"
                            " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
                            " .\n"
                            "\n"
                            "Types: deb\n"
                            "URIs: http://off.example/debian\n"
                            "Suites: bookworm\n"
                            "Components: main\n"
                            "Enabled: No\n"
                            "\n\n"
                            "Types: deb-src\n"
                            "URIs: http://src.example/debian\n"
                            "Suites: bookworm\n"
                            "Components: main\n"
                            "\n"
                            "Types: deb\n"
                            "URIs: http://sec.example/debian-security/\n"
                            "Suites: bookworm-security\n"
                            "Components: main");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[1].suite, "bookworm-updates");
  EXPECT_EQ(entries[1].url, "http://one.example/debian");
  EXPECT_EQ(entries[2].url, "http://sec.example/debian-security");
}

TEST(Sources, ReadsFilesInAptsOrder) {
  TempDir etc;
  write_file(etc.path() / "sources.list", "deb http://zero.example/d bookworm main\n");
  write_file(etc.path() / "sources.list.d/b.list", "deb http://two.example/d bookworm main\n");
  write_file(etc.path() / "sources.list.d/a.sources",
             "Types: deb\nURIs: http://one.example/d\nSuites: bookworm\nComponents: main\n");
  write_file(etc.path() / "sources.list.d/c.list.disabled", "deb http://no.example/d x main\n");
  auto entries = read_sources(etc.path());
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].url, "http://zero.example/d");
  EXPECT_EQ(entries[1].url, "http://one.example/d");
  EXPECT_EQ(entries[2].url, "http://two.example/d");
  EXPECT_TRUE(read_sources(etc.path() / "missing").empty());
}

}  // namespace
}  // namespace hallmark::apt
