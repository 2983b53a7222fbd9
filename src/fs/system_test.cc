#include "fs/system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "base/process.h"
#include "base/testing.h"
#include "disk/readers.h"
#include "fs/fstab.h"
#include "fs/open.h"
#include "fs/testing.h"
#include "fs/view.h"

namespace hallmark::fs {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kMiB = 1 << 20;
constexpr const char* kRootType = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709";
constexpr const char* kDataType = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
constexpr const char* kUsrType = "8484680C-9521-48C6-9C11-B0720656F69E";
constexpr const char* kVarType = "4D21B016-B534-45C2-A9FB-5C16E091FD2D";

using Files = std::map<std::string, std::string>;

/// "->x" as content makes a link to x.
std::string ext(const Files& files, std::vector<std::string> options = {}) {
  TempDir directory;
  Path tree = directory.path() / "tree", image = directory.path() / "image";
  make_directories(tree);
  for (const auto& [name, content] : files) {
    if (content.starts_with("->")) {
      make_directories((tree / name).parent_path());
      std::filesystem::create_symlink(content.substr(2), tree / name);
    } else {
      put_file(tree / name, content);
    }
  }
  std::vector<std::string> command = {"mke2fs", "-q", "-t", "ext2", "-d", tree.string()};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {image.string(), "512"});
  check_process({.argv = command});
  return read_file(image);
}

struct Part {
  std::string type, content, more;
};

/// Each part gets a partition of `each` MiB.
std::string disk_of(const std::vector<Part>& parts, const std::string& label = "gpt",
                    std::size_t each = 1) {
  TempDir directory;
  Path file = directory.path() / "disk";
  std::string script = "label: " + label + "\nlabel-id: 0x1234abcd\n";
  if (label == "gpt") script = "label: gpt\n";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    script += fmt::format("start={}, size={}, type={}{}\n", 2048 + i * each * 2048, each * 2048,
                          parts[i].type, parts[i].more);
  }
  put_file(file, std::string((2 + parts.size() * each) * kMiB, '\0'));
  check_process({.argv = {"sfdisk", "-q", "--no-reread", "--no-tell-kernel", file.string()},
                 .stdin_text = script});
  std::string disk = read_file(file);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    disk.replace((1 + i * each) * kMiB, parts[i].content.size(), parts[i].content);
  }
  return disk;
}

auto gap(const std::string& what, const std::string& reason) {
  return AllOf(Field(&Gap::what, HasSubstr(what)), Field(&Gap::reason, HasSubstr(reason)));
}

struct Opened {
  std::unique_ptr<disk::BlockReader> disk;
  System system;
};

Opened open(const std::string& bytes) {
  Opened opened;
  opened.disk = disk::memory_disk(bytes);
  opened.system = open_system(*opened.disk);
  return opened;
}

