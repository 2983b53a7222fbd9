#include "disk/qcow2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/error.h"
#include "base/process.h"
#include "base/testing.h"
#include "disk/content_fixture.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

using ::testing::HasSubstr;

void qemu_img(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "qemu-img");
  check_process({.argv = std::move(arguments)});
}

class Qcow2Test : public ::testing::Test {
 protected:
  Path path(const std::string& name) const { return directory_.path() / name; }
  std::string text(const std::string& name) const { return path(name).string(); }
  /// A small image whose header the test then breaks.
  std::string small_image(const std::string& options) {
    qemu_img({"create", "-q", "-f", "qcow2", "-o", options, text("small"), "4M"});
    return read_file(path("small"));
  }
  /// Opens `bytes` as a qcow2 file and reads all of it; returns the error.
  Error error_of(const std::string& bytes) {
    write_file(path("broken"), bytes);
    try {
      auto disk = open_disk(path("broken"));
      std::vector<std::byte> all(disk->size_bytes());
      disk->read(0, all);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "");
  }

 private:
  TempDir directory_;
};

struct Variant {
  const char* name;
  const char* options;
  bool compressed;
};

class Qcow2Variants : public Qcow2Test, public ::testing::WithParamInterface<Variant> {};

TEST_P(Qcow2Variants, EqualsRaw) {
  // Not a multiple of any cluster size: the last cluster is partial.
  std::string content = mixed_content(9 * kMiB + 512 * 3, 1);
  write_file(path("raw"), content);
  std::vector<std::string> command = {"convert",         "-f", "raw", "-O", "qcow2", "-o",
                                      GetParam().options};
  if (GetParam().compressed) command.push_back("-c");
  command.insert(command.end(), {text("raw"), text("image")});
  qemu_img(command);
  auto disk = open_disk(path("image"));
  expect_same(*disk, content);
  EXPECT_GT(disk->fetched_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, Qcow2Variants,
    ::testing::Values(Variant{"Version2", "compat=0.10", false},
                      Variant{"Version2Compressed", "compat=0.10", true},
                      Variant{"Version3", "compat=1.1", false},
                      Variant{"Zlib", "compression_type=zlib", true},
                      Variant{"Zstd", "compression_type=zstd", true},
                      Variant{"SmallClusters", "cluster_size=512", false},
                      Variant{"SmallClustersCompressed", "cluster_size=4k", true},
                      Variant{"LargeClusters", "cluster_size=2M", false},
                      Variant{"LargeClustersZstd", "cluster_size=2M,compression_type=zstd", true},
                      Variant{"ExtendedL2", "extended_l2=on,cluster_size=128k", false},
                      Variant{"ExtendedL2Compressed", "extended_l2=on,cluster_size=64k", true},
                      Variant{"Preallocated", "preallocation=metadata", false}),
    [](const auto& variant) { return variant.param.name; });

TEST_F(Qcow2Test, ReadsABackingChain) {
  std::string content = mixed_content(6 * kMiB, 2);
  write_file(path("base.raw"), content);
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw", text("middle"), "7M"});
  qemu_img({"create", "-q", "-f", "qcow2", "-o", "extended_l2=on,cluster_size=128k", "-F", "qcow2",
            "-b", "middle", text("top"), "8M"});
  content.resize(8 * kMiB, '\0');
  auto write = [&](const std::string& file, std::size_t offset, std::size_t length, char byte) {
    check_process(
        {.argv = {"qemu-io", "-f", "qcow2", "-c",
                  fmt::format("write -P {} {} {}", int{byte}, offset, length), text(file)}});
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(offset), length, byte);
  };
  write("middle", 100 * kKiB, 300 * kKiB, 'm');
  write("top", 200 * kKiB, 4 * kKiB, 't');
  write("top", 6 * kMiB + 512, 1024, 'u');
  check_process({.argv = {"qemu-io", "-f", "qcow2", "-c", "write -z 1M 200k", text("top")}});
  std::fill_n(content.begin() + kMiB, 200 * kKiB, '\0');
  check_process({.argv = {"qemu-io", "-f", "qcow2", "-c", "write -z 3M 128k", text("middle")}});
  std::fill_n(content.begin() + 3 * kMiB, 128 * kKiB, '\0');

  auto disk = open_disk(path("top"));
  expect_same(*disk, content);
  qemu_img({"convert", "-O", "raw", text("top"), text("flat")});
  EXPECT_TRUE(read_file(path("flat")) == content);
}

