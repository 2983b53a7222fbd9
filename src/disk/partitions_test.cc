#include "disk/partitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"
#include "base/process.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kMiB = 1 << 20;
constexpr const char* kRootType = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";

/// A disk of 8 MiB partitioned by sfdisk, as bytes so that tests can break it.
std::string partitioned(const std::string& script, std::size_t size = 8 * kMiB) {
  TempDir directory;
  Path file = directory.path() / "disk";
  write_file(file, std::string(size, '\0'));
  check_process({.argv = {"sfdisk", "-q", "--no-reread", "--no-tell-kernel", file.string()},
                 .stdin_text = script});
  return read_file(file);
}

const char* const kGpt =
    "label: gpt\n"
    "start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, name=bios\n"
    "start=4096, size=6144, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=\"wurzel-\xc3\xa4\"\n";

std::vector<int> numbers(const PartitionTable& table) {
  std::vector<int> result;
  for (const Partition& partition : table.partitions) result.push_back(partition.number);
  return result;
}

void expect_our_gpt(const PartitionTable& table) {
  EXPECT_EQ(table.kind, TableKind::gpt);
  ASSERT_THAT(numbers(table), ElementsAre(1, 2));
  const Partition& root = table.partitions[1];
  EXPECT_EQ(root.offset_bytes, 2 * kMiB);
  EXPECT_EQ(root.size_bytes, 3 * kMiB);
  EXPECT_EQ(root.type, kRootType);
  EXPECT_EQ(root.name, "wurzel-\xc3\xa4");
  EXPECT_THAT(root.unique_id, SizeIs(36));
}

TEST(Partitions, ReadsGpt) {
  auto disk = memory_disk(partitioned(kGpt));
  PartitionTable table = read_partitions(*disk);
  expect_our_gpt(table);
  EXPECT_THAT(table.problems, IsEmpty());
  EXPECT_EQ(partition_type_name(kRootType), "Linux root (x86-64)");
  EXPECT_EQ(partition_type_name("no such type"), "");
}

TEST(Partitions, UsesTheBackupHeader) {
  std::string bytes = partitioned(kGpt);
  for (std::size_t broken : {512u + 20u, 512u + 72u, 1024u + 130u}) {
    std::string copy = bytes;
    copy[broken] ^= 1;
    auto disk = memory_disk(copy);
    PartitionTable table = read_partitions(*disk);
    expect_our_gpt(table);
    EXPECT_THAT(table.problems, ElementsAre(HasSubstr("the backup was used"))) << broken;
  }
}

TEST(Partitions, SaysWhenBothCopiesAreBroken) {
  std::string bytes = partitioned(kGpt);
  bytes[512 + 20] ^= 1;
  bytes[bytes.size() - 512 + 20] ^= 1;
  auto disk = memory_disk(bytes);
  PartitionTable table = read_partitions(*disk);
  EXPECT_EQ(table.kind, TableKind::gpt);
  EXPECT_THAT(table.partitions, IsEmpty());
  EXPECT_THAT(table.problems, SizeIs(2));
}

TEST(Partitions, PartitionThatLeavesTheDiskIsAProblem) {
  std::string bytes = partitioned(kGpt);
  bytes.resize(4 * kMiB);  // the file was cut short: the backup is gone as well
  auto disk = memory_disk(bytes);
  PartitionTable table = read_partitions(*disk);
  EXPECT_THAT(numbers(table), ElementsAre(1));
  EXPECT_THAT(table.problems, ElementsAre(HasSubstr("partition 2 leaves")));
}

TEST(Partitions, ReadsMbrWithLogicalPartitions) {
  auto disk =
      memory_disk(partitioned("label: dos\nlabel-id: 0x1234abcd\n"
                              "start=2048, size=2048, type=83, bootable\n"
                              "start=4096, size=10240, type=5\n"
                              "start=6144, size=1024, type=83\nstart=10240, size=1024, type=82\n"));
  PartitionTable table = read_partitions(*disk);
  EXPECT_EQ(table.kind, TableKind::mbr);
  ASSERT_THAT(numbers(table), ElementsAre(1, 5, 6));
  EXPECT_EQ(table.partitions[0].type, "0x83");
  EXPECT_EQ(table.partitions[0].unique_id, "1234abcd-01");
  EXPECT_EQ(table.partitions[2].unique_id, "1234abcd-06");
  EXPECT_EQ(table.partitions[1].offset_bytes, 3 * kMiB);
  EXPECT_EQ(table.partitions[2].offset_bytes, 5 * kMiB);
  EXPECT_EQ(table.partitions[2].size_bytes, kMiB / 2);
  EXPECT_EQ(table.partitions[2].type, "0x82");
  EXPECT_THAT(table.problems, IsEmpty());
}

const char* const kMbr =
    "label: dos\nstart=2048, size=2048, type=83\nstart=4096, size=2048, type=83\n";

