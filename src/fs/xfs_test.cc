#include "fs/xfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/process.h"
#include "base/testing.h"
#include "disk/readers.h"
#include "fs/open.h"
#include "fs/testing.h"

namespace hallmark::fs {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// What mkfs.xfs is to put into the image: one line for each file below `directory`.
std::string prototype(const Path& directory) {
  std::string text;
  std::vector<Path> entries;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  for (const Path& entry : entries) {
    struct stat status {};
    ::lstat(entry.c_str(), &status);
    auto line = [&](char type, const std::string& rest) {
      text += fmt::format("{} {}{}-{:03o} {} {}{}\n", entry.filename().string(), type,
                          status.st_mode & 04000 ? 'u' : '-', status.st_mode & 0777u, status.st_uid,
                          status.st_gid, rest);
    };
    if (S_ISLNK(status.st_mode)) {
      line('l', " " + std::filesystem::read_symlink(entry).string());
    } else if (S_ISDIR(status.st_mode)) {
      line('d', "");
      text += prototype(entry) + "$\n";
    } else {
      line('-', " " + entry.string());
    }
  }
  return text;
}

/// An image of `tree`, made without mounting. mkfs.xfs lets only its own tests make small ones.
std::string make_xfs(const Path& tree, const std::vector<std::string>& options,
                     const std::string& size = "24m") {
  TempDir directory;
  Path image = directory.path() / "image", proto = directory.path() / "proto";
  put_file(proto, "/\n0 0\nd--755 0 0\n" + prototype(tree) + "$\n");
  std::vector<std::string> command = {"mkfs.xfs", "-q", "-L", "wurzel", "-p", proto.string()};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {"-d", fmt::format("file,size={},name={}", size, image.string())});
  std::map<std::string, std::string> small = {
      {"TEST_DIR", "1"}, {"TEST_DEV", "1"}, {"QA_CHECK_FS", "1"}};
  check_process({.argv = command, .environment = small});
  return read_file(image);
}

struct Variant {
  const char* name;
  std::vector<std::string> options;
};

class XfsVariants : public ::testing::TestWithParam<Variant> {};

TEST_P(XfsVariants, ReadsWhatWasWritten) {
  TempDir tree;
  // What mkfs.xfs writes for the long ones of version 5 is no XFS: MountedImage has real ones.
  const auto& options = GetParam().options;
  bool version4 = std::find(options.begin(), options.end(), "crc=0") != options.end();
  make_sample(tree.path(), {.longest_link = version4 ? 1023u : 255u});
  auto disk = disk::memory_disk(make_xfs(tree.path(), options));
  EXPECT_EQ(recognise(*disk), "xfs");
  auto files = open_file_system(*disk);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->type(), "xfs");
  EXPECT_EQ(files->label(), "wurzel");
  EXPECT_THAT(files->uuid(), SizeIs(36));
  EXPECT_THAT(files->warnings(), IsEmpty());
  expect_same(*files, tree.path(), {.times = false});
}

INSTANTIATE_TEST_SUITE_P(
    Formats, XfsVariants,
    ::testing::Values(Variant{"Version5", {}}, Variant{"Version4", {"-m", "crc=0"}},
                      Variant{"Version4WithoutTypes", {"-m", "crc=0", "-n", "ftype=0"}},
                      Variant{"OldTimes", {"-m", "bigtime=0"}},
                      Variant{"NewTimes", {"-m", "bigtime=1"}},
                      Variant{"ManyExtents", {"-i", "nrext64=1"}},
                      Variant{"Reflink", {"-m", "reflink=1,rmapbt=1"}},
                      Variant{"Plain", {"-m", "reflink=0,finobt=0", "-i", "sparse=0"}},
                      Variant{"SmallBlocks", {"-b", "size=1024"}},
                      Variant{"SmallestBlocks", {"-m", "crc=0", "-b", "size=512"}},
                      Variant{"LargeDirectoryBlocks", {"-n", "size=16k"}},
                      Variant{"LargeInodes", {"-i", "size=2048"}},
                      Variant{"Groups", {"-d", "agcount=1"}}),
    [](const auto& variant) { return variant.param.name; });

