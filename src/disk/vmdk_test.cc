/// VMDK and VHD: what qemu-img makes of the same bytes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.h"
#include "base/testing.h"
#include "disk/block_reader.h"
#include "disk/content_fixture.h"
#include "disk/readers.h"
#include "disk/vhd.h"
#include "disk/vmdk.h"

namespace hallmark::disk {
namespace {

using ::testing::HasSubstr;

struct Variant {
  const char* name;
  const char* format;
  const char* options;
};

class ForeignDisk : public ::testing::Test {
 protected:
  Path path(const std::string& name) const { return directory_.path() / name; }
  std::string text(const std::string& name) const { return path(name).string(); }
  std::string image(const std::string& format, const std::string& options,
                    const std::string& content) {
    write_file(path("raw"), content);
    check_process({.argv = {"qemu-img", "convert", "-f", "raw", "-O", format, "-o", options,
                            text("raw"), text("image")}});
    return read_file(path("image"));
  }
  Error error_of_bytes(const std::string& bytes) {
    write_file(path("broken"), bytes);
    return error_of([&] {
      auto disk = open_disk(path("broken"));
      std::vector<std::byte> all(disk->size_bytes());
      disk->read(0, all);
    });
  }

 private:
  TempDir directory_;
};

class ForeignVariants : public ForeignDisk, public ::testing::WithParamInterface<Variant> {};

TEST_P(ForeignVariants, EqualsRaw) {
  // Not a multiple of a grain or block: the last one is partial.
  std::string content = mixed_content(5 * kMiB + 512 * 3, 1);
  image(GetParam().format, GetParam().options, content);
  auto disk = open_disk(path("image"));
  // qemu-img makes VHDs as large as some cylinders.
  content.resize(disk->size_bytes(), '\0');
  expect_same(*disk, content);
  EXPECT_GT(disk->fetched_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, ForeignVariants,
    ::testing::Values(Variant{"VmdkSparse", "vmdk", "subformat=monolithicSparse"},
                      Variant{"VmdkStream", "vmdk", "subformat=streamOptimized"},
                      Variant{"VmdkZeroedGrains", "vmdk", "zeroed_grain=on"},
                      Variant{"VhdFixed", "vpc", "subformat=fixed"},
                      Variant{"VhdDynamic", "vpc", "subformat=dynamic"},
                      Variant{"VhdExactSize", "vpc", "subformat=fixed,force_size=on"}),
    [](const auto& variant) { return variant.param.name; });

TEST_F(ForeignDisk, DeltasAndPartsAreRefused) {
  std::string vmdk = image("vmdk", "subformat=monolithicSparse", mixed_content(kMiB, 2));
  std::string delta = vmdk;
  delta.replace(delta.find("parentCID=ffffffff"), 18, "parentCID=fffffffe");
  EXPECT_EQ(error_of_bytes(delta).kind(), ErrorKind::usage);
  EXPECT_THAT(error_of_bytes(delta).message(), HasSubstr("delta"));
  std::string parts = image("vmdk", "subformat=monolithicFlat", "flat");
  EXPECT_EQ(error_of_bytes(parts).kind(), ErrorKind::usage);
  std::string vhd = image("vpc", "subformat=dynamic", mixed_content(kMiB, 2));
  // One type less some number in the sum.
  for (std::size_t footer : {std::size_t{0}, vhd.size() - 512}) {
    vhd[footer + 63] = 4;
    vhd[footer + 67] = static_cast<char>(vhd[footer + 67] - 1);
  }
  EXPECT_EQ(error_of_bytes(vhd).kind(), ErrorKind::usage);
  EXPECT_THAT(error_of_bytes(vhd).message(), HasSubstr("differencing"));
}

TEST_F(ForeignDisk, RawDiskThatEndsLikeAVhdIsRaw) {
  for (const char* options : {"subformat=fixed,force_size=on", "subformat=dynamic"}) {
    std::string vhd = image("vpc", options, mixed_content(kMiB, 2));
    std::string raw = std::string(2 * kMiB, 'r') + vhd.substr(vhd.size() - 512);
    write_file(path("raw"), raw);
    EXPECT_EQ(open_disk(path("raw"))->size_bytes(), raw.size()) << options;
  }
}

TEST_F(ForeignDisk, RedundantDirectoryIsNotRead) {
  std::string content = mixed_content(kMiB, 2);
  std::string vmdk = image("vmdk", "subformat=monolithicSparse", content);
  ASSERT_TRUE(vmdk[8] & 2);
  vmdk.replace(48, 8, 8, '\x7f');
  write_file(path("image"), vmdk);
  expect_same(*open_disk(path("image")), content);
}

TEST_F(ForeignDisk, DamageIsCorruptAndNeverCrashes) {
  const std::pair<const char*, const char*> formats[] = {{"vmdk", "subformat=monolithicSparse"},
                                                         {"vmdk", "subformat=streamOptimized"},
                                                         {"vpc", "subformat=dynamic"}};
  for (const auto& [format, options] : formats) {
    std::string bytes = image(format, options, mixed_content(kMiB, 3));
    // Without its footer a VHD is known by its start only, and named.
    EXPECT_EQ(error_of_bytes(bytes.substr(0, bytes.size() / 2)).kind(),
              std::string(format) == "vpc" ? ErrorKind::usage : ErrorKind::corrupt);
    std::mt19937 random(5);
    for (int round = 0; round < 60; ++round) {
      std::string damaged = bytes;
      for (int i = 0; i < 10; ++i) {
        std::size_t reach = i < 5 ? 128 : std::min<std::size_t>(bytes.size(), 70'000);
        damaged[4 + random() % (reach - 4)] = static_cast<char>(random());
        if (i > 7) damaged[bytes.size() - 1 - random() % 1536] = static_cast<char>(random());
      }
      try {
        auto storage = memory_disk(damaged);
        auto disk = std::string(format) == "vpc" ? open_vhd(std::move(storage), "broken")
                                                 : open_vmdk(std::move(storage), "broken");
        std::vector<std::byte> part(std::min<std::uint64_t>(disk->size_bytes(), 4 * kMiB));
        disk->read(0, part);
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), ErrorKind::internal) << error.full_text();
      }
    }
  }
}

TEST_F(ForeignDisk, SparseReadsFetchLittle) {
  const std::pair<const char*, const char*> formats[] = {{"vmdk", "subformat=monolithicSparse"},
                                                         {"vpc", "subformat=dynamic"}};
  for (const auto& [format, options] : formats) {
    image(format, options, mixed_content(16 * kMiB, 5));
    auto disk = open_disk(path("image"));
    EXPECT_LT(disk->fetched_bytes(), 25'000u);
    std::uint64_t opened = disk->fetched_bytes();
    std::array<std::byte, 512> sector;
    disk->read(3 * kMiB, sector);
    disk->read(3 * kMiB + 512, sector);
    EXPECT_LE(disk->fetched_bytes(), opened + 2048 + 2 * 512);
  }
}

}  // namespace
}  // namespace hallmark::disk
