/// Disks that were made to harm: each must end in an error or a gap, in little time and memory, and
/// show nothing of the machine that reads it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "base/files.h"
#include "base/process.h"
#include "base/testing.h"
#include "fs/fields.h"
#include "fs/system.h"
#include "scan/scan.h"

namespace hallmark::scan {
namespace {

constexpr std::size_t kMiB = 1 << 20;
// A sanitized binary on a busy machine; the real one needs a hundredth.
constexpr long kMostSeconds = 20;
constexpr long kMostKiB = 512 << 10;

struct Hostile {
  const char* name;
  std::function<void(const Path& file)> make;
};

std::ostream& operator<<(std::ostream& out, const Hostile& hostile) { return out << hostile.name; }

void put(std::string& bytes, std::size_t at, std::uint64_t value, int length, bool big = false) {
  for (int i = 0; i < length; ++i) {
    bytes[at + static_cast<std::size_t>(i)] =
        static_cast<char>(value >> 8 * (big ? length - 1 - i : i));
  }
}

void run(const std::vector<std::string>& argv, const std::string& input = "") {
  const std::map<std::string, std::string> small = {
      {"TEST_DIR", "1"}, {"TEST_DEV", "1"}, {"QA_CHECK_FS", "1"}};
  check_process({.argv = argv, .stdin_text = input, .environment = small});
}

/// What a tool made, with something changed in it.
Hostile changed(const char* name, std::function<void(const Path&)> make,
                std::function<void(std::string&)> change) {
  return {name, [=](const Path& file) {
            make(file);
            std::string bytes = read_file(file);
            change(bytes);
            write_file(file, bytes);
          }};
}

void zeros(const Path& file, std::size_t size) {
  write_file(file, "");
  std::filesystem::resize_file(file, size);
}

void make_ext(const Path& file) {
  run({"mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum", file.string(), "2048"});
}

void make_gpt(const Path& file) {
  zeros(file, 4 * kMiB);
  run({"sfdisk", "-q", "--no-reread", "--no-tell-kernel", file.string()}, "label: gpt\nsize=1M\n");
}

void make_xfs(const Path& file) {
  run({"mkfs.xfs", "-q", "-m", "crc=0", "-d", "file,size=16m,name=" + file.string()});
}

/// The root's names in a B+tree whose only block is its own child; or, as a `leaf`, is twice the
/// child of the root. Version 4 has no checksums.
std::function<void(std::string&)> xfs_root_as_tree(bool leaf) {
  return [leaf](std::string& b) {
    constexpr std::size_t kBlock = 4096, kInode = 256, kTree = 40, kFork = 100;
    constexpr std::size_t kMostInRoot = (kInode - kFork - 4) / 16, kMost = (kBlock - 24) / 16;
    std::size_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number = number << 8 | static_cast<std::uint8_t>(b[56 + i]);
    const std::size_t inode =
        number / (kBlock / kInode) * kBlock + number % (kBlock / kInode) * kInode;
    b[inode + 5] = 3;  // the form: a B+tree
    put(b, inode + 76, 2, 4, true);
    b[inode + 82] = 0;  // no attributes behind it
    const std::size_t fork = inode + kFork;
    put(b, fork, leaf ? 1 : 9, 2, true);
    put(b, fork + 2, leaf ? 2 : 1, 2, true);
    for (std::size_t i = 0; i < 2; ++i) put(b, fork + 4 + 8 * (kMostInRoot + i), kTree, 8, true);
    const std::size_t tree = kTree * kBlock;
    b.replace(tree, 4, "BMAP");
    put(b, tree + 4, leaf ? 0 : 8, 2, true);
    put(b, tree + 6, 1, 2, true);
    put(b, tree + 8, kTree, 8, true);  // its neighbours
    put(b, tree + 16, kTree, 8, true);
    // One extent of one block, which is the tree's own.
    put(b, tree + 24, 0, 8, true);
    put(b, tree + 32, kTree << 21 | 1, 8, true);
    if (!leaf) put(b, tree + 24 + 8 * kMost, kTree, 8, true);
  };
}

void make_btrfs(const Path& file) {
  zeros(file, 32 * kMiB);
  run({"mkfs.btrfs", "-q", "-f", "-M", "-n", "4096", file.string()});
}

std::function<void(const Path&)> image_of(const std::string& format) {
  return [format](const Path& file) {
    run({"qemu-img", "create", "-q", "-f", format, file.string(), "16M"});
  };
}

/// A tree that becomes a file system or an archive.
struct Tree {
  TempDir directory;
  Path path = directory.path() / "tree";