/// Tells blocks of directories by their forms: one block, leaf, and node.
TEST(Xfs, ReadsDirectoriesOfAllSizes) {
  TempDir tree;
  for (int count : {0, 5, 40, 900, 10'000}) {
    for (int i = 0; i < count; ++i) {
      Path name = tree.path() / fmt::format("of{}/file_number_{}", count, i);
      if (i == 0) make_directories(name.parent_path());
      // A link is made faster than a file and lies in its inode.
      std::filesystem::create_symlink(std::to_string(i), name);
    }
  }
  auto disk = disk::memory_disk(make_xfs(tree.path(), {"-b", "size=1024"}, "32m"));
  auto files = open_file_system(*disk);
  for (int count : {5, 40, 900, 10'000}) {
    std::string directory = fmt::format("/of{}", count);
    EXPECT_EQ(files->list(directory).size(), static_cast<std::size_t>(count));
    std::string last = fmt::format("{}/file_number_{}", directory, count - 1);
    EXPECT_EQ(files->stat(last, false).value().link_target, std::to_string(count - 1));
    EXPECT_FALSE(files->stat(directory + "/file_number_x"));
  }
}

/// testdata/make_xfs says how it was made.
TEST(Xfs, ReadsAMountedImage) {
  auto disk = disk::memory_disk(unpacked(Path(HALLMARK_FS_TESTDATA) / "xfs-mounted.img.xz"));
  auto files = open_file_system(*disk);
  std::string fragmented;
  for (int block = 0; block < 2999; ++block) {
    fragmented += std::string(1024, static_cast<char>(block % 2 == 0 ? 'A' + block % 26 : 0));
  }
  EXPECT_TRUE(files->read_file("/fragmented") == fragmented);
  EXPECT_TRUE(files->read_range("/fragmented", 4093, 9001) == fragmented.substr(4093, 9001));
  EXPECT_EQ(files->read_range("/fragmented", fragmented.size(), 1), "");
  EXPECT_TRUE(files->read_file("/original") == fragmented.substr(0, 50'000));
  EXPECT_TRUE(files->read_file("/shared") == fragmented.substr(0, 50'000));
  for (std::size_t length : {300, 600, 1000, 1023}) {
    EXPECT_EQ(files->stat(fmt::format("/link{}", length), false).value().link_target,
              "/" + std::string(length - 1, 'l'));
  }
  EXPECT_EQ(files->read_file("/attributes"), "beside attributes\n");
  EXPECT_EQ(files->stat("/link_with_attributes", false).value().link_target, "short");
  std::string preallocated(300'000, '\0');
  preallocated.replace(100'000, 6, "middle");
  EXPECT_TRUE(files->read_file("/preallocated") == preallocated);
  EXPECT_THAT(files->list("/node"), SizeIs(500));
  EXPECT_EQ(files->stat("/node/file_number_999", false).value().link_target, "999");
  EXPECT_FALSE(files->stat("/node/file_number_998", false));
  EXPECT_EQ(files->stat("/old").value().modified_at, -1'000'000'000);
  EXPECT_EQ(files->stat("/future").value().modified_at, 7'000'000'000);
  EXPECT_EQ(files->stat("/pipe").value().type, FileType::other);
  EXPECT_THAT(files->list("/empty"), IsEmpty());
}

TEST(Xfs, MissingThingsAndWrongTypes) {
  TempDir tree;
  make_sample(tree.path(), {.many = 0, .longest_link = 255});
  auto disk = disk::memory_disk(make_xfs(tree.path(), {}));
  auto files = open_file_system(*disk);
  EXPECT_FALSE(files->stat("/none"));
  EXPECT_FALSE(files->stat("/tiny/below"));
  EXPECT_FALSE(files->stat("/" + std::string(300, 'n')));
  EXPECT_FALSE(files->stat("/loop"));
  EXPECT_FALSE(files->stat("/link255"));
  EXPECT_EQ(files->read_file("/short_link/leaf"), "leaf");
  EXPECT_EQ(files->read_file("/../lib/../../tiny"), "t") << "the root is its own parent";
  EXPECT_EQ(kind_of([&] { files->read_file("/none"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { files->read_file("/usr"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { files->read_file("/large", 3); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { files->list("/tiny"); }), ErrorKind::not_found);
}

TEST(Xfs, ReadsOnlyWhatIsNeeded) {
  TempDir tree;
  make_sample(tree.path(), {.large_bytes = 8'000'000});
  auto disk = disk::memory_disk(make_xfs(tree.path(), {}));
  open_file_system(*disk)->read_file("/etc/os-release");
  EXPECT_LT(disk->fetched_bytes(), 150'000u);
}

TEST(Xfs, WrongChecksumsAreCorrupt) {
  TempDir tree;
  put_file(tree.path() / "file", "content");
  for (int i = 0; i < 60; ++i) put_file(tree.path() / fmt::format("d/{}", i), "");
  const std::string image = make_xfs(tree.path(), {});
  auto broken = [&](std::string bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    auto disk = disk::memory_disk(bytes);
    return error_of([&] { open_file_system(*disk)->list("/d"); });
  };
  Error super = broken(image, 108);
  EXPECT_EQ(super.kind(), ErrorKind::corrupt);
  EXPECT_THAT(super.message(), HasSubstr("checksum"));
  const std::size_t block = image.find("XDB3");
  ASSERT_NE(block, image.npos);
  Error directory = broken(image, block + 70);
  EXPECT_EQ(directory.kind(), ErrorKind::corrupt);
  EXPECT_THAT(directory.full_text(), HasSubstr("while reading /d"));
  const std::size_t inode = image.find("IN\x41\xed");
  ASSERT_NE(inode, image.npos);
  EXPECT_THAT(broken(image, inode + 40).message(), HasSubstr("checksum"));
}

/// The place of the mark that an unmount leaves as the last thing in the log: behind the header of
/// its record.
std::size_t unmount_mark(const std::string& image) {
  std::size_t mark = 0;
  for (std::size_t at = image.find("\xfe\xed\xba\xbe"); at != image.npos;
       at = image.find("\xfe\xed\xba\xbe", at + 512)) {
    if (at % 512 == 0 && (image[at + 512 + 9] & 0x20) != 0) mark = at + 512 + 9;
  }
  return mark;
}

TEST(Xfs, ALogThatWasNotReplayedIsTold) {
  auto warnings_of = [](const std::string& image) {
    auto disk = disk::memory_disk(image);
    return open_file_system(*disk)->warnings();
  };
  TempDir tree;
  for (std::string image : {make_xfs(tree.path(), {"-m", "crc=0"}),
                            unpacked(Path(HALLMARK_FS_TESTDATA) / "xfs-mounted.img.xz")}) {
    EXPECT_THAT(warnings_of(image), IsEmpty());
    const std::size_t mark = unmount_mark(image);
    ASSERT_NE(mark, 0u);
    image[mark] = 0;
    EXPECT_THAT(warnings_of(image), ::testing::ElementsAre(HasSubstr("log was not replayed")));
  }
  // The first block of the log, as the superblock of version 4 has it without a checksum.
  std::string elsewhere = make_xfs(tree.path(), {"-m", "crc=0"});
  std::fill_n(elsewhere.begin() + 48, 8, '\0');
  EXPECT_THAT(warnings_of(elsewhere), ::testing::ElementsAre(HasSubstr("on another disk")));
  std::fill_n(elsewhere.begin() + 48, 8, '\x7f');
  EXPECT_THAT(warnings_of(elsewhere), ::testing::ElementsAre(HasSubstr("cannot be read")));
}

TEST(Xfs, ADirectoryThatIsCutIsCorrupt) {
  TempDir tree;
  for (int i = 0; i < 60; ++i) put_file(tree.path() / fmt::format("d/{}", i), "");
  std::string image = make_xfs(tree.path(), {"-m", "crc=0"});
  auto listed = [](const std::string& bytes) {
    auto disk = disk::memory_disk(bytes);
    return open_file_system(*disk)->list("/d").size();
  };
  EXPECT_EQ(listed(image), 60u);
  // Its size, in the only inode of a directory that has one block of 4,096.
  const std::string one_block("\0\0\0\0\0\0\x10\0", 8);
  bool found = false;
  for (std::size_t at = image.find("IN\x41\xed"); at != image.npos && !found;
       at = image.find("IN\x41\xed", at + 1)) {
    found = image.compare(at + 56, 8, one_block) == 0;
    if (found) image[at + 62] = '\x20';
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(kind_of([&] { listed(image); }), ErrorKind::corrupt);
}

TEST(Xfs, UnknownFeatureIsNamed) {
  TempDir tree;
  std::string image = make_xfs(tree.path(), {});
  image[218] = 1;
  auto disk = disk::memory_disk(image);
  EXPECT_EQ(kind_of([&] { open_file_system(*disk); }), ErrorKind::usage);
}

TEST(Xfs, DamagedImagesNeverCrash) {
  TempDir tree;
  make_sample(tree.path(), {.many = 100, .large_bytes = 100'000});
  // Without checksums, so that what is damaged is looked at.
  expect_only_errors(make_xfs(tree.path(), {"-m", "crc=0", "-d", "agcount=1"}, "16m"), 400'000);
}

}  // namespace
}  // namespace hallmark::fs
