#include "disk/lvm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/process.h"
#include "base/testing.h"
#include "disk/lvm_label.h"
#include "disk/lvm_text.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// testdata/make_lvm says how they were made.
std::string real_volume(const std::string& name) {
  Path file = Path(HALLMARK_DISK_TESTDATA) / ("lvm-" + name + ".img.xz");
  return check_process({.argv = {"xz", "-dc", file.string()}, .keep_bytes = 8 << 20}).out;
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, int length) {
  for (int i = 0; i < length; ++i) {
    bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
  }
}

std::uint32_t checksum(std::string_view bytes) {
  return ~static_cast<std::uint32_t>(::crc32(~0xf597a6cfu & 0xffffffffu,
                                             reinterpret_cast<const Bytef*>(bytes.data()),
                                             static_cast<uInt>(bytes.size())));
}

constexpr const char* kId = "AAAAAABBBBCCCCDDDDEEEEFFFFGGGGGG";
constexpr const char* kIdInText = "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGGGG";
constexpr std::size_t kArea = 4096, kAreaBytes = 16384, kDataStart = 32768;

/// A physical volume with `text` as its metadata, which begins at `at` of its ring.
std::string physical_volume(const std::string& text, std::size_t at = 512) {
  std::string bytes(256 * 1024, '\0');
  bytes.replace(512, 8, "LABELONE");
  put(bytes, 520, 1, 8);
  put(bytes, 532, 32, 4);
  bytes.replace(536, 8, "LVM2 001");
  bytes.replace(544, 32, kId);
  put(bytes, 576, bytes.size(), 8);
  put(bytes, 584, kDataStart, 8);  // one area of data, then one of metadata
  put(bytes, 616, kArea, 8);
  put(bytes, 624, kAreaBytes, 8);
  put(bytes, 528, checksum(std::string_view(bytes).substr(532, 492)), 4);
  bytes.replace(kArea + 4, 16, " LVM2 x[5A%r0N*>");
  put(bytes, kArea + 20, 1, 4);
  put(bytes, kArea + 24, kArea, 8);
  put(bytes, kArea + 32, kAreaBytes, 8);
  put(bytes, kArea + 40, at, 8);
  put(bytes, kArea + 48, text.size(), 8);
  put(bytes, kArea + 56, checksum(text), 4);
  put(bytes, kArea, checksum(std::string_view(bytes).substr(kArea + 4, 508)), 4);
  std::size_t first = std::min(text.size(), kAreaBytes - at);
  bytes.replace(kArea + at, first, text, 0, first);
  bytes.replace(kArea + 512, text.size() - first, text, first);
  return bytes;
}

std::string group(const std::string& volumes, const std::string& more_physical = "") {
  return fmt::format(
      "# comment {{\ngolden {{ id = \"g\" seqno = 3 extent_size = 8\n"
      "physical_volumes {{ pv0 {{ id = \"{}\" pe_start = 64 }} {} }}\n"
      "logical_volumes {{ {} }} }}\n",
      kIdInText, more_physical, volumes);
}

std::string linear(const std::string& stripes, const std::string& type = "striped") {
  return "v { status = [\"READ\", \"VISIBLE\"] segment_count = 1 segment1 { start_extent = 0 "
         "extent_count = 2 type = \"" +
         type + "\" stripe_count = 1 stripes = [" + stripes + "] } }";
}

/// Keeps the disks that the volumes read from.
struct Opened {
  std::vector<std::unique_ptr<BlockReader>> disks;
  VolumeGroups groups;
};

Opened open(const std::vector<std::string>& contents) {
  Opened opened;
  std::vector<BlockReader*> disks;
  for (const std::string& content : contents) {
    opened.disks.push_back(memory_disk(content));
    disks.push_back(opened.disks.back().get());
  }
  opened.groups = read_volume_groups(disks);
  return opened;
}

std::string problem_of(const std::string& volumes, const std::string& more_physical = "") {
  Opened opened = open({physical_volume(group(volumes, more_physical))});
  if (opened.groups.volumes.empty())
    return "no volumes: " + testing::PrintToString(opened.groups.problems);
  return opened.groups.volumes.front().problem;
}