TEST_F(Qcow2Test, SnapshotsAreIgnored) {
  std::string content = mixed_content(2 * kMiB, 3);
  write_file(path("raw"), content);
  qemu_img({"convert", "-f", "raw", "-O", "qcow2", text("raw"), text("image")});
  qemu_img({"snapshot", "-c", "before", text("image")});
  check_process({.argv = {"qemu-io", "-f", "qcow2", "-c", "write -P 7 64k 64k", text("image")}});
  std::fill_n(content.begin() + 64 * kKiB, 64 * kKiB, '\7');
  auto disk = open_disk(path("image"));
  expect_same(*disk, content);
}

TEST_F(Qcow2Test, RawBackingFileIsNotProbed) {
  // A guest can write a qcow2 header into its raw disk; the recorded format must win.
  std::string inner = small_image("compat=1.1");
  write_file(path("base.raw"), inner);
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw", text("top")});
  auto disk = open_disk(path("top"));
  std::string start(4, '?');
  disk->read(0, std::as_writable_bytes(std::span(start)));
  EXPECT_EQ(start, "QFI\xfb");
}

TEST_F(Qcow2Test, BackingFilesMayBeKeptBeside) {
  TempDir elsewhere;
  write_file(elsewhere.path() / "secret", std::string(1024, 's'));
  std::filesystem::create_symlink(elsewhere.path() / "secret", path("link"));
  write_file(path("below/base"), std::string(1024, 'b'));
  for (const std::string& backing :
       {(elsewhere.path() / "secret").string(),
        std::string("../") + elsewhere.path().filename().string() + "/secret",
        std::string("link")}) {
    qemu_img({"create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, text("top")});
    EXPECT_EQ(open_disk(path("top"))->size_bytes(), 1024u);
    EXPECT_EQ(kind_of([&] { open_disk(path("top"), BackingFiles::beside); }), ErrorKind::denied);
  }
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "raw", "-b", "below/base", text("top")});
  EXPECT_EQ(open_disk(path("top"), BackingFiles::beside)->size_bytes(), 1024u);
}

TEST_F(Qcow2Test, BackingLoopIsRefused) {
  qemu_img({"create", "-q", "-f", "qcow2", text("b"), "4M"});
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "b", text("a")});
  qemu_img({"rebase", "-u", "-F", "qcow2", "-b", "a", text("b")});
  try {
    open_disk(path("a"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_THAT(error.full_text(), HasSubstr("leads back"));
  }
}

TEST_F(Qcow2Test, MissingBackingFileIsNamed) {
  qemu_img({"create", "-q", "-f", "qcow2", text("b"), "4M"});
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "b", text("a")});
  std::filesystem::remove(path("b"));
  try {
    open_disk(path("a"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.full_text(), HasSubstr("the backing file of"));
  }
  qemu_img({"create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "nbd://localhost:1/x",
            text("n"), "4M"});
  EXPECT_EQ(error_of(read_file(path("n"))).kind(), ErrorKind::usage);
}

TEST_F(Qcow2Test, RefusesEncryptionAndExternalData) {
  std::string aes = small_image("compat=1.1");
  aes[35] = 1;  // AES, which today's QEMU no longer writes
  Error encrypted = error_of(aes);
  EXPECT_EQ(encrypted.kind(), ErrorKind::usage);
  EXPECT_THAT(encrypted.message(), HasSubstr("encrypted"));
  qemu_img({"create", "-q", "-f", "qcow2", "-o", "data_file=" + text("data"), text("ext"), "1M"});
  Error external = error_of(read_file(path("ext")));
  EXPECT_EQ(external.kind(), ErrorKind::usage);
  EXPECT_THAT(external.message(), HasSubstr("external"));
}

