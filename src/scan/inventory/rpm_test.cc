#include "scan/inventory/rpm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "base/files.h"
#include "base/process.h"
#include "base/testing.h"
#include "base/text.h"
#include "scan/inventory/memory_files.h"
#include "scan/inventory/owned.h"
#include "scan/inventory/rpm_header.h"

namespace hallmark::scan {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

/// Headers out of a database that rpm 4.18 made of packages that rpmbuild made.
std::string recorded(const std::string& name) {
  std::string hex = read_file(Path(HALLMARK_INVENTORY_TESTDATA) / ("rpm_header_" + name + ".hex"));
  return from_hex(to_lower(replace_all(hex, "\n", "")));
}

std::string number(std::uint64_t value, int length, bool big_endian = false) {
  std::string bytes;
  for (int i = 0; i < length; ++i) bytes += static_cast<char>(value >> (8 * i));
  if (big_endian) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

std::string ndb(const std::vector<std::string>& blobs) {
  std::string slots = "RpmP" + number(0, 4) + number(1, 4) + number(1, 4) + number(9, 4);
  slots.resize(32);
  std::string content;
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    const std::size_t blocks = (16 + blobs[i].size() + 12 + 15) / 16;
    slots +=
        "Slot" + number(i + 1, 4) + number((4096 + content.size()) / 16, 4) + number(blocks, 4);
    std::string blob = "BlbS" + number(i + 1, 4) + number(1, 4) + number(blobs[i].size(), 4);
    blob += blobs[i];
    blob.resize(blocks * 16 - 12);
    content += blob + number(0, 4) + number(blobs[i].size(), 4) + "BlbE";
  }
  while (slots.size() < 4096) slots += "Slot" + std::string(12, '\0');
  return slots + content;
}

/// One page of pairs: the first value lies in it, the others in chains of their own.
std::string berkeley(const std::vector<std::string>& blobs, bool big_endian) {
  constexpr std::size_t kPage = 4096;
  auto u16 = [&](std::uint64_t value) { return number(value, 2, big_endian); };
  auto u32 = [&](std::uint64_t value) { return number(value, 4, big_endian); };
  std::string meta = std::string(12, '\0') + u32(0x061561) + u32(9) + u32(kPage);
  meta += std::string("\0\x08", 2);
  meta.resize(kPage);
  std::string page(kPage, '\0'), index, overflow;
  std::size_t end = kPage;
  auto put = [&](const std::string& item) {
    end -= item.size();
    page.replace(end, item.size(), item);
    index += u16(end);
  };
  put(std::string(1, 1) + u32(0));
  put(std::string(1, 1) + u32(7));
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    put(std::string(1, 1) + u32(i + 1));
    if (i == 0) {
      put(std::string(1, 1) + blobs[i]);
      continue;
    }
    put(std::string("\3\0\0\0", 4) + u32(2 + overflow.size() / kPage) + u32(blobs[i].size()));
    for (std::size_t at = 0; at < blobs[i].size(); at += 1000) {
      const std::string part = blobs[i].substr(at, 1000);
      const std::size_t next = at + 1000 < blobs[i].size() ? 3 + overflow.size() / kPage : 0;
      std::string chained = std::string(16, '\0') + u32(next) + u16(0) + u16(part.size());
      chained += std::string("\0\7", 2) + part;
      chained.resize(kPage);
      overflow += chained;
    }
  }
  const std::string header =
      std::string(20, '\0') + u16(index.size() / 2) + u16(end) + std::string("\0\x0d", 2) + index;
  page.replace(0, header.size(), header);
  return meta + page + overflow;
}

/// The database and its log, if it keeps one.
std::pair<std::string, std::string> sqlite(const std::vector<std::string>& blobs,
                                           const std::string& before = "") {
  TempDir directory;
  const Path file = directory.path() / "rpmdb.sqlite";
  std::string sql =
      "PRAGMA synchronous=OFF;\n" + before +
      "BEGIN; CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT "
      "NULL); CREATE TABLE Name (key TEXT);";
  for (const std::string& blob : blobs) {
    if (&blob == &blobs.back()) sql += "COMMIT; BEGIN;";
    sql += "INSERT INTO Packages(blob) VALUES (X'" + to_hex(blob) + "');";
  }
  sql += "COMMIT;";
  check_process({.argv = {"sqlite3", file.string()}, .stdin_text = sql});
  const Path log = file.string() + "-wal";
  return {read_file(file), std::filesystem::exists(log) ? read_file(log) : ""};
}

model::Inventory read(RpmDatabase kind, const std::string& bytes, const std::string& log = "") {
  model::Inventory inventory;
  read_rpm_database(inventory, kind, bytes, log, "db");
  return inventory;
}

auto names() {
  return ElementsAre(Field(&model::Package::name, "demo"), Field(&model::Package::name, "nodejs"));
}