TEST(System, PutsPartitionsTogetherByFstab) {
  Opened opened =
      open(disk_of({{kRootType, ext({{"etc/fstab",
                                      "# comment\n"
                                      "UUID=0a0a0a0a-0000-0000-0000-00000000000A\t/usr\text4 ro\n"
                                      "LABEL=\"the\\040log\" /var/log auto defaults 0 2\n"
                                      "PARTUUID=0B0B0B0B-0000-0000-0000-00000000000B /var ext4\n"
                                      "/dev/vda5 /opt xfs defaults,nofail\n"
                                      "/dev/sdb1 /data xfs defaults,nofail\n"
                                      "tmpfs /tmp tmpfs\nUUID=AB-CD /boot/efi vfat\n"},
                                     {"etc/os-release", "->../usr/lib/os-release"},
                                     {"lib", "->usr/lib"},
                                     {"var/covered", ""},
                                     {"opt/x", ""}})},
                    {kDataType, ext({{"lib/os-release", "ID=debian\n"}, {"up", "->../var/spool"}},
                                    {"-U", "0a0a0a0a-0000-0000-0000-00000000000a"})},
                    {kDataType, ext({{"spool/mail", "mail"}, {"log/covered", ""}}),
                     ", uuid=0B0B0B0B-0000-0000-0000-00000000000B"},
                    {kDataType, ext({{"syslog", "log"}}, {"-L", "the log"})},
                    {kDataType, ext({{"tool", "->/etc/../usr/lib/os-release"}})}}));
  EXPECT_THAT(opened.system.gaps, IsEmpty());
  FileSystem& files = *opened.system.files;
  EXPECT_EQ(files.read_file("/etc/os-release"), "ID=debian\n");
  EXPECT_EQ(files.read_file("/lib/os-release"), "ID=debian\n");
  EXPECT_EQ(files.read_file("/usr/up/mail"), "mail");
  EXPECT_EQ(files.read_file("/usr/up/../log/syslog"), "log");
  EXPECT_EQ(files.read_file("/opt/tool"), "ID=debian\n");
  EXPECT_EQ(files.read_file("/../../opt/../opt/tool"), "ID=debian\n");
  EXPECT_FALSE(files.stat("/var/covered"));
  EXPECT_FALSE(files.stat("/var/log/syslog/below"));
  EXPECT_EQ(files.stat("/opt/tool", false).value().type, FileType::symlink);
  EXPECT_EQ(files.stat("/var/log/").value().type, FileType::directory);
  EXPECT_THAT(files.list("/"), ElementsAre("etc", "lib", "lost+found", "opt", "usr", "var"));
  EXPECT_THAT(files.list("/var"), ElementsAre("log", "lost+found", "spool"));
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : files.entries("/")) names.push_back(entry.name);
  EXPECT_EQ(names, files.list("/"));
  EXPECT_EQ(kind_of([&] { files.read_file("/none"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { files.list("/opt/tool"); }), ErrorKind::not_found);
}

TEST(System, PutsPartitionsTogetherByType) {
  Opened opened = open(disk_of(
      {{kUsrType, ext({{"lib/os-release", "ID=debian\n"}})},
       // By HMAC-SHA256 of the type with the machine-id, as Python has it.
       {kVarType, ext({{"lib/dpkg/status", "s"}}), ", uuid=C0C46EFF-E386-4746-A2BD-0962CD326EA2"},
       {kVarType, ext({{"second", ""}})},
       {kRootType, ext({{"etc/os-release", "->../usr/lib/os-release"},
                        {"etc/machine-id", "0123456789abcdef0123456789abcdef\n"}})}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("partition 3", "another is mounted")));
  EXPECT_EQ(opened.system.files->read_file("/etc/os-release"), "ID=debian\n");
  EXPECT_EQ(opened.system.files->read_file("/var/lib/dpkg/status"), "s");
}

TEST(System, AVarOfAnotherMachineIsReadAndTold) {
  Opened opened =
      open(disk_of({{kVarType, ext({{"lib/dpkg/status", "s"}})},
                    {kRootType, ext({{"etc/os-release", ""}, {"etc/machine-id", ""}})}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("partition 1", "made of the machine-id")));
  EXPECT_EQ(opened.system.files->read_file("/var/lib/dpkg/status"), "s");
}

TEST(System, WhatNobodyMountsIsTold) {
  Opened opened = open(disk_of({{kDataType, ext({{"app/tool", ""}})},
                                {kDataType, ext({})},
                                {kDataType, ext({{"x", ""}})},
                                {kRootType, ext({{"etc/os-release", ""},
                                                 {"etc/fstab",
                                                  "/dev/sda3 /later auto noauto\n"
                                                  "overlay /merged overlay lowerdir=/a\n"
                                                  "/a /b none bind\n"}})}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("/merged", "an overlay"),
                                              gap("partition 1", "nothing mounts its ext"),
                                              gap("partition 3", "nothing mounts")));
}

TEST(System, MountsWhatIsMountedWhenLookedInto) {
  const std::string unit = "[Unit]\nWhat=/none\n[Mount]\nWhat=LABEL=";
  Opened opened = open(disk_of(
      {{kDataType, ext({{"a", "A"}})},
       {kDataType, ext({{"b", "B"}}, {"-L", "by-unit"})},
       {kDataType, ext({{"c", "C"}}, {"-L", "unwanted"})},
       {kDataType, ext({{"d", "D"}}, {"-L", "masked"})},
       {kRootType,
        ext({{"etc/os-release", ""},
             {"etc/fstab", "/dev/sda1 /srv auto noauto,x-systemd.automount\n"},
             {"srv/x", ""},
             {"opt/x", ""},
             {"etc/systemd/system/opt.mount", unit + "by-unit\n Where = /opt\nType=ext4\n"},
             {"etc/systemd/system/multi-user.target.wants/opt.automount", "->../opt.automount"},
             {"etc/systemd/system/home.mount", unit + "unwanted\nWhere=/home\n"},
             {"etc/systemd/system/var.mount", "->/dev/null"},
             {"usr/lib/systemd/system/var.mount", unit + "masked\nWhere=/var\n"},
             {"usr/lib/systemd/system/x.target.requires/var.mount", ""},
             {"usr/lib/systemd/system/tmp.mount", "[Mount]\nWhat=tmpfs\nWhere=/tmp\n"},
             {"usr/lib/systemd/system/x.target.wants/tmp.mount", ""}})}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("partition 3", "nothing mounts"),
                                              gap("partition 4", "nothing mounts")));
  EXPECT_EQ(opened.system.files->read_file("/srv/a"), "A");
  EXPECT_EQ(opened.system.files->read_file("/opt/b"), "B");
}

TEST(System, TwoOfOneNameAreTold) {
  const char* uuid = "0a0a0a0a-0000-0000-0000-00000000000a";
  Opened opened = open(
      disk_of({{kDataType, ext({{"first", ""}}, {"-U", uuid})},
               {kDataType, ext({{"second", ""}}, {"-U", uuid})},
               {kRootType, ext({{"etc/os-release", ""},
                                {"srv/x", ""},
                                {"etc/fstab", std::string("UUID=") + uuid + " /srv ext4\n"}})}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("/srv", "partition 1 and partition 2 both"),
                                              gap("partition 2", "nothing mounts")));
  EXPECT_TRUE(opened.system.files->stat("/srv/first"));
}

TEST(System, WhatNoLibraryReadsIsNamed) {
  std::string erofs(1 << 20, '\0');
  erofs.replace(1024, 4, "\xe2\xe1\xf5\xe0");
  Opened opened = open(disk_of({{kRootType, erofs}}));
  EXPECT_THAT(opened.system.gaps,
              ElementsAre(gap("partition 1", "it holds erofs, which is not read"),
                          gap("root file system", "")));
}

TEST(System, TypeOfAPartitionHidesNoFiles) {
  Opened opened = open(disk_of({{kVarType, ext({{"hides", ""}})},
                                {kUsrType, ext({{"x", ""}}), ", attrs=\"GUID:63\""},
                                {kRootType, ext({{"etc/os-release", ""}, {"var/kept", "k"}})}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("partition 1", "the root has files"),
                                              gap("partition 2", "not to mount it")));
  EXPECT_FALSE(opened.system.files->stat("/usr"));
  EXPECT_EQ(opened.system.files->read_file("/var/kept"), "k");
}

TEST(System, MountThatCannotBeIsAGapAndCoversNothing) {
  Opened opened = open(disk_of({{"83", ext({{"etc/os-release", "ID=debian\n"},
                                            {"etc/fstab",
                                             "/dev/sda2 /etc/.. ext4\n"
                                             "/dev/sda3 /none/app ext4\n"
                                             "/dev/sda4 /made// ext4\n"}})},
                                {"83", ext({{"x", ""}})},
                                {"83", ext({{"x", ""}})},
                                {"83", ext({{"x", "y"}})}},
                               "dos"));
  EXPECT_THAT(opened.system.gaps, ::testing::UnorderedElementsAre(gap("", "cover the root"),
                                                                  gap("", "does not exist")));
  EXPECT_EQ(opened.system.files->read_file("/etc/os-release"), "ID=debian\n");
  EXPECT_EQ(opened.system.files->read_file("/made/x"), "y");
}

TEST(System, LaterMountCoversAnEarlierOneBelow) {
  auto disk = disk::memory_disk(ext({{"log/x", ""}}));
  std::vector<Mounted> mounted;
  for (const char* place : {"/log", "/log/deep", "/log"}) {
    mounted.push_back({place, open_file_system(*disk)});
  }
  auto files = join_file_systems(open_file_system(*disk), std::move(mounted));
  EXPECT_FALSE(files->stat("/log/deep"));
  EXPECT_THAT(files->warnings(), ElementsAre(HasSubstr("/log is"), HasSubstr("/log/deep is")));
}

TEST(System, LinesOfFstabAreBounded) {
  std::string lines;
  for (int i = 0; i < 1001; ++i) lines += "/dev/sda9 /x ext4 nofail\n";
  Opened opened = open(ext({{"etc/os-release", ""}, {"etc/fstab", lines}}));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("fstab", "more than 1000")));
}

/// Each of the blocks names the next one in all its entries: 2^24 ways to an empty block.
TEST(Ext, IndirectBlocksThatShareEndInTime) {
  constexpr std::size_t kBlock = 1024, kFirst = 400;
  TempDir directory;
  std::string image = ext({{"d/x", ""}}, {"-b", "1024"});
  for (std::uint32_t i = 0; i < 3; ++i) {
    std::uint32_t next = kFirst + i + 1;
    for (std::size_t at = 0; at < kBlock; at += 4) {
      std::memcpy(&image[(kFirst + i) * kBlock + at], &next, 4);
    }
  }
  image.replace((kFirst + 3) * kBlock, kBlock, kBlock, '\0');
  image[(kFirst + 3) * kBlock + 5] = 4;  // one unused entry as long as the block
  put_file(directory.path() / "image", image);
  check_process({.argv = {"debugfs", "-w", "-R", "set_inode_field d block[TIND] 400",
                          (directory.path() / "image").string()}});
  auto disk = disk::memory_disk(read_file(directory.path() / "image"));
  auto files = open_file_system(*disk);
  EXPECT_EQ(kind_of([&] { files->stat("/d/none"); }), ErrorKind::corrupt);
}

TEST(System, MountOfWhatIsNotThereIsAGap) {
  Opened opened =
      open(disk_of({{"83", ext({{"etc/os-release", ""},
                                {"etc/fstab",
                                 "UUID=12345678-0000-0000-0000-00000000000a /var ext4\n"
                                 "PARTUUID=1234ABCD-02 /srv ext4\n/dev/sda1 / ext4\n"}})},
                    {"83", ext({{"x", "y"}})}},
                   "dos"));
  EXPECT_THAT(opened.system.gaps, ElementsAre(gap("/var", "UUID=12345678")));
  EXPECT_EQ(opened.system.files->read_file("/srv/x"), "y");
}

/// The real physical volumes of src/disk/testdata, whose linear volume gets a file system.
TEST(System, ReadsARootOnALogicalVolume) {
  Path data = Path(HALLMARK_FS_TESTDATA) / "../../disk/testdata";
  std::string one = unpacked(data / "lvm-one.img.xz"), two = unpacked(data / "lvm-two.img.xz");
  std::string image = ext({{"etc/os-release", "ID=debian\n"},
                           {"etc/fstab",
                            "/dev/mapper/golden-linear / ext4\n"
                            "/dev/golden/striped /var ext4\n"},
                           {"large", random_bytes(350'000)}});
  // The first 20 extents of 16 KiB lie at the start, the next 20 behind the striped volume's 16.
  constexpr std::size_t kExtent = 16 << 10, kStart = 64 << 10;
  one.replace(kStart, 20 * kExtent, image, 0, 20 * kExtent);
  one.replace(kStart + 36 * kExtent, image.size() - 20 * kExtent, image, 20 * kExtent);
  Opened opened = open(one);
  EXPECT_THAT(opened.system.gaps,
              ElementsAre(gap("golden/linear", "missing"), gap("golden/striped", "missing"),
                          gap("root file system", "")));
  const char* type = "E6D6D379-F507-44C2-A23C-238F2A3DF928";
  opened = open(disk_of({{type, one}, {type, two}}, "gpt", 2));
  EXPECT_THAT(opened.system.gaps,
              ElementsAre(gap("golden/striped", "not recognised"), gap("/var", "golden/striped")));
  EXPECT_EQ(opened.system.files->read_file("/large"), random_bytes(350'000));
}

/// testdata/make_btrfs made it; here its "@var" is to be /var of a system in another subvolume.
TEST(System, MountsSubvolumes) {
  std::string image = unpacked(Path(HALLMARK_FS_TESTDATA) / "btrfs-mounted.img.xz");
  Opened opened = open(image);
  ASSERT_TRUE(opened.system.files);
  EXPECT_THAT(opened.system.gaps, IsEmpty());
  EXPECT_EQ(opened.system.files->read_file("/var/log"), "log\n");
  EXPECT_EQ(opened.system.files->read_file("/etc/os-release"), "ID=btrfs\n");
}

TEST(Fstab, KnowsNames) {
  auto disk =
      disk::memory_disk(ext({}, {"-L", "a/b", "-U", "0a0a0a0a-0000-0000-0000-00000000000a"}));
  auto files = open_file_system(*disk);
  Volume partition;
  partition.uuid = files->uuid();
  partition.label = files->label();
  partition.number = 2;
  partition.partition_name = "root";
  partition.partition_id = "1234abcd-02";
  for (const char* source : {"UUID=0A0A0A0A-0000-0000-0000-00000000000A",
                             "UUID=\"0a0a0a0a-0000-0000-0000-00000000000a\"", "LABEL=a/b",
                             "/dev/disk/by-label/a\\x2fb", "PARTUUID=1234ABCD-02", "PARTLABEL=root",
                             "/dev/sda2", "/dev/vda2", "/dev/xvda2", "/dev/nvme0n1p2"}) {
    EXPECT_TRUE(is_source(source, partition)) << source;
  }
  for (const char* source : {"UUID=", "LABEL=A/B", "/dev/sda", "/dev/sdb2", "/dev/sda22",
                             "/dev/mapper/-", "PARTLABEL=", "sda2"}) {
    EXPECT_FALSE(is_source(source, partition)) << source;
  }
  Volume logical;
  logical.group = "vg-0";
  logical.name = "root";
  EXPECT_TRUE(is_source("/dev/mapper/vg--0-root", logical));
  EXPECT_TRUE(is_source("/dev/vg-0/root", logical));
  EXPECT_FALSE(is_source("/dev/mapper/vg-0-root", logical));
  EXPECT_FALSE(is_source("/dev/sda0", logical));
}

}  // namespace
}  // namespace hallmark::fs