TEST_F(Qcow2Test, RefusesFeatureBits) {
  std::string image = small_image("compat=1.1");
  std::string corrupt = image;
  corrupt[79] = 2;
  EXPECT_THAT(error_of(corrupt).message(), HasSubstr("marked as corrupt"));
  std::string unknown = image;
  unknown[78] = 1;
  EXPECT_THAT(error_of(unknown).message(), HasSubstr("0x100"));
  std::string dirty = image;
  dirty[79] = 1;
  write_file(path("dirty"), dirty);
  EXPECT_EQ(open_disk(path("dirty"))->size_bytes(), 4 * kMiB);
}

TEST_F(Qcow2Test, BrokenHeadersAreRefused) {
  std::string image = small_image("compat=1.1");
  auto with = [&](std::size_t offset, char byte) {
    std::string copy = image;
    copy[offset] = byte;
    return copy;
  };
  EXPECT_EQ(error_of(with(7, 9)).kind(), ErrorKind::usage);      // version
  EXPECT_EQ(error_of(with(23, 40)).kind(), ErrorKind::corrupt);  // cluster bits
  EXPECT_EQ(error_of(with(24, 1)).kind(), ErrorKind::corrupt);   // size without an L1 table for it
  EXPECT_EQ(error_of(with(39, 0)).kind(), ErrorKind::corrupt);   // L1 entries
  EXPECT_EQ(error_of(with(47, 4)).kind(), ErrorKind::corrupt);   // L1 offset
  EXPECT_EQ(error_of(with(41, 4)).kind(), ErrorKind::corrupt);   // L1 offset beyond the file
  EXPECT_EQ(error_of(with(103, 1)).kind(), ErrorKind::corrupt);  // header length
  EXPECT_EQ(error_of(image.substr(0, 50)).kind(), ErrorKind::corrupt);
  EXPECT_EQ(error_of(image.substr(0, 80)).kind(), ErrorKind::corrupt);
}

TEST_F(Qcow2Test, TruncatedImageNamesThePlace) {
  write_file(path("raw"), mixed_content(4 * kMiB, 4));
  for (const char* compressed : {"-c", ""}) {
    std::vector<std::string> command = {"convert", "-f", "raw", "-O", "qcow2"};
    if (*compressed) command.push_back(compressed);
    command.insert(command.end(), {text("raw"), text("image")});
    qemu_img(command);
    std::string bytes = read_file(path("image"));
    Error error = error_of(bytes.substr(0, bytes.size() / 2));
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_THAT(error.message(), HasSubstr("broken"));  // the file's name
    EXPECT_THAT(error.message(), HasSubstr("offset"));
  }
}

TEST_F(Qcow2Test, DamagedClusterIsNoticed) {
  std::string content(kMiB, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = "golden image "[i * i % 13];
  write_file(path("raw"), content);
  for (const char* type : {"zlib", "zstd"}) {
    qemu_img({"convert", "-c", "-f", "raw", "-O", "qcow2", "-o",
              fmt::format("compression_type={}", type), text("raw"), text("image")});
    std::string bytes = read_file(path("image"));
    // Everything behind the tables is compressed data.
    std::fill(bytes.begin() + 5 * 65536, bytes.end(), '\xff');
    Error error = error_of(bytes);
    EXPECT_EQ(error.kind(), ErrorKind::corrupt) << type;
    EXPECT_THAT(error.message(), HasSubstr("compressed cluster")) << type;
  }
}

TEST_F(Qcow2Test, SparseReadsFetchLittle) {
  write_file(path("raw"), mixed_content(16 * kMiB, 5));
  qemu_img({"convert", "-f", "raw", "-O", "qcow2", text("raw"), text("image")});
  auto disk = open_disk(path("image"));
  std::uint64_t opened = disk->fetched_bytes();
  EXPECT_LT(opened, 4 * kKiB);
  std::array<std::byte, 512> sector;
  disk->read(3 * kMiB, sector);
  disk->read(3 * kMiB + 512, sector);
  EXPECT_LE(disk->fetched_bytes(), opened + 4096 + 2 * 512);
}

}  // namespace
}  // namespace hallmark::disk
