#include "source/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "source/boot_loader.h"
#include "source/mmdebstrap_output.h"
#include "source/repositories.h"
#include "source/root_files.h"

namespace hallmark::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Repositories, ChoosesTheFirstThatCarriesMain) {
  std::vector<apt::Source> entries = {
      {"http://extra.example/d", "bookworm", {"contrib"}},
      {"http://one.example/d", "bookworm", {"main"}},
      {"http://two.example/d", "bookworm", {"main"}},
      {"http://sec.example/d", "bookworm-security", {"main"}},
  };
  Repositories chosen = choose_repositories(entries, "bookworm");
  EXPECT_EQ(chosen.release.url, "http://one.example/d");
  EXPECT_FALSE(chosen.updates);
  EXPECT_EQ(image_sources_list(chosen),
            "deb http://one.example/d bookworm main\n"
            "deb http://sec.example/d bookworm-security main\n");
  Error error = error_of([&] { choose_repositories(entries, "trixie"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_THAT(error.full_text(), HasSubstr("bookworm-security"));
}

TEST(BootLoader, RootPartitionEndsBeforeTheBackupTable) {
  std::uint64_t disk = 3ull << 30;
  std::uint64_t end = kRootSector * kSectorBytes + root_size_bytes(disk);
  EXPECT_LE(end, disk - 33 * kSectorBytes);
  EXPECT_EQ(root_size_bytes(disk) % 4096, 0u);
  EXPECT_GT(end, disk - (2u << 20));
}

TEST(BootLoader, PartitionScriptNamesBothPartitions) {
  EXPECT_THAT(partition_script(), HasSubstr("start=2048, size=2048"));
  EXPECT_THAT(partition_script(), HasSubstr("start=4096, type=4F68BCE3"));
}

TEST(BootLoader, CoreImageIsPaddedAndFindsItsRest) {
  std::string core = place_core_image(std::string(3 * 512 + 1, 'x'), 2048);
  ASSERT_EQ(core.size(), 4u * 512);
  EXPECT_EQ(core.substr(0x1f4, 10), std::string("\x01\x08\0\0\0\0\0\0\x03\0", 10));
  EXPECT_EQ(core[3 * 512], 'x');
  EXPECT_EQ(core[3 * 512 + 1], '\0');
  EXPECT_EQ(kind_of([] { place_core_image("short", 2048); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([] { place_core_image(std::string((1 << 20) + 1, 'x'), 2048); }),
            ErrorKind::usage);
}

TEST(BootLoader, BootSectorKeepsTheDisksPartitionTable) {
  std::string boot(510, 'b');
  boot += "\x55\xaa";
  std::string mbr(510, 'm');
  mbr += "\x55\xaa";
  std::string placed = place_boot_sector(boot, mbr, 2048);
  ASSERT_EQ(placed.size(), 512u);
  EXPECT_EQ(placed.substr(0x5c, 8), std::string("\0\x08\0\0\0\0\0\0", 8));
  EXPECT_EQ(placed.substr(0x66, 2), "\x90\x90");
  EXPECT_EQ(placed[0x1b7], 'b');
  EXPECT_EQ(placed.substr(0x1b8), mbr.substr(0x1b8));
  EXPECT_EQ(kind_of([&] { place_boot_sector(std::string(512, '\0'), mbr, 1); }),
            ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { place_boot_sector(boot, std::string(512, '\0'), 1); }),
            ErrorKind::corrupt);
}

TEST(Mmdebstrap, StagesComeFromWholeLines) {
  MmdebstrapOutput output;
  EXPECT_TRUE(output.add("I: running apt-get").empty());
  auto begun = output.add(" update...\nnoise\nI: downloading packages with apt...\nI: extr");
  ASSERT_EQ(begun.size(), 2u);
  EXPECT_LT(begun[0].fraction, begun[1].fraction);
  EXPECT_EQ(begun[1].text, "downloading packages");
}

TEST(Mmdebstrap, FailuresAreExplained) {
  struct Case {
    const char* messages;
    ErrorKind kind;
  };
  for (const Case& c : {
           Case{"Err:1 http://m x\n  Could not resolve 'm'\nE: Failed to fetch http://m/InRelease",
                ErrorKind::unavailable},
           Case{"E: Unable to locate package nonsense\nE: setup failed", ErrorKind::usage},
           Case{
               "W: GPG error: http://m x InRelease: NO_PUBKEY 12\nE: The repository is not signed.",
               ErrorKind::corrupt},
           Case{"dpkg: error: failed to write: No space left on device", ErrorKind::unavailable},
           Case{"E: The repository 'http://m x Release' does not have a Release file.",
                ErrorKind::not_found},
           Case{"E: something new\nE: setup failed", ErrorKind::failed},
       }) {
    Error error = explain_mmdebstrap(c.messages, "http://m");
    EXPECT_EQ(error.kind(), c.kind) << c.messages << "\n" << error.full_text();
  }
  EXPECT_EQ(explain_mmdebstrap("E: something new\nE: setup failed", "m").message(),
            "mmdebstrap failed: something new");
}

TEST(RootFiles, WritesReplacesAndRemoves) {
  TempDir root;
  write_file(root.path() / "etc/machine-id", "0123456789abcdef\n");
  write_file(root.path() / "etc/ssh/ssh_host_rsa_key", "secret");
  write_file(root.path() / "etc/ssh/sshd_config", "kept");
  write_file(root.path() / "tmp/a/b", "gone");
  remove_root_files(root.path(), unwanted_root_files());
  write_root_files(root.path(), final_root_files("deb x y main\n"));
  EXPECT_EQ(read_file(root.path() / "etc/machine-id"), "");
  EXPECT_FALSE(std::filesystem::exists(root.path() / "etc/ssh/ssh_host_rsa_key"));
  EXPECT_TRUE(std::filesystem::exists(root.path() / "etc/ssh/sshd_config"));
  EXPECT_TRUE(std::filesystem::is_empty(root.path() / "tmp"));
  EXPECT_EQ(read_file(root.path() / "etc/apt/sources.list"), "deb x y main\n");
  EXPECT_TRUE(std::filesystem::is_symlink(root.path() / "etc/resolv.conf"));
}

TEST(RootFiles, NeverFollowsALinkOutOfTheTree) {
  TempDir outside;
  TempDir root;
  std::filesystem::create_directory_symlink(outside.path(), root.path() / "etc");
  EXPECT_EQ(kind_of([&] {
              write_root_files(root.path(), {{"/etc/x", "bad"}});
            }),
            ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { remove_root_files(root.path(), {"/etc/*"}); }), ErrorKind::corrupt);
  EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST(RootFiles, AFileThatIsALinkIsReplacedNotFollowed) {
  TempDir root;
  TempDir outside;
  write_file(outside.path() / "victim", "safe");
  std::filesystem::create_symlink(outside.path() / "victim", root.path() / "x");
  write_root_files(root.path(), {{"/x", "new"}});
  EXPECT_EQ(read_file(outside.path() / "victim"), "safe");
  EXPECT_EQ(read_file(root.path() / "x"), "new");
}

TEST(DebianSource, RefusesWhatItCannotMake) {
  TempDir work;
  DebianSourceSpec good;
  good.output = work.path() / "x.qcow2";
  auto kind = [](DebianSourceSpec spec) {
    return kind_of([&] { make_debian_source(spec, {}, {}); });
  };
  DebianSourceSpec bad = good;
  bad.architecture = "riscv64";
  EXPECT_EQ(kind(bad), ErrorKind::usage);
  bad = good;
  bad.release = "--help";
  EXPECT_EQ(kind(bad), ErrorKind::usage);
  bad = good;
  bad.extra_packages = {"$(reboot)"};
  EXPECT_EQ(kind(bad), ErrorKind::usage);
  bad = good;
  bad.disk_size_bytes = 5000;
  EXPECT_EQ(kind(bad), ErrorKind::usage);
  bad = good;
  bad.output = "";
  EXPECT_EQ(kind(bad), ErrorKind::usage);
  write_file(good.output, "precious");
  EXPECT_EQ(kind(good), ErrorKind::conflict);
  EXPECT_EQ(read_file(good.output), "precious");
}

}  // namespace
}  // namespace hallmark::source