/// One without digests, as rpm had them long ago. Each tag has texts, or numbers.
std::string header_of(
    const std::vector<std::tuple<std::uint32_t, std::uint32_t, std::vector<std::string>>>& tags) {
  std::string index, data;
  for (const auto& [tag, type, values] : tags) {
    index += number(tag, 4, true) + number(type, 4, true) + number(data.size(), 4, true) +
             number(values.size(), 4, true);
    for (const std::string& value : values) {
      data += type == 4 ? number(std::stoul(value), 4, true) : value + std::string(1, '\0');
    }
  }
  return number(tags.size(), 4, true) + number(data.size(), 4, true) + index + data;
}

constexpr std::uint32_t kNumbers = 4, kText = 6, kTexts = 8;

TEST(RpmHeader, NamesItsFiles) {
  auto files_of = [](const std::string& header) {
    std::vector<std::string> paths;
    each_rpm_file(header, [&](std::string path) { paths.push_back(std::move(path)); });
    return paths;
  };
  EXPECT_THAT(files_of(header_of({{1116, kNumbers, {"1", "0"}},
                                  {1117, kTexts, {"a", "b"}},
                                  {1118, kTexts, {"/usr/x/", "/etc/"}}})),
              ElementsAre("/etc/a", "/usr/x/b"));
  EXPECT_THAT(files_of(header_of({{1027, kTexts, {"/old/a"}}})), ElementsAre("/old/a"));
  EXPECT_THAT(files_of(header_of({{1000, kText, {"none"}}})), IsEmpty());
  for (const std::string& broken :
       {header_of({{1116, kNumbers, {"7"}}, {1117, kTexts, {"a"}}, {1118, kTexts, {"/"}}}),
        header_of({{1116, kNumbers, {}}, {1117, kTexts, {"a"}}, {1118, kTexts, {"/"}}}),
        header_of({{1117, kTexts, {"a"}}})}) {
    EXPECT_EQ(kind_of([&] { files_of(broken); }), ErrorKind::corrupt);
  }
}

TEST(Rpm, BroughtWhatItsListSays) {
  const std::string gem = "s.name = \"rack\"\ns.version = \"2.2.3\"\n";
  MemoryFiles files;
  files.add("/usr/lib/sysimage/rpm/Packages.db",
            ndb({header_of({{1000, kText, {"rubygem-rack"}},
                            {1116, kNumbers, {"0"}},
                            {1117, kTexts, {"rack-2.2.3.gemspec"}},
                            {1118, kTexts, {"/usr/share/gems/specifications/"}}})}));
  model::Inventory inventory;
  for (const char* place :
       {"/usr/share/gems/specifications/", "/usr/share/other/specifications/"}) {
    inventory.packages.push_back({.name = "rack",
                                  .version = "2.2.3",
                                  .architecture = "",
                                  .source_name = "rack",
                                  .source_version = "2.2.3",
                                  .manager = "ruby",
                                  .path = std::string(place) + "rack-2.2.3.gemspec"});
  }
  leave_out_owned(inventory, files);
  ASSERT_THAT(inventory.packages, SizeIs(1));
  EXPECT_THAT(inventory.packages[0].path, HasSubstr("/usr/share/other/"));
}

TEST(RpmHeader, SaysWhatAPackageIs) {
  auto demo = parse_rpm_header(recorded("demo"));
  ASSERT_TRUE(demo);
  EXPECT_EQ(demo->name, "demo");
  EXPECT_EQ(demo->version, "2:1.5-3.el9");
  EXPECT_EQ(demo->architecture, "noarch");
  EXPECT_EQ(demo->source_name, "demo");
  EXPECT_EQ(demo->source_version, "2:1.5-3.el9");
  EXPECT_EQ(demo->manager, "rpm");
  EXPECT_EQ(demo->module, "");
  auto module = parse_rpm_header(recorded("module"));
  ASSERT_TRUE(module);
  EXPECT_EQ(module->version, "18.19.0-1.module+el9");
  EXPECT_EQ(module->module, "nodejs:18");
}

TEST(RpmHeader, OneThatWasChangedIsNotBelieved) {
  std::string changed = recorded("demo");
  const std::size_t at = changed.find("1.5");
  ASSERT_NE(at, changed.npos);
  changed[at] = '9';
  Error error = error_of([&] { parse_rpm_header(changed); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.message(), HasSubstr("its digest does not hold"));
}

TEST(RpmHeader, OneThatIsCutOffAnywhereIsCorrupt) {
  const std::string whole = recorded("demo");
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_EQ(kind_of([&] { parse_rpm_header(whole.substr(0, size)); }), ErrorKind::corrupt);
  }
}

TEST(RpmHeader, TakesASourceNameApart) {
  EXPECT_THAT(parse_source_rpm("a-b-1.0-2.el9.src.rpm"), Pair("a-b", "1.0-2.el9"));
  EXPECT_THAT(parse_source_rpm("a-1-2.nosrc.rpm"), Pair("a", "1-2"));
  EXPECT_EQ(parse_source_rpm("a-1.src.rpm").first, "");
  EXPECT_EQ(parse_source_rpm("(none)").first, "");
}

