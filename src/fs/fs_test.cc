#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "base/error.h"
#include "base/process.h"
#include "base/testing.h"
#include "disk/readers.h"
#include "fs/open.h"

namespace hallmark::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kMiB = 1 << 20;

/// A directory tree that `image` turns into a file system.
class Tree {
 public:
  Path root() const { return directory_.path() / "tree"; }
  Tree() { make_directories(root()); }
  void link(const std::string& target, const std::string& name) const {
    make_directories((root() / name).parent_path());
    std::filesystem::create_symlink(target, root() / name);
  }
  void file(const std::string& name, const std::string& content) const {
    write_file(root() / name, content);
  }
  std::string image(std::vector<std::string> options = {"-t", "ext4"},
                    std::size_t size = 8 * kMiB) const {
    Path path = directory_.path() / "image";
    std::filesystem::remove(path);
    std::vector<std::string> command = {"mke2fs", "-q", "-d", root().string()};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {path.string(), std::to_string(size / 1024)});
    check_process({.argv = command});
    return read_file(path);
  }

 private:
  TempDir directory_;
};

std::string random_text(std::size_t size) {
  std::mt19937 random(1);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

struct Variant {
  const char* name;
  const char* type;
  std::vector<std::string> options;
};

class ExtVariants : public ::testing::TestWithParam<Variant> {};

TEST_P(ExtVariants, ReadsWhatWasWritten) {
  Tree tree;
  std::string large = random_text(3 * kMiB + 17);
  tree.file("etc/os-release", "ID=debian\n");
  tree.file("usr/large", large);
  tree.file("usr/empty", "");
  tree.file("usr/tiny", "t");
  for (int i = 0; i < 300; ++i) {
    tree.file(fmt::format("many/a rather long file name, number {}", i), std::to_string(i));
  }
  tree.link("usr/large", "large");
  tree.link("/etc", "abs");
  tree.link("../" + std::string(80, 'x') + "/../usr/tiny", "usr/slow");
  make_directories(tree.root() / std::string(80, 'x'));
  ::chmod((tree.root() / "usr/tiny").c_str(), 04755);
  std::vector<std::string> options = GetParam().options;
  auto disk = disk::memory_disk(tree.image(options, 16 * kMiB));
  EXPECT_EQ(recognise(*disk), "ext");
  auto fs = open_file_system(*disk);
  ASSERT_TRUE(fs);
  EXPECT_EQ(fs->type(), GetParam().type);
  EXPECT_EQ(fs->label(), "wurzel");
  EXPECT_THAT(fs->warnings(), IsEmpty());
  EXPECT_TRUE(fs->read_file("/usr/large") == large);
  EXPECT_TRUE(fs->read_file("/large") == large);
  EXPECT_EQ(fs->read_range("/usr/large", kMiB - 3, 10), large.substr(kMiB - 3, 10));
  EXPECT_EQ(fs->read_range("/large", large.size() - 2, 10), large.substr(large.size() - 2));
  EXPECT_EQ(fs->read_range("/usr/large", large.size(), 10), "");
  std::vector<DirectoryEntry> entries = fs->entries("/usr");
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[1].name, "large");
  EXPECT_EQ(entries[1].info.size_bytes, large.size());
  EXPECT_EQ(entries[2].info.type, FileType::symlink);
  EXPECT_EQ(entries[3].info.mode, 04755u);
  EXPECT_EQ(fs->read_file("/usr/empty"), "");
  EXPECT_EQ(fs->read_file("/abs/os-release"), "ID=debian\n");
  EXPECT_EQ(fs->read_file("/usr/slow"), "t");
  EXPECT_EQ(fs->read_file("/../usr/./../usr//tiny"), "t");
  EXPECT_EQ(fs->list("/many").size(), 300u);
  EXPECT_EQ(fs->read_file("/many/a rather long file name, number 299"), "299");
  EXPECT_THAT(fs->list("/usr"), ElementsAre("empty", "large", "slow", "tiny"));
  FileInfo tiny = fs->stat("/usr/tiny").value();
  EXPECT_EQ(tiny.mode, 04755u);
  EXPECT_EQ(tiny.type, FileType::regular);
  EXPECT_EQ(tiny.size_bytes, 1u);
  struct stat real {};
  ::stat((tree.root() / "usr/tiny").c_str(), &real);
  EXPECT_EQ(tiny.modified_at, real.st_mtime);
  EXPECT_EQ(tiny.uid, real.st_uid);
}

INSTANTIATE_TEST_SUITE_P(
    Types, ExtVariants,
    ::testing::Values(
        Variant{"Ext4", "ext4", {"-t", "ext4", "-L", "wurzel"}},
        Variant{"Ext3", "ext3", {"-t", "ext3", "-L", "wurzel"}},
        Variant{"Ext2", "ext2", {"-t", "ext2", "-L", "wurzel", "-b", "1024"}},
        Variant{"InlineData", "ext4", {"-t", "ext4", "-L", "wurzel", "-O", "inline_data"}},
        Variant{"Bit64", "ext4", {"-t", "ext4", "-L", "wurzel", "-O", "64bit,metadata_csum"}},
        Variant{"SmallInodes", "ext4", {"-t", "ext4", "-L", "wurzel", "-I", "128"}}),
    [](const auto& variant) { return variant.param.name; });

