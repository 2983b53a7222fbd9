#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "disk/readers.h"
#include "scan/scan.h"

namespace hallmark::scan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kMiB = 1 << 20;
constexpr const char* kStatus =
    "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13-1\n\n"
    "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n";
constexpr const char* kRelease = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";

using Files = std::map<std::string, std::string>;

Files system_files() {
  return {{"usr/lib/os-release", kRelease},       {"var/lib/dpkg/status", kStatus},
          {"var/lib/dpkg/arch", "amd64\ni386\n"}, {"boot/vmlinuz-6.1.0-9-amd64", "k"},
          {"lib/modules/6.1.0-9-amd64/x", "m"},   {"lib/modules/6.1.0-8-amd64/x", "m"}};
}

std::string file_system(const Files& files, const std::string& kibibytes = "4096",
                        std::vector<std::string> options = {}) {
  TempDir directory;
  Path tree = directory.path() / "tree", image = directory.path() / "image";
  make_directories(tree);
  for (const auto& [name, content] : files) write_file(tree / name, content);
  std::vector<std::string> command = {"mke2fs", "-q", "-t", "ext4", "-d", tree.string()};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {image.string(), kibibytes});
  check_process({.argv = command});
  return read_file(image);
}

/// A GPT disk whose partitions of 4 MiB hold `contents`, with the given types.
std::string gpt_disk(const std::vector<std::pair<std::string, std::string>>& contents) {
  TempDir directory;
  Path file = directory.path() / "disk";
  std::string script = "label: gpt\n";
  for (std::size_t i = 0; i < contents.size(); ++i) {
    script += fmt::format("start={}, size=8192, type={}\n", 2048 + i * 8192, contents[i].first);
  }
  write_file(file, std::string((2 + 4 * contents.size()) * kMiB, '\0'));
  check_process({.argv = {"sfdisk", "-q", "--no-reread", "--no-tell-kernel", file.string()},
                 .stdin_text = script});
  std::string disk = read_file(file);
  for (std::size_t i = 0; i < contents.size(); ++i) {
    disk.replace((1 + 4 * i) * kMiB, contents[i].second.size(), contents[i].second);
  }
  return disk;
}

constexpr const char* kRootType = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709";
constexpr const char* kDataType = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
constexpr const char* kBiosType = "21686148-6449-6E6F-744E-656564454649";

model::Inventory inventory_of(const std::string& bytes) {
  auto disk = disk::memory_disk(bytes);
  return take_inventory(*disk);
}

auto gap(const std::string& what, const std::string& reason) {
  return ::testing::AllOf(Field(&model::CoverageGap::what, HasSubstr(what)),
                          Field(&model::CoverageGap::reason, HasSubstr(reason)));
}

