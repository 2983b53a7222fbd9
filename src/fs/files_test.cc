/// Root file systems that lie in a directory or an archive.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/process.h"
#include "base/testing.h"
#include "fs/archive.h"
#include "fs/directory.h"
#include "fs/system.h"
#include "fs/testing.h"

namespace hallmark::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Directory, ReadsWhatIsThere) {
  TempDir tree;
  make_sample(tree.path());
  System system = open_system(tree.path());
  EXPECT_THAT(system.gaps, IsEmpty());
  EXPECT_EQ(system.disk, nullptr);
  expect_same(*system.files, tree.path());
  EXPECT_EQ(system.files->read_file("/etc/os-release").substr(0, 9), "ID=debian");
}

TEST(Directory, NeverLeavesIt) {
  TempDir tree;
  put_file(tree.path() / "root/etc/passwd", "inside");
  put_file(tree.path() / "secret", "outside");
  Path root = tree.path() / "root";
  std::filesystem::create_symlink("/etc/passwd", root / "absolute");
  std::filesystem::create_symlink("../../../../../../etc/passwd", root / "up");
  std::filesystem::create_symlink("../secret", root / "beside");
  std::filesystem::create_symlink("loop", root / "loop");
  std::filesystem::create_symlink("/proc/self/root/etc/passwd", root / "magic");
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  auto files = open_directory(root);
  EXPECT_EQ(files->read_file("/absolute"), "inside");
  EXPECT_EQ(files->read_file("/up"), "inside");
  EXPECT_EQ(files->read_file("/../../../etc/passwd"), "inside");
  EXPECT_FALSE(files->stat("/beside"));
  EXPECT_FALSE(files->stat("/loop"));
  EXPECT_FALSE(files->stat("/magic"));
  EXPECT_EQ(files->stat("/beside", false).value().link_target, "../secret");
  EXPECT_EQ(kind_of([&] { files->read_file("/beside"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { files->read_file("/pipe"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { files->list("/etc/passwd"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { files->read_file("/etc/passwd", 3); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { open_directory(root / "none"); }), ErrorKind::not_found);
}

void tar(const Path& tree, const Path& file, std::vector<std::string> options) {
  std::vector<std::string> command = {"tar", "-C", tree.string(), "-cf", file.string()};
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(".");
  check_process({.argv = command});
}

class ArchiveVariants : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(ArchiveVariants, ReadsWhatWasWritten) {
  TempDir directory;
  Path tree = directory.path() / "tree", file = directory.path() / "file";
  make_sample(tree);
  std::filesystem::create_hard_link(tree / "large", tree / "zlink");
  tar(tree, file, GetParam());
  System system = open_system(file);
  EXPECT_THAT(system.gaps, IsEmpty());
  EXPECT_EQ(system.files->type(), "tar");
  expect_same(*system.files, tree);
}

INSTANTIATE_TEST_SUITE_P(Formats, ArchiveVariants,
                         ::testing::Values(std::vector<std::string>{"--format=gnu", "--sparse"},
                                           std::vector<std::string>{"--format=pax", "--gzip"},
                                           std::vector<std::string>{"--xz"},
                                           std::vector<std::string>{"--zstd"}));

TEST(Archive, EntriesOutsideAreLeftOutAndNamed) {
  TempDir directory;
  Path tree = directory.path() / "tree", file = directory.path() / "file";
  put_file(tree / "a/passwd", "inside");
  put_file(tree / "b", "b");
  std::filesystem::create_symlink("/etc", tree / "etc");
  check_process({.argv = {"tar", "-C", tree.string(), "-cPf", file.string(), "--transform",
                          "s,^a,..,", "--transform", "s,^b,etc/b,", "etc", "a/passwd", "b"}});
  auto files = open_archive(file);
  EXPECT_THAT(files->list("/"), ElementsAre("etc"));
  EXPECT_THAT(files->warnings(), ElementsAre(HasSubstr("2 entries")));
  EXPECT_FALSE(files->stat("/etc/passwd"));
}

TEST(Archive, BrokenOnesAreErrors) {
  TempDir directory;
  Path tree = directory.path() / "tree", file = directory.path() / "file";
  put_file(tree / "large", random_bytes(300'000));
  tar(tree, file, {"--gzip"});
  std::string bytes = read_file(file);
  put_file(file, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(kind_of([&] { open_archive(file); }), ErrorKind::corrupt);
  put_file(file, "\x1f\x8b not gzip at all");
  EXPECT_EQ(kind_of([&] { open_system(file); }), ErrorKind::usage);
  check_process({.argv = {"gzip", "-c", (tree / "large").string()}});
  put_file(file,
           check_process({.argv = {"gzip", "-c", (tree / "large").string()}, .keep_bytes = 1 << 20})
               .out);
  EXPECT_EQ(kind_of([&] { open_system(file); }), ErrorKind::usage) << "gzip of something else";
}

}  // namespace
}  // namespace hallmark::fs