  Tree() { make_directories(path / "etc"); }
  void link(const std::string& name, const std::string& target) const {
    make_directories((path / name).parent_path());
    std::filesystem::create_symlink(target, path / name);
  }
  void hole(const std::string& name) const {
    make_directories((path / name).parent_path());
    zeros(path / name, std::size_t{1} << 40);
  }
  void into_ext(const Path& file) const {
    run({"mke2fs", "-q", "-t", "ext4", "-d", path.string(), file.string(), "4096"});
  }
};

void hole_of_a_tebibyte(const Path& file) {
  Tree tree;
  for (const char* name :
       {"etc/os-release", "var/lib/dpkg/status", "etc/passwd", "boot/grub/grub.cfg", "opt/a.jar",
        "opt/b.dist-info/METADATA", "root/.ssh/id_rsa"}) {
    tree.hole(name);
  }
  tree.into_ext(file);
}

void directory_in_itself(const Path& file) {
  Tree tree;
  write_file(tree.path / "etc/os-release", "ID=debian\n");
  tree.into_ext(file);
  run({"debugfs", "-w", "-R", "link / /etc/again", file.string()});
}

void links_in_circles(const Path& file) {
  Tree tree;
  tree.link("etc/os-release", "os-release");
  tree.link("etc/a", "b");
  tree.link("etc/b", "../etc/a");
  tree.into_ext(file);
}

void partition_chain_in_circles(const Path& file) {
  std::string disk(4 * kMiB, '\0');
  for (const std::size_t sector : {std::size_t{0}, std::size_t{2048}}) {
    disk[sector * 512 + 446 + 4] = 5;  // an extended partition, whose chain leads back to its start
    put(disk, sector * 512 + 446 + 8, sector == 0 ? 2048 : 0, 4);
    put(disk, sector * 512 + 446 + 12, 4096, 4);
    put(disk, sector * 512 + 510, 0xaa55, 2);
  }
  write_file(file, disk);
}

std::string tar_header(const std::string& name, const std::string& octal_size) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 8, std::string("0000644\0", 8));
  header.replace(124, octal_size.size(), octal_size);
  header[156] = '0';
  header.replace(257, 8, std::string("ustar\00000", 8));
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  header.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header;
}

/// 64 MiB of nothing as the system's name, in 64 KiB.
void bomb(const Path& file) {
  TempDir directory;
  const Path plain = directory.path() / "tar";
  write_file(plain, tar_header("etc/os-release", "00400000000"));
  std::filesystem::resize_file(plain, 64 * kMiB + 2048);
  run({"gzip", "-9", "-k", plain.string()});
  std::filesystem::rename(plain.string() + ".gz", file);
}

