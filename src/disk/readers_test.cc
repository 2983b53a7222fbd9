#include "disk/readers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "base/testing.h"

namespace hallmark::disk {
namespace {

std::string text_at(BlockReader& disk, std::uint64_t offset, std::size_t length) {
  std::string text(length, '?');
  disk.read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(Readers, RawFileIsReadAsItLies) {
  TempDir directory;
  write_file(directory.path() / "disk", "hello disk");
  auto disk = open_disk(directory.path() / "disk");
  EXPECT_EQ(disk->size_bytes(), 10u);
  EXPECT_EQ(text_at(*disk, 6, 4), "disk");
  EXPECT_EQ(text_at(*disk, 10, 0), "");
  EXPECT_EQ(kind_of([&] { text_at(*disk, 7, 4); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { text_at(*disk, ~std::uint64_t{0}, 2); }), ErrorKind::corrupt);
}

TEST(Readers, HolesOfARawFileAreZerosThatNobodyFetches) {
  TempDir directory;
  Path file = directory.path() / "disk";
  constexpr std::uint64_t kSize = 8u << 20, kData = 4u << 20;
  const std::size_t length = 128 << 10;
  write_file(file, "");
  std::filesystem::resize_file(file, kSize);
  auto disk = open_disk(file);
  {
    FileDescriptor fd(::open(file.c_str(), O_WRONLY));
    ASSERT_EQ(::pwrite(fd.get(), "data", 4, kData), 4);
  }
  const std::string zeros(length, '\0');
  const std::uint64_t opened = disk->fetched_bytes();
  EXPECT_EQ(text_at(*disk, 0, length), zeros);
  EXPECT_EQ(text_at(*disk, kSize - length, length), zeros);
  EXPECT_EQ(disk->fetched_bytes(), opened);
  // A range that begins in a hole and ends in data has both.
  std::string both = text_at(*disk, kData - length + 4, length);
  EXPECT_EQ(both.substr(length - 4), "data");
  EXPECT_EQ(both.substr(0, length - 4), zeros.substr(4));
  EXPECT_EQ(disk->fetched_bytes(), opened + length);
  std::filesystem::resize_file(file, 2u << 20);
  EXPECT_EQ(kind_of([&] { text_at(*disk, kSize - length, length); }), ErrorKind::unavailable);
}

TEST(Readers, RefusesWhatIsNoDisk) {
  TempDir directory;
  EXPECT_EQ(kind_of([&] { open_disk(directory.path() / "missing"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { open_disk(directory.path()); }), ErrorKind::usage);
  Path pipe = directory.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(kind_of([&] { open_disk(pipe); }), ErrorKind::usage);
}

TEST(Readers, NamesForeignFormats) {
  TempDir directory;
  Path file = directory.path() / "disk.vmdk";
  write_file(file, "# Disk DescriptorFile\nversion=1\n");
  try {
    open_disk(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.message().find("VMDK"), std::string::npos);
    EXPECT_NE(error.hint().find("qemu-img convert"), std::string::npos);
  }
}

TEST(Readers, SubRangeStaysInside) {
  auto disk = memory_disk(std::string("0123456789"));
  auto part = sub_range(*disk, 2, 5);
  EXPECT_EQ(part->size_bytes(), 5u);
  EXPECT_EQ(text_at(*part, 0, 5), "23456");
  EXPECT_EQ(part->fetched_bytes(), 5u);
  EXPECT_EQ(kind_of([&] { text_at(*part, 3, 3); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { sub_range(*disk, 6, 5); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { sub_range(*disk, 2, ~std::uint64_t{0}); }), ErrorKind::corrupt);
}

TEST(Readers, EndiannessIsAsNamed) {
  std::vector<std::byte> bytes;
  for (int i = 1; i <= 8; ++i) bytes.push_back(std::byte(i));
  EXPECT_EQ(little16(bytes, 0), 0x0201);
  EXPECT_EQ(little32(bytes, 0), 0x04030201u);
  EXPECT_EQ(little64(bytes, 0), 0x0807060504030201u);
  EXPECT_EQ(big32(bytes, 4), 0x05060708u);
  EXPECT_EQ(big64(bytes, 0), 0x0102030405060708u);
}

}  // namespace
}  // namespace hallmark::disk
