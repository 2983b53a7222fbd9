#include "fs/btrfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.h"
#include "base/testing.h"
#include "disk/readers.h"
#include "fs/open.h"
#include "fs/testing.h"

namespace hallmark::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string make_btrfs(const Path& tree, const std::vector<std::string>& options = {}) {
  TempDir directory;
  Path image = directory.path() / "image";
  put_file(image, "");
  std::filesystem::resize_file(image, 32 << 20);
  std::vector<std::string> command = {"mkfs.btrfs", "-q",     "-f",        "-M",
                                      "-L",         "wurzel", "--rootdir", tree.string()};
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(image.string());
  check_process({.argv = command});
  return read_file(image);
}

struct Variant {
  const char* name;
  std::vector<std::string> options;
};

class BtrfsVariants : public ::testing::TestWithParam<Variant> {};

TEST_P(BtrfsVariants, ReadsWhatWasWritten) {
  TempDir tree;
  make_sample(tree.path());
  auto disk = disk::memory_disk(make_btrfs(tree.path(), GetParam().options));
  EXPECT_EQ(recognise(*disk), "btrfs");
  auto files = open_file_system(*disk);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->label(), "wurzel");
  EXPECT_THAT(files->uuid(), SizeIs(36));
  EXPECT_THAT(files->warnings(), IsEmpty());
  expect_same(*files, tree.path());
}

INSTANTIATE_TEST_SUITE_P(Formats, BtrfsVariants,
                         ::testing::Values(Variant{"Default", {}},
                                           Variant{"SmallNodes", {"-n", "4096"}},
                                           Variant{"Sha256", {"--csum", "sha256"}}),
                         [](const auto& variant) { return variant.param.name; });

/// testdata/make_btrfs says how it was made.
TEST(Btrfs, ReadsAMountedImage) {
  auto disk = disk::memory_disk(unpacked(Path(HALLMARK_FS_TESTDATA) / "btrfs-mounted.img.xz"));
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += fmt::format("line {} of golden text\n", i);
  auto top = open_btrfs(*disk, "/");
  EXPECT_THAT(top->list("/"), ElementsAre("@", "@var", "plain"));
  for (const char* packing : {"none", "zlib", "lzo", "zstd"}) {
    EXPECT_TRUE(top->read_file(fmt::format("/@/{}", packing)) == text) << packing;
    EXPECT_EQ(top->read_file(fmt::format("/@/small_{}", packing)), text.substr(0, 1500));
  }
  auto files = open_file_system(*disk);  // @ is the default
  std::string holes = std::string(100'000, '\0') + "middle" + std::string(200'000 - 6, '\0');
  EXPECT_TRUE(files->read_file("/holes") == holes);
  std::string patched = text;
  patched.replace(50'000, 7, "patched");
  EXPECT_TRUE(files->read_file("/patched") == patched);
  EXPECT_TRUE(files->read_file("/shared") == text);
  EXPECT_THAT(files->list("/many"), SizeIs(700));
  EXPECT_EQ(files->read_file("/nested/inside"), "in a subvolume of a subvolume\n");
  EXPECT_EQ(open_btrfs(*disk, "@var")->read_file("/log"), "log\n");
  EXPECT_EQ(open_btrfs(*disk, "@/nested")->read_file("/inside").size(), 30u);
  EXPECT_EQ(kind_of([&] { open_btrfs(*disk, "none"); }), ErrorKind::not_found);
}

TEST(Btrfs, WrongChecksumsAreCorrupt) {
  TempDir tree;
  put_file(tree.path() / "file", "content");
  const std::string image = make_btrfs(tree.path());
  for (std::size_t at : {std::size_t{65536 + 300}, image.find("file", 1 << 20)}) {
    std::string broken = image;
    broken[at] = static_cast<char>(broken[at] ^ 1);
    auto disk = disk::memory_disk(broken);
    EXPECT_THAT(error_of([&] { open_file_system(*disk)->list("/"); }).message(),
                HasSubstr("checksum"));
  }
}

TEST(Btrfs, DamagedImagesNeverCrash) {
  TempDir tree;
  make_sample(tree.path(), {.many = 100, .large_bytes = 100'000});
  // What says it has another kind of checksum is not checked, and so looked at.
  std::string image = make_btrfs(tree.path());
  image[65536 + 196] = 1;
  expect_only_errors(image, 6 << 20, 40, 3000);
}

}  // namespace
}  // namespace hallmark::fs