const std::vector<Hostile>& table() {
  static const std::vector<Hostile> kTable = {
      changed("GptOfTooManyEntries", make_gpt,
              [](std::string& b) { put(b, 512 + 80, 0xffffffff, 4); }),
      {"PartitionsInCircles", partition_chain_in_circles},
      changed("Qcow2TableBehindTheEnd", image_of("qcow2"),
              [](std::string& b) {
                put(b, 36, 0x7fffffff, 4, true);
                put(b, 40, std::uint64_t{1} << 60, 8, true);
              }),
      changed("Qcow2OfAnExbibyte", image_of("qcow2"),
              [](std::string& b) { put(b, 24, std::uint64_t{1} << 60, 8, true); }),
      changed("VmdkOfAbsurdSize", image_of("vmdk"),
              [](std::string& b) { put(b, 12, ~std::uint64_t{0} >> 1, 8); }),
      changed("VhdOfTooManyBlocks", image_of("vpc"),
              [](std::string& b) { put(b, 512 + 28, 0xffffffff, 4, true); }),
      changed("ExtOfAbsurdCounts", make_ext,
              [](std::string& b) {
                put(b, 1024 + 4, 0xffffffff, 4);
                put(b, 1024 + 40, 0xffffffff, 4);
              }),
      changed("ExtOfOneBlockInEachGroup", make_ext,
              [](std::string& b) { put(b, 1024 + 32, 8, 4); }),
      {"ExtWithHolesOfATebibyte", hole_of_a_tebibyte},
      {"ExtDirectoryInItself", directory_in_itself},
      {"ExtLinksInCircles", links_in_circles},
      changed("XfsOfAbsurdCounts", make_xfs,
              [](std::string& b) {
                put(b, 8, std::uint64_t{1} << 60, 8, true);
                put(b, 88, 0xffffffff, 4, true);
              }),
      changed("XfsLogOfTheWholeWorld", make_xfs,
              [](std::string& b) { put(b, 96, 0xffffffff, 4, true); }),
      changed("XfsTreeInCircles", make_xfs, xfs_root_as_tree(false)),
      changed("XfsTreeOfSharedBranches", make_xfs, xfs_root_as_tree(true)),
      changed("BtrfsOfAbsurdChunks", make_btrfs,
              [](std::string& b) {
                constexpr std::size_t kSuper = 64 << 10;
                put(b, kSuper + 160, 0xffffffff, 4);
                const auto bytes = std::as_bytes(std::span(b)).subspan(kSuper + 32, 4096 - 32);
                put(b, kSuper, fs::crc32c(bytes), 4);
              }),
      {"SquashfsOfAbsurdCounts",
       [](const Path& file) {
         Tree tree;
         run({"mksquashfs", tree.path.string(), file.string(), "-quiet", "-no-progress"});
         std::string bytes = read_file(file);
         put(bytes, 16, 0x7fffffff, 4);
         write_file(file, bytes);
       }},
      {"TarOfAFileThatIsNotThere",
       [](const Path& file) { write_file(file, tar_header("etc/os-release", "77777777777")); }},
      {"TarBomb", bomb},
      {"NothingButNoise", [](const Path& file) { write_file(file, std::string(kMiB, '\x5a')); }},
  };
  return kTable;
}

class HostileDisk : public ::testing::TestWithParam<Hostile> {};

/// In a process of its own, which tells by its exit code what came of it and by its end what it
/// took.
TEST_P(HostileDisk, EndsSoonAndSmall) {
  TempDir directory;
  const Path file = directory.path() / "disk";
  GetParam().make(file);
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(600);
    try {
      fs::System system = fs::open_system(file);
      ::_exit(take_inventory(system).gaps.empty() ? 1 : 0);
    } catch (const Error& error) {
      ::_exit(error.kind() == ErrorKind::internal || error.kind() == ErrorKind::unavailable ? 2
                                                                                            : 0);
    } catch (...) {
      ::_exit(3);
    }
  }
  ASSERT_GT(child, 0);
  int status = 0;
  rusage used{};
  ASSERT_EQ(::wait4(child, &status, 0, &used), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: it had nothing to tell; 2, 3: the error blames us";
  EXPECT_LT(used.ru_utime.tv_sec + used.ru_stime.tv_sec, kMostSeconds);
  EXPECT_LT(used.ru_maxrss, before.ru_maxrss + kMostKiB);
}

INSTANTIATE_TEST_SUITE_P(Formats, HostileDisk, ::testing::ValuesIn(table()),
                         [](const auto& hostile) { return std::string(hostile.param.name); });

/// This machine's own files have the names that the links lead to.
TEST(HostileLinks, LeadToNothingOutside) {
  TempDir outside;
  write_file(outside.path() / "secret", "of this machine");
  Tree tree;
  const std::string way(40, '/');
  tree.link("etc/os-release", "../../../../../../../.." + (outside.path() / "secret").string());
  tree.link("etc/passwd", way + "proc/self/environ");
  tree.link("deep", outside.path().string());
  TempDir made;
  tree.into_ext(made.path() / "ext");
  run({"tar", "-C", tree.path.string(), "-cf", (made.path() / "tar").string(), "."});
  for (const Path& source : {made.path() / "ext", made.path() / "tar", tree.path}) {
    fs::System system = fs::open_system(source);
    // The root has no os-release that can be read: then there is no system on a disk at all.
    if (!system.files) continue;
    for (const char* path :
         {"/etc/os-release", "/etc/passwd", "/deep/secret", "/../../../../proc/self/environ"}) {
      EXPECT_FALSE(system.files->stat(path)) << source << " " << path;
    }
    EXPECT_EQ(take_inventory(system).distribution.id, "");
  }
}

}  // namespace
}  // namespace hallmark::scan