TEST(Lvm, ReadsRealVolumes) {
  Opened opened = open({real_volume("two"), real_volume("one")});
  EXPECT_THAT(opened.groups.problems, IsEmpty());
  ASSERT_THAT(opened.groups.volumes, SizeIs(2));
  const std::size_t pieces[] = {192, 128};
  for (std::size_t v = 0; v < 2; ++v) {
    LogicalVolume& volume = opened.groups.volumes[v];
    EXPECT_EQ(volume.group, "golden");
    EXPECT_EQ(volume.name, v == 0 ? "linear" : "striped");
    ASSERT_TRUE(volume.content) << volume.problem;
    std::string expected;
    for (std::size_t i = 0; i < pieces[v]; ++i) {
      std::string piece = fmt::format("{} {}", volume.name, i);
      expected += piece + std::string(4096 - piece.size(), '.');
    }
    ASSERT_EQ(volume.content->size_bytes(), expected.size());
    std::string whole(expected.size(), '?'), odd(50'000, '?');
    volume.content->read(0, std::as_writable_bytes(std::span(whole)));
    EXPECT_TRUE(whole == expected);
    volume.content->read(3333, std::as_writable_bytes(std::span(odd)));
    EXPECT_TRUE(odd == expected.substr(3333, odd.size()));
  }
}

TEST(Lvm, MissingPhysicalVolumeIsNamed) {
  Opened opened = open({real_volume("one")});
  ASSERT_THAT(opened.groups.volumes, SizeIs(2));
  for (const LogicalVolume& volume : opened.groups.volumes) {
    EXPECT_EQ(volume.content, nullptr);
    EXPECT_THAT(volume.problem, HasSubstr("is missing"));
  }
}

TEST(Lvm, ReadsMetadataAroundTheEndOfItsRing) {
  Opened opened = open({physical_volume(group(linear("\"pv0\", 1")), kAreaBytes - 100)});
  EXPECT_THAT(opened.groups.problems, IsEmpty());
  ASSERT_THAT(opened.groups.volumes, SizeIs(1));
  EXPECT_EQ(opened.groups.volumes[0].content->size_bytes(), 8192u);
}

TEST(Lvm, NamesWhatIsNotRead) {
  EXPECT_THAT(problem_of(linear("\"pv0\", 0")), "");
  for (const char* type : {"thin", "thin-pool", "raid1", "cache", "snapshot", "vdo"}) {
    EXPECT_THAT(problem_of(linear("\"pv0\", 0", type)), HasSubstr(std::string("type ") + type));
  }
  EXPECT_THAT(problem_of(linear("\"hidden\", 0")), HasSubstr("another logical volume, hidden"));
  EXPECT_THAT(problem_of(linear("\"pv1\", 0"), "pv1 { id = \"gone\" pe_start = 64 }"),
              HasSubstr("gone is missing"));
  EXPECT_THAT(problem_of(linear("\"pv0\", 0") +
                         "snapshot0 { segment_count = 1 segment1 { type = \"snapshot\" cow_store "
                         "= \"v\" origin = \"w\" } }"),
              HasSubstr("is a snapshot"));
  EXPECT_THAT(problem_of(linear("\"pv0\", 0") +
                         "snapshot0 { segment_count = 1 segment1 { type = \"snapshot\" "
                         "merging_store = \"w\" origin = \"v\" } }"),
              HasSubstr("is being merged into it"));
}

TEST(Lvm, TwoOfOneIdAreTold) {
  const std::string bytes = physical_volume(group(linear("\"pv0\", 0")));
  Opened opened = open({bytes, bytes});
  EXPECT_THAT(opened.groups.problems, Contains(HasSubstr("two physical volumes have the id")));
  EXPECT_THAT(opened.groups.volumes, SizeIs(1));
}

TEST(Lvm, MetadataOfManyVolumesIsBounded) {
  const std::string bytes = physical_volume(group(linear("\"pv0\", 0")));
  auto disk = memory_disk(bytes);
  std::uint64_t budget = 1000;
  EXPECT_EQ(read_physical_volume(*disk, budget).problem, "");
  EXPECT_LT(budget, 1000u);
  EXPECT_THAT(read_physical_volume(*disk, budget = 10).problem, HasSubstr("too long"));
}

TEST(Lvm, BrokenMetadataIsAProblem) {
  EXPECT_THAT(problem_of(linear("\"pv0\", 1000")), HasSubstr("leave"));
  EXPECT_THAT(problem_of(linear("\"pv0\", 18446744073709551615")), HasSubstr("impossible"));
  EXPECT_THAT(problem_of(linear("\"pv0\"")), HasSubstr("stripes"));
  EXPECT_THAT(problem_of("v { status = [\"VISIBLE\"] segment_count = 1000000 }"),
              HasSubstr("segment is missing"));
  std::string bytes = physical_volume(group(linear("\"pv0\", 0")));
  for (std::size_t broken : {std::size_t{545}, kArea + 41, kArea + 600}) {
    std::string copy = bytes;
    copy[broken] = static_cast<char>(copy[broken] ^ 1);
    Opened opened = open({copy});
    EXPECT_THAT(opened.groups.volumes, IsEmpty());
    EXPECT_FALSE(opened.groups.problems.empty()) << broken;
  }
  EXPECT_THAT(open({physical_volume("golden {")}).groups.problems, Contains(HasSubstr("ends")));
}

TEST(LvmText, Parses) {
  Json parsed = parse_lvm_text("a = 5 # c = 6\nb { c = [\"x\\\"\", 7,]\n d = \"\" }\nf = 0.5");
  EXPECT_EQ(parsed, Json::parse(R"({"a":5,"b":{"c":["x\"",7],"d":""},"f":"0.5"})"));
  for (const char* text : {"a", "a =", "a { b = 1", "}", "= 3", "a = [", "a = \"x", "a = \"x\\"}) {
    EXPECT_EQ(kind_of([&] { parse_lvm_text(text); }), ErrorKind::corrupt) << text;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "a {";
  EXPECT_EQ(kind_of([&] { parse_lvm_text(deep); }), ErrorKind::corrupt);
}

}  // namespace
}  // namespace hallmark::disk
