#include "scan/advisory/advisory_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "scan/advisory/advisory_builder.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;

/// One advisory of each package, by its name, in one feed of Debian 12.
std::string compiled(const std::vector<std::string>& packages) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "debian", .kind = "debian-tracker"});
  for (const std::string& package : packages) {
    builder.begin({.id = package, .title = "bad", .cves = {"CVE-2024-0001"}});
    builder.add({.ecosystem = "debian:12", .package = package, .fixed = "1"});
    // A feed of a release names many packages.
    for (const char* other : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}) {
      builder.add(
          {.ecosystem = "debian:12", .package = other, .judgement = Judgement::not_affected});
    }
  }
  return builder.finish();
}

TEST(AdvisoryFile, RefusesWhatWasChanged) {
  const std::string bytes = compiled({"b"});
  AdvisoryFile(bytes).verify();
  EXPECT_EQ(kind_of([&] { AdvisoryFile(bytes.substr(0, bytes.size() - 1)); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { AdvisoryFile(bytes.substr(0, 20)); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { AdvisoryFile("x" + bytes.substr(1)); }), ErrorKind::corrupt);
  std::string header = bytes;
  header[50] ^= 1;
  EXPECT_EQ(kind_of([&] { AdvisoryFile{header}; }), ErrorKind::corrupt);
  std::string body = bytes;
  body.back() ^= 1;
  EXPECT_EQ(kind_of([&] { AdvisoryFile(body).verify(); }), ErrorKind::corrupt);
}

TEST(AdvisoryFile, OpensAFileThatIsMapped) {
  TempDir directory;
  const Path path = directory.path() / "advisories";
  EXPECT_EQ(kind_of([&] { AdvisoryFile::open(path); }), ErrorKind::not_found);
  write_file(path, compiled({"b"}));
  const auto file = AdvisoryFile::open(path);
  file->verify();
  ASSERT_EQ(file->feeds().size(), 1u);
  EXPECT_THAT(file->feeds()[0].ecosystems, ElementsAre("debian:12"));
  EXPECT_EQ(file->find(*file->ecosystem("debian:12"), "b").size(), 1u);
  EXPECT_EQ(file->find(*file->ecosystem("debian:12"), "bb").size(), 0u);
  EXPECT_EQ(file->ecosystem("debian:1"), nullptr);
}

TEST(AdvisoryFile, FindsNamesThatBeginAlike) {
  const std::vector<std::string> names = {
      "linux-image-1", "linux-image-10", "linux-image-2", "linux", "linux-im", "linux-image", "z",
      "aaaaaaaab"};
  const std::string bytes = compiled(names);
  const AdvisoryFile file(bytes);
  for (const auto& name : names) {
    const auto found = file.find(*file.ecosystem("debian:12"), name);
    ASSERT_EQ(found.size(), 1u) << name;
    EXPECT_EQ(file.text(file.advisory(found[0].advisory).id), name);
  }
}

}  // namespace
}  // namespace hallmark::scan
