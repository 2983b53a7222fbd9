#include "fs/squashfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.h"
#include "base/testing.h"
#include "disk/readers.h"
#include "fs/open.h"
#include "fs/testing.h"

namespace hallmark::fs {
namespace {

std::string make_squashfs(const Path& tree, const std::vector<std::string>& options = {}) {
  TempDir directory;
  Path image = directory.path() / "image";
  std::vector<std::string> command = {"mksquashfs", tree.string(), image.string(), "-quiet",
                                      "-no-progress"};
  command.insert(command.end(), options.begin(), options.end());
  check_process({.argv = command});
  return read_file(image);
}

class SquashfsVariants : public ::testing::TestWithParam<const char*> {};

TEST_P(SquashfsVariants, ReadsWhatWasWritten) {
  TempDir tree;
  make_sample(tree.path());
  auto disk = disk::memory_disk(make_squashfs(tree.path(), {"-comp", GetParam()}));
  EXPECT_EQ(recognise(*disk), "squashfs");
  auto files = open_file_system(*disk);
  ASSERT_TRUE(files);
  expect_same(*files, tree.path());
  EXPECT_FALSE(files->stat("/none"));
  EXPECT_EQ(kind_of([&] { files->list("/tiny"); }), ErrorKind::not_found);
}

INSTANTIATE_TEST_SUITE_P(Formats, SquashfsVariants, ::testing::Values("gzip", "xz", "lz4", "zstd"),
                         [](const auto& variant) { return std::string(variant.param); });

TEST(Squashfs, CutAndDamagedImagesAreErrors) {
  TempDir tree;
  make_sample(tree.path(), {.many = 50, .large_bytes = 100'000});
  std::string image = make_squashfs(tree.path(), {"-noI"});  // its inodes as they are
  auto disk = disk::memory_disk(image.substr(0, image.size() / 2));
  EXPECT_EQ(kind_of([&] { open_file_system(*disk)->read_file("/etc/os-release"); }),
            ErrorKind::corrupt);
  expect_only_errors(image, image.size(), 60, 100);
}

TEST(Squashfs, ImpossibleCountsTakeNoMemory) {
  TempDir tree;
  put_file(tree.path() / "small", "x");
  std::string image = make_squashfs(tree.path());
  image[19] = '\x7f';  // of fragments
  auto disk = disk::memory_disk(image);
  EXPECT_EQ(kind_of([&] { open_file_system(*disk); }), ErrorKind::corrupt);
}

}  // namespace
}  // namespace hallmark::fs
