#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/process.h"
#include "base/testing.h"
#include "cloud/libvirt/image_files.h"
#include "cloud/libvirt/image_store.h"
#include "cloud/libvirt/libvirt_cloud.h"
#include "cloud/libvirt/machine_record.h"
#include "cloud/libvirt/parameter_store.h"

namespace hallmark::cloud {
namespace {

using ::testing::ElementsAre;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "eu-west-1"};
const Place kGuest{"444455556666", "us-east-1"};

class LibvirtStore : public ::testing::Test {
 protected:
  LibvirtStore() {
    config_.root = directory_.path() / "cloud";
    config_.account_id = kHome.account_id;
    config_.regions = {"us-east-1", "eu-west-1"};
    cloud_ = make_libvirt_cloud(config_, clock_);
  }

  /// A raw disk with recognisable bytes.
  Path raw_disk(std::size_t bytes = 1 << 20) {
    Path file = directory_.path() / "disk.raw";
    std::string content(bytes, '\0');
    for (std::size_t i = 0; i < bytes; i += 4096) content[i] = static_cast<char>(i / 4096 + 1);
    write_file(file, content);
    return file;
  }

  Path images(const Place& place) { return config_.root / "regions" / place.region / "images"; }

  std::vector<std::string> image_files(const Place& place) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(images(place))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir directory_;
  ManualClock clock_{from_rfc3339("2026-01-01T00:00:00Z")};
  LibvirtCloudConfig config_;
  std::unique_ptr<Cloud> cloud_;
};

TEST_F(LibvirtStore, ImageIsAFileAndASidecarOnly) {
  std::string id = cloud_->import_image(kHome, raw_disk(), {.name = "first"}, "t1", {});
  EXPECT_THAT(image_files(kHome), ElementsAre(id + ".json", id + ".qcow2"));
  struct stat status {};
  ASSERT_EQ(::stat((images(kHome) / (id + ".qcow2")).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0444u);
  Image image = cloud_->find_image(kHome, id).value();
  EXPECT_EQ(image.disk_size_bytes, 1u << 20);
  EXPECT_GT(image.stored_size_bytes, 0u);
}

TEST_F(LibvirtStore, CopyHasTheSameBytesAndSurvivesItsSource) {
  std::string id = cloud_->import_image(kHome, raw_disk(), {.name = "first"}, "t1", {});
  std::string copy = cloud_->copy_image(kAway, id, "us-east-1", {.name = "first"}, "t2", {});
  cloud_->remove_image(kHome, id);
  EXPECT_TRUE(image_files(kHome).empty());
  Path back = directory_.path() / "back.raw";
  check_process({.argv = {"qemu-img", "convert", "-O", "raw",
                          (images(kAway) / (copy + ".qcow2")).string(), back.string()}});
  EXPECT_EQ(read_file(back), read_file(raw_disk()));
}

TEST_F(LibvirtStore, CopyReachesAnotherFileSystem) {
  // Nearly every machine has this one in memory; where it is the same as ours the test is merely
  // easy.
  TempDir elsewhere{"/dev/shm"};
  Path copy = elsewhere.path() / "copy";
  libvirt::copy_image_file(raw_disk(), copy, {});
  EXPECT_EQ(read_file(copy), read_file(raw_disk()));
}

TEST_F(LibvirtStore, BadDisksAreRefusedAndLeaveNothing) {
  auto import = [&](const Path& file) {
    return kind_of([&] { cloud_->import_image(kHome, file, {.name = "bad"}, file.string(), {}); });
  };
  Path text = directory_.path() / "text";
  write_file(text, "this is not a disk");
  EXPECT_EQ(import(text), ErrorKind::corrupt);
  Path empty = directory_.path() / "empty";
  write_file(empty, "");
  EXPECT_EQ(import(empty), ErrorKind::corrupt);
  EXPECT_EQ(import(directory_.path() / "missing"), ErrorKind::not_found);
  EXPECT_EQ(import(directory_.path()), ErrorKind::usage);

  Path whole = directory_.path() / "whole.qcow2";
  check_process(
      {.argv = {"qemu-img", "convert", "-O", "qcow2", raw_disk(4 << 20).string(), whole.string()}});
  std::string bytes = read_file(whole);
  Path cut = directory_.path() / "cut.qcow2";
  write_file(cut, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(import(cut), ErrorKind::corrupt);
  Path header_only = directory_.path() / "header.qcow2";
  write_file(header_only, bytes.substr(0, 60));
  EXPECT_EQ(import(header_only), ErrorKind::corrupt);
  std::string broken = bytes;
  std::fill(broken.begin() + 65536, broken.begin() + 4 * 65536, '\x5a');  // its tables
  Path garbled = directory_.path() / "garbled.qcow2";
  write_file(garbled, broken);
  EXPECT_EQ(import(garbled), ErrorKind::corrupt);

  Path vmdk = directory_.path() / "disk.vmdk";
  check_process({.argv = {"qemu-img", "create", "-q", "-f", "vmdk", vmdk.string(), "1M"}});
  EXPECT_EQ(import(vmdk), ErrorKind::usage);
  // An image that names another file would let its maker read any file of ours.
  Path thief = directory_.path() / "thief.qcow2";
  check_process({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F",
                          "raw", thief.string()}});
  EXPECT_EQ(import(thief), ErrorKind::usage);

  EXPECT_TRUE(image_files(kHome).empty());
  EXPECT_TRUE(cloud_->list_images(kHome, {}).empty());
}

TEST_F(LibvirtStore, RawDiskCutOffBeforeItsGptEndIsCorrupt) {
  Path file = directory_.path() / "gpt.raw";
  std::ofstream(file).close();
  std::filesystem::resize_file(file, 8 << 20);
  check_process(
      {.argv = {"sfdisk", "-q", file.string()}, .stdin_text = "label: gpt\nstart=2048\n"});
  EXPECT_NO_THROW(cloud_->import_image(kHome, file, {.name = "whole"}, "t1", {}));
  std::filesystem::resize_file(file, 6 << 20);
  EXPECT_EQ(kind_of([&] { cloud_->import_image(kHome, file, {.name = "cut"}, "t2", {}); }),
            ErrorKind::corrupt);
}

TEST_F(LibvirtStore, DebrisOfAKilledMakerIsHiddenAndClearedAndItsNameIsFree) {
  // What a process leaves that dies in the middle of making an image: a pending sidecar and a part.
  std::string id = "ami-0123456789abcdef0";
  libvirt::ImageRecord record;
  record.image.image_id = id;
  record.image.name = "wanted";
  record.image.owner_id = kHome.account_id;
  record.image.region = kHome.region;
  write_file(images(kHome) / (id + ".json"), pretty(libvirt::to_json(record)));
  write_file(images(kHome) / (id + ".qcow2.part"), "half");
  write_file(images(kHome) / "ami-0123456789abcdef1.qcow2", "published, but no sidecar");
  EXPECT_FALSE(cloud_->find_image(kHome, id));
  EXPECT_TRUE(cloud_->list_images(kHome, {}).empty());

  std::string made = cloud_->import_image(kHome, raw_disk(), {.name = "wanted"}, "t1", {});
  EXPECT_THAT(image_files(kHome), ElementsAre(made + ".json", made + ".qcow2"));
}

TEST_F(LibvirtStore, AnImageBeingMadeElsewhereKeepsItsNameAndFiles) {
  libvirt::StoreLayout layout{config_.root, config_.regions};
  libvirt::ImageStore store(layout, clock_);
  store.create(kHome, {.name = "slow"}, "t1", {}, [&](const Path& file, Image&) {
    write_file(file, "half");
    EXPECT_EQ(kind_of([&] { cloud_->import_image(kHome, raw_disk(), {.name = "slow"}, "t2", {}); }),
              ErrorKind::conflict);
    cloud_->import_image(kHome, raw_disk(), {.name = "other"}, "t3", {});
    EXPECT_TRUE(std::filesystem::exists(file));
    ASSERT_EQ(cloud_->list_images(kHome, {.name = "slow"}).size(), 1u);
    EXPECT_EQ(cloud_->list_images(kHome, {.name = "slow"})[0].state, ImageState::pending);
  });
}

TEST_F(LibvirtStore, NamesFromOutsideNeverLeaveTheDirectory) {
  EXPECT_FALSE(cloud_->find_image(kHome, "ami-../../../etc/passwd"));
  EXPECT_FALSE(cloud_->find_image(kHome, "../x"));
  EXPECT_FALSE(cloud_->find_machine(kHome, "i-../../x"));
  EXPECT_EQ(kind_of([&] { cloud_->get_parameter(kHome, "/../../x"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { cloud_->get_parameter(kHome, "x"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { cloud_->get_parameter(kHome, "/a//b"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] {
              cloud_->get_parameter({"../..", "us-east-1"}, "/a");
            }),
            ErrorKind::usage);
  EXPECT_EQ(kind_of([&] {
              cloud_->list_images({kHome.account_id, "mars"}, {});
            }),
            ErrorKind::not_found);
  LibvirtCloudConfig bad = config_;
  bad.regions = {"../../x"};
  EXPECT_EQ(kind_of([&] { make_libvirt_cloud(bad, clock_); }), ErrorKind::usage);
}

TEST_F(LibvirtStore, ParametersArePlainFilesThatFoldersDoNotHide) {
  Path files = config_.root / "regions/us-east-1/accounts/111122223333/parameters";
  EXPECT_EQ(cloud_->put_parameter(kHome, "/GoldenAMI/Debian-12/web-1/3", "ami-1", 0), 1);
  EXPECT_EQ(read_file(files / "GoldenAMI/Debian-12/web-1/3"), "ami-1");
  // The same name as a folder, as the guide's parameters have it.
  cloud_->put_parameter(kHome, "/GoldenAMI/Debian-12/web-1/3/temp", "{}", 0);
  EXPECT_EQ(cloud_->get_parameter(kHome, "/GoldenAMI/Debian-12/web-1/3")->value, "ami-1");
  EXPECT_EQ(cloud_->put_parameter(kHome, "/GoldenAMI/Debian-12/web-1/3", "ami-2", 1), 2);
  EXPECT_EQ(read_file(files / "GoldenAMI/Debian-12/web-1/3/.value"), "ami-2");
  EXPECT_EQ(read_file(files / "GoldenAMI/Debian-12/web-1/3/temp"), "{}");
  EXPECT_EQ(cloud_->list_parameters(kHome, "/GoldenAMI/").size(), 2u);
  cloud_->remove_parameter(kHome, "/GoldenAMI/Debian-12/web-1/3", 2);
  EXPECT_EQ(cloud_->list_parameters(kHome, "/").size(), 1u);
  cloud_->remove_parameter(kHome, "/GoldenAMI/Debian-12/web-1/3/temp", 1);
  EXPECT_TRUE(std::filesystem::is_empty(files));
}

TEST_F(LibvirtStore, SizesAreCheckedAndSuggested) {
  EXPECT_EQ(libvirt::machine_size("").memory_mib, 1024);
  EXPECT_EQ(libvirt::machine_size("t3.small").cpus, 1);
  try {
    libvirt::machine_size("smal");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_EQ(e.hint(), "did you mean small?");
  }
}

TEST_F(LibvirtStore, FullDiskIsUnavailableWithAWayOut) {
  try {
    libvirt::require_space(directory_.path(), std::uint64_t{1} << 60);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::unavailable);
    EXPECT_FALSE(e.hint().empty());
  }
}

}  // namespace
}  // namespace hallmark::cloud