TEST(Partitions, PartitionBeyondTheDiskHidesNoOther) {
  std::string bytes = partitioned(kMbr);
  bytes[446 + 16 + 11] = '\x10';
  auto disk = memory_disk(bytes);
  PartitionTable table = read_partitions(*disk);
  EXPECT_EQ(table.kind, TableKind::mbr);
  EXPECT_THAT(numbers(table), ElementsAre(1));
  EXPECT_THAT(table.problems, ElementsAre(HasSubstr("partition 2 leaves")));
}

TEST(Partitions, OnlyEntriesWithoutSizeAreUnused) {
  std::string bytes = partitioned(kMbr);
  bytes[446 + 4] = '\0';
  auto disk = memory_disk(bytes);
  EXPECT_THAT(numbers(read_partitions(*disk)), ElementsAre(1, 2));
}

TEST(Partitions, GptNeedsItsProtectiveMbr) {
  for (std::size_t broken : {510u, 446u + 4u, 446u + 9u}) {
    std::string bytes = partitioned(kGpt);
    bytes[broken] ^= 1;
    auto disk = memory_disk(bytes);
    EXPECT_NE(read_partitions(*disk).kind, TableKind::gpt) << broken;
  }
}

TEST(Partitions, LogicalPartitionsAreNumberedAsFound) {
  std::string bytes = partitioned(
      "label: dos\nstart=4096, size=10240, type=5\nstart=6144, size=1024, type=83\n"
      "start=10240, size=1024, type=83\n");
  // The first link leads on with its first entry and has its partition in the second.
  auto entry = [&](std::size_t i) { return 4096 * 512 + 446 + 16 * i; };
  std::string first = bytes.substr(entry(0), 16);
  bytes.replace(entry(0), 16, bytes, entry(1), 16);
  bytes.replace(entry(1), 16, first);
  auto disk = memory_disk(bytes);
  EXPECT_THAT(numbers(read_partitions(*disk)), ElementsAre(5, 6));
  // An empty link has no number.
  bytes.replace(entry(1), 16, 16, '\0');
  disk = memory_disk(bytes);
  PartitionTable table = read_partitions(*disk);
  ASSERT_THAT(numbers(table), ElementsAre(5));
  EXPECT_EQ(table.partitions[0].offset_bytes, 5 * kMiB);
}

TEST(Partitions, LoopOfLogicalPartitionsEnds) {
  std::string bytes = partitioned(
      "label: dos\nstart=4096, size=10240, type=5\nstart=6144, size=1024, type=83\n"
      "start=10240, size=1024, type=83\n");
  // The second link of the chain is made to point at the first again.
  std::size_t link = 4096 * 512 + 446 + 16 + 8;
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(link), 4, '\0');
  auto disk = memory_disk(bytes);
  PartitionTable table = read_partitions(*disk);
  EXPECT_THAT(table.problems, ElementsAre(HasSubstr("chain")));
}

TEST(Partitions, NoTable) {
  for (std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{512}, kMiB}) {
    auto disk = memory_disk(std::string(size, '\0'));
    PartitionTable table = read_partitions(*disk);
    EXPECT_EQ(table.kind, TableKind::none);
    EXPECT_THAT(table.problems, IsEmpty());
  }
  // A boot sector of a bare file system: the signature, but text where entries would lie.
  std::string boot(kMiB, '\0');
  for (std::size_t i = 446; i < 510; ++i) boot[i] = 'x';
  boot[510] = '\x55';
  boot[511] = '\xaa';
  auto disk = memory_disk(boot);
  EXPECT_EQ(read_partitions(*disk).kind, TableKind::none);
}

TEST(Partitions, ReadsLargeSectors) {
  // The same table as sfdisk writes, moved to where a disk with sectors of 4 KiB has it. Only one
  // entry, so that it fits the one sector.
  std::string small = partitioned("label: gpt\nfirst-lba: 34\nstart=512, size=512, type=L\n");
  std::string bytes(8 * kMiB, '\0');
  bytes.replace(0, 512, small, 0, 512);
  bytes.replace(2 * 4096, 128, small, 1024, 128);
  std::string header = small.substr(512, 92);
  auto put32 = [&](std::size_t offset, unsigned long value) {
    for (int i = 0; i < 4; ++i) header[offset + i] = static_cast<char>(value >> (8 * i) & 0xff);
  };
  auto checksum = [](const char* data, unsigned length) {
    return ::crc32(0, reinterpret_cast<const Bytef*>(data), length);
  };
  put32(80, 1);
  put32(88, checksum(&bytes[2 * 4096], 128));
  put32(16, 0);
  put32(16, checksum(header.data(), 92));
  bytes.replace(4096, 92, header);
  auto disk = memory_disk(bytes);
  PartitionTable table = read_partitions(*disk);
  EXPECT_THAT(table.problems, IsEmpty());
  ASSERT_THAT(table.partitions, SizeIs(1));
  EXPECT_EQ(table.partitions[0].offset_bytes, 2 * kMiB);
  EXPECT_EQ(table.partitions[0].size_bytes, 2 * kMiB);
}

}  // namespace
}  // namespace hallmark::disk