TEST(Inventory, ReadsARootPartition) {
  model::Inventory found = inventory_of(
      gpt_disk({{kBiosType, "boot loader"}, {kRootType, file_system(system_files())}}));
  EXPECT_THAT(found.gaps, IsEmpty());
  EXPECT_EQ(found.distribution.id, "debian");
  EXPECT_EQ(found.distribution.codename, "bookworm");
  EXPECT_EQ(found.architecture, "amd64");
  ASSERT_THAT(found.packages, SizeIs(2));
  EXPECT_EQ(found.packages[0].name, "base-files");
  EXPECT_EQ(found.packages[1].version, "1:1.2.13-1");
  EXPECT_THAT(found.kernels, ElementsAre("6.1.0-8-amd64", "6.1.0-9-amd64"));
  EXPECT_EQ(found.disk_size_bytes, 10 * kMiB);
  EXPECT_GT(found.fetched_bytes, 0u);
  EXPECT_LT(found.fetched_bytes, 500'000u);
}

TEST(Inventory, ReadsADiskWithoutPartitionsAndStatusD) {
  Files files = {{"etc/os-release", kRelease},
                 {"var/lib/dpkg/status.d/base",
                  "Package: base-files\nVersion: 12\n"
                  "Architecture: amd64\n"},
                 {"var/lib/dpkg/status.d/base.md5sums", "not deb822"}};
  model::Inventory found = inventory_of(file_system(files));
  EXPECT_THAT(found.gaps, IsEmpty());
  EXPECT_THAT(found.packages, SizeIs(1));
  EXPECT_EQ(found.architecture, "amd64");
}

TEST(Inventory, ReadsThroughQcow2) {
  TempDir directory;
  std::string raw = (directory.path() / "raw").string();
  std::string image = (directory.path() / "image").string();
  write_file(raw, gpt_disk({{kRootType, file_system(system_files())}}));
  check_process({.argv = {"qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, image}});
  auto disk = disk::open_disk(image);
  EXPECT_THAT(take_inventory(*disk).packages, SizeIs(2));
}

TEST(Inventory, PackagesAloneAreReadWithoutLookingAtEachFile) {
  Files files = system_files();
  files["usr/local/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA"] =
      "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n";
  const std::string bytes = file_system(files);
  const auto names = [&](const InventoryOptions& options) {
    auto disk = disk::memory_disk(bytes);
    std::vector<std::string> found;
    for (const auto& package : take_inventory(*disk, options).packages)
      found.push_back(package.name);
    return found;
  };
  EXPECT_THAT(names({}), ElementsAre("base-files", "six", "zlib1g"));
  EXPECT_THAT(names({.files = false}), ElementsAre("base-files", "zlib1g"));
  auto disk = disk::memory_disk(bytes);
  EXPECT_THAT(take_inventory(*disk, {.files = false}).facts, IsEmpty());
}

TEST(Inventory, ChoosesTheRootAndReportsTheOther) {
  Files other = system_files();
  other["var/lib/dpkg/status"] = "";
  model::Inventory found = inventory_of(
      gpt_disk({{kDataType, file_system(other)}, {kRootType, file_system(system_files())}}));
  EXPECT_THAT(found.packages, SizeIs(2));
  EXPECT_THAT(found.gaps, ElementsAre(gap("partition 1", "second operating system")));
  found =
      inventory_of(gpt_disk({{kDataType, file_system(other)},
                             {kDataType, file_system(system_files(), "4096", {"-L", "root"})}}));
  EXPECT_THAT(found.packages, SizeIs(2));
}

TEST(Inventory, NamesWhatItCannotRead) {
  std::string f2fs = std::string(1024, '\0') + "\x10\x20\xf5\xf2" + std::string(100, '\0');
  std::string luks = "LUKS\xba\xbe" + std::string(100, '\0');
  model::Inventory found = inventory_of(gpt_disk({{kRootType, file_system(system_files())},
                                                  {kDataType, f2fs},
                                                  {kDataType, luks},
                                                  {kDataType, "what is this"},
                                                  {kDataType, ""}}));
  EXPECT_THAT(found.gaps, ElementsAre(gap("partition 2", "f2fs"), gap("partition 3", "luks"),
                                      gap("partition 4", "not recognised")));
}

TEST(Inventory, EmptyDiskAndNoSystem) {
  EXPECT_THAT(inventory_of(std::string(kMiB, '\0')).gaps,
              ElementsAre(gap("root file system", "os-release")));
  EXPECT_THAT(inventory_of("").gaps, ElementsAre(gap("root file system", "os-release")));
  EXPECT_THAT(inventory_of(file_system({{"data", "x"}})).gaps,
              ElementsAre(gap("root file system", "os-release")));
}

TEST(Inventory, OtherSoftwareAndInterruptedDpkgAreGaps) {
  Files files = system_files();
  files["var/lib/dpkg/updates/0001"] = "Package: x\n";
  files["var/lib/snapd/snaps/a.snap"] = "s";
  files["var/lib/rpm/rpmdb.sqlite"] = "r";
  model::Inventory found = inventory_of(file_system(files));
  EXPECT_THAT(found.gaps, ElementsAre(gap("updates", "interrupted"),
                                      gap("rpm", "no SQLite database"), gap("snap a", "not read")));
}

TEST(Inventory, MissingPackageDatabaseIsAGap) {
  EXPECT_THAT(inventory_of(file_system({{"etc/os-release", kRelease}})).gaps,
              ElementsAre(gap("package database", "none of dpkg, rpm or apk")));
}

TEST(Inventory, EqualsDpkgQueryOfThisMachine) {
  auto status = read_file_if_exists("/var/lib/dpkg/status");
  if (!status || !find_program("dpkg-query")) GTEST_SKIP() << "this machine has no dpkg";
  // dpkg-query looks at the same copy, so that an installation meanwhile does no harm.
  TempDir admin;
  write_file(admin.path() / "status", *status);
  make_directories(admin.path() / "updates");
  make_directories(admin.path() / "info");
  ProcessResult listed = check_process(
      {.argv = {"dpkg-query", "--admindir=" + admin.path().string(), "-W", "-f",
                "${db:Status-Status} ${Package} ${Architecture} ${Version} ${source:Package} "
                "${source:Version}\n"},
       .keep_bytes = 64 * kMiB});
  std::vector<std::string> expected;
  for (const std::string& line : split(listed.out, '\n')) {
    constexpr std::string_view kInstalled = "installed ";
    if (line.starts_with(kInstalled)) expected.push_back(line.substr(kInstalled.size()));
  }
  Files files = system_files();
  files["var/lib/dpkg/status"] = *status;
  std::vector<std::string> found;
  for (const model::Package& package : inventory_of(file_system(files, "16384")).packages) {
    found.push_back(fmt::format("{} {} {} {} {}", package.name, package.architecture,
                                package.version, package.source_name, package.source_version));
  }
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(found, expected);
}

TEST(Inventory, CutDiskIsAGapAndNoError) {
  std::string disk = gpt_disk({{kBiosType, ""}, {kRootType, file_system(system_files())}});
  disk.resize(5 * kMiB + 100'000);
  model::Inventory found = inventory_of(disk);
  EXPECT_THAT(found.packages, IsEmpty());
  EXPECT_THAT(found.gaps, Contains(gap("partition table", "partition 2")));
}

}  // namespace
}  // namespace hallmark::scan