TEST(Ext, MissingThingsAndWrongTypes) {
  Tree tree;
  tree.file("dir/file", "content");
  tree.link("loop", "loop");
  tree.link("gone", "dangling");
  auto disk = disk::memory_disk(tree.image());
  auto fs = open_file_system(*disk);
  EXPECT_FALSE(fs->stat("/none"));
  EXPECT_FALSE(fs->stat("/dir/file/below"));
  EXPECT_FALSE(fs->stat("/" + std::string(300, 'n')));
  EXPECT_FALSE(fs->stat("/loop"));
  EXPECT_FALSE(fs->stat("/dangling"));
  FileInfo link = fs->stat("/dangling", false).value();
  EXPECT_EQ(link.type, FileType::symlink);
  EXPECT_EQ(link.link_target, "gone");
  EXPECT_EQ(fs->stat("/")->type, FileType::directory);
  EXPECT_EQ(error_of([&] { fs->read_file("/none"); }).kind(), ErrorKind::not_found);
  EXPECT_EQ(error_of([&] { fs->read_file("/dir"); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([&] { fs->read_file("/dir/file", 3); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([&] { fs->list("/dir/file"); }).kind(), ErrorKind::not_found);
}

TEST(Ext, UncleanJournalIsAWarning) {
  std::string image = Tree().image();
  // Bit 2 of the incompatible features in the superblock; without metadata_csum it has no checksum.
  std::string plain = Tree().image({"-t", "ext4", "-O", "^metadata_csum"});
  plain[1024 + 96] = static_cast<char>(plain[1024 + 96] | 4);
  auto disk = disk::memory_disk(plain);
  EXPECT_THAT(open_file_system(*disk)->warnings(), ElementsAre(HasSubstr("journal")));
}

TEST(Ext, BrokenSuperblockIsCorrupt) {
  std::string image = Tree().image();
  image[1024 + 24] = 60;  // block size
  auto disk = disk::memory_disk(image);
  EXPECT_EQ(error_of([&] { open_file_system(*disk); }).kind(), ErrorKind::corrupt);
}

TEST(Ext, UnknownFeatureIsNamed) {
  std::string image = Tree().image({"-t", "ext4", "-O", "^metadata_csum"});
  image[1024 + 99] = static_cast<char>(0x80);
  auto disk = disk::memory_disk(image);
  EXPECT_EQ(error_of([&] { open_file_system(*disk); }).kind(), ErrorKind::usage);
}

TEST(Ext, CutImageIsCorrupt) {
  Tree tree;
  tree.file("large", random_text(6 * kMiB));
  std::string image = tree.image({"-t", "ext4"}, 12 * kMiB);
  image.resize(4 * kMiB);
  auto disk = disk::memory_disk(image);
  auto fs = open_file_system(*disk);
  Error error = error_of([&] { fs->read_file("/large"); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.full_text(), HasSubstr("/large"));
}

TEST(Ext, DamagedImagesNeverCrash) {
  Tree tree;
  tree.file("etc/os-release", "ID=debian\n");
  tree.file("var/lib/dpkg/status", random_text(100000));
  tree.link("etc", "link");
  const std::string image = tree.image({"-t", "ext4", "-O", "^metadata_csum"}, 2 * kMiB);
  std::mt19937 random(3);
  for (int round = 0; round < 150; ++round) {
    std::string damaged = image;
    // Metadata lies in the first part; hit it hard.
    for (int i = 0; i < 40; ++i) damaged[1100 + random() % 120000] = static_cast<char>(random());
    auto disk = disk::memory_disk(damaged);
    try {
      auto fs = open_file_system(*disk);
      if (!fs) continue;
      for (const char* path : {"/etc", "/link", "/var/lib/dpkg", "/"}) {
        try {
          fs->list(path);
          fs->stat(std::string(path) + "/status");
        } catch (const Error&) {
        }
      }
      fs->read_file("/var/lib/dpkg/status");
    } catch (const Error&) {
    }
  }
}

TEST(Recognise, NamesWhatItCannotRead) {
  auto with = [](std::size_t offset, std::string_view magic) {
    std::string bytes(128 * 1024, '\0');
    bytes.replace(offset, magic.size(), magic);
    auto disk = disk::memory_disk(bytes);
    EXPECT_EQ(open_file_system(*disk), nullptr);
    return recognise(*disk);
  };

  EXPECT_EQ(with(0, "LUKS\xba\xbe"), "luks");
  EXPECT_EQ(with(512, "LABELONE"), "lvm");
  EXPECT_EQ(with(4086, "SWAPSPACE2"), "swap");
  EXPECT_EQ(with(82, "FAT32   "), "vfat");
  EXPECT_EQ(with(100, "nothing known"), "");
  EXPECT_EQ(with(0, ""), "zeros");
  auto tiny = disk::memory_disk(std::string(10, 'x'));
  EXPECT_EQ(recognise(*tiny), "");
}

}  // namespace
}  // namespace hallmark::fs