TEST(RpmDatabases, EachGivesEveryPackage) {
  const std::vector<std::string> blobs = {recorded("demo"), recorded("module")};
  auto check = [](const model::Inventory& inventory) {
    EXPECT_THAT(inventory.packages, names());
    EXPECT_THAT(inventory.gaps, IsEmpty());
  };
  check(read(RpmDatabase::ndb, ndb(blobs)));
  check(read(RpmDatabase::berkeley, berkeley(blobs, false)));
  check(read(RpmDatabase::berkeley, berkeley(blobs, true)));
  check(read(RpmDatabase::sqlite, sqlite(blobs, "PRAGMA page_size=512;").first));
  check(read(RpmDatabase::sqlite, sqlite(blobs, "PRAGMA page_size=65536;").first));
}

TEST(RpmDatabases, ManyPackagesMakeATreeOfPages) {
  std::vector<std::string> blobs(300, recorded("demo"));
  model::Inventory inventory = read(RpmDatabase::sqlite, sqlite(blobs).first);
  EXPECT_THAT(inventory.packages, SizeIs(300));
  EXPECT_THAT(inventory.gaps, IsEmpty());
}

TEST(RpmDatabases, WhatTheLogCommittedCounts) {
  auto [file, log] = sqlite({recorded("demo"), recorded("module")},
                            ".dbconfig no_ckpt_on_close on\nPRAGMA journal_mode=WAL;\n");
  ASSERT_FALSE(log.empty());
  EXPECT_THAT(read(RpmDatabase::sqlite, file, log).packages, names());
  // Its last commit is lost with its last byte.
  log.pop_back();
  EXPECT_THAT(read(RpmDatabase::sqlite, file, log).packages, SizeIs(1));
  EXPECT_THAT(read(RpmDatabase::sqlite, file).gaps, SizeIs(1));
}

TEST(RpmDatabases, ABrokenPackageIsAGapAndTheRestIsRead) {
  std::string broken = recorded("demo");
  broken[broken.find("1.5")] = '9';
  const std::vector<std::string> blobs = {broken, recorded("module")};
  for (const model::Inventory& inventory :
       {read(RpmDatabase::ndb, ndb(blobs)), read(RpmDatabase::berkeley, berkeley(blobs, false)),
        read(RpmDatabase::sqlite, sqlite(blobs).first)}) {
    EXPECT_THAT(inventory.packages, SizeIs(1));
    ASSERT_THAT(inventory.gaps, SizeIs(1));
    EXPECT_THAT(inventory.gaps[0].reason, HasSubstr("demo was changed"));
  }
}

TEST(RpmDatabases, ChainsThatRunInCirclesEnd) {
  std::string file = berkeley({recorded("demo"), recorded("module")}, false);
  // The first page of the second value names itself as the next.
  file.replace(2 * 4096 + 16, 4, number(2, 4));
  model::Inventory inventory = read(RpmDatabase::berkeley, file);
  EXPECT_THAT(inventory.packages, SizeIs(1));
  ASSERT_THAT(inventory.gaps, SizeIs(1));
  EXPECT_THAT(inventory.gaps[0].reason, HasSubstr("page 2 is used twice"));
}

TEST(RpmDatabases, WhatIsNoneIsAGap) {
  for (RpmDatabase kind : {RpmDatabase::sqlite, RpmDatabase::ndb, RpmDatabase::berkeley}) {
    for (const std::string& bytes : {std::string(), std::string(5000, 'x')}) {
      model::Inventory inventory = read(kind, bytes);
      EXPECT_THAT(inventory.packages, IsEmpty());
      EXPECT_THAT(inventory.gaps, Each(Field(&model::CoverageGap::what, "db")));
      EXPECT_THAT(inventory.gaps, SizeIs(1));
    }
  }
}

TEST(RpmDatabases, EveryLostPackageIsSaidUpToALimit) {
  std::string slots = "RpmP" + number(0, 4) + number(1, 4) + number(1, 4) + number(9, 4);
  slots.resize(4096);
  EXPECT_THAT(read(RpmDatabase::ndb, slots).gaps, SizeIs(101));
}

TEST(Rpm, FindsWhicheverDatabaseIsThere) {
  model::Inventory inventory;
  MemoryFiles none;
  EXPECT_FALSE(read_rpm(inventory, none));
  MemoryFiles suse{{"/usr/lib/sysimage/rpm/Packages.db", ndb({recorded("demo")})}};
  suse.add_link("/var/lib/rpm", "/usr/lib/sysimage/rpm");
  EXPECT_TRUE(read_rpm(inventory, suse));
  EXPECT_THAT(inventory.packages, SizeIs(1));
  EXPECT_THAT(inventory.gaps, IsEmpty());
}

}  // namespace
}  // namespace hallmark::scan
