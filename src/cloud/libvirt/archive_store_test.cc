/// Archives of the embedded cloud: files in a directory.

#include "cloud/libvirt/archive_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "disk/digest.h"

namespace hallmark::cloud {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const Place kHome{"111122223333", "us-east-1"};

class LibvirtArchives : public testing::Test {
 protected:
  LibvirtArchives() {
    std::string content(1 << 20, '\0');
    for (std::size_t i = 0; i < content.size(); i += 4096) content[i] = static_cast<char>(i / 4096);
    write_file(directory_.path() / "disk.raw", content);
    image_ = cloud_->import_image(kHome, directory_.path() / "disk.raw",
                                  {.name = "golden", .tags = {{"version", "1"}}}, "golden", {});
  }
  std::string digest_of(const std::string& image_id) {
    auto disk = cloud_->open_image(kHome, image_id);
    return disk::disk_sha256(*disk, {});
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(bucket_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TempDir directory_;
  ManualClock clock_{from_rfc3339("2026-01-01T00:00:00Z")};
  LibvirtCloudConfig config_{.root = directory_.path() / "cloud",
                             .account_id = kHome.account_id,
                             .regions = {kHome.region}};
  std::unique_ptr<Cloud> cloud_ = make_libvirt_cloud(config_, clock_);
  std::shared_ptr<ImageServices> archives_ = make_libvirt_image_services(config_, clock_);
  std::string bucket_ = (directory_.path() / "bucket").string();
  std::string image_;
};

TEST_F(LibvirtArchives, AnImageComesBackWithItsBytesAndTags) {
  const std::string before = digest_of(image_);
  std::string object;
  for (int time = 0; time < 2; ++time) {
    object = archives_->archive_image(kHome, image_, bucket_, {{"key", "web"}});
  }
  EXPECT_THAT(files(), UnorderedElementsAre(image_ + ".qcow2", image_ + ".qcow2.json"));
  EXPECT_EQ(archives_->find_archive(kHome, image_, bucket_, object).state, ArchiveState::stored);
  cloud_->remove_image(kHome, image_);
  const ImageSpec spec{.name = "golden", .tags = {{"more", "2"}}};
  const std::string back = archives_->unarchive_image(kHome, bucket_, object, spec, "token", {});
  EXPECT_EQ(archives_->unarchive_image(kHome, bucket_, object, spec, "token", {}), back);
  EXPECT_EQ(digest_of(back), before);
  EXPECT_THAT(
      cloud_->find_image(kHome, back)->tags,
      ElementsAre(std::pair{"key", "web"}, std::pair{"more", "2"}, std::pair{"version", "1"}));
  for (int time = 0; time < 2; ++time) archives_->remove_archive(kHome, image_, bucket_, "");
  EXPECT_THAT(files(), ElementsAre());
  EXPECT_EQ(archives_->find_archive(kHome, image_, bucket_, object).state, ArchiveState::absent);
}

TEST_F(LibvirtArchives, BucketsAreDirectoriesAndObjectsFilesInThem) {
  EXPECT_EQ(kind_of([&] { archives_->archive_image(kHome, image_, "here", {}); }),
            ErrorKind::usage);
  for (const char* object : {"../x.qcow2", "x.raw", ".qcow2", "none.qcow2"}) {
    EXPECT_EQ(kind_of([&] {
                archives_->unarchive_image(kHome, bucket_, object, {.name = "back"}, object, {});
              }),
              ErrorKind::not_found)
        << object;
  }
}

TEST_F(LibvirtArchives, WhatIsNoDiskIsRefused) {
  const std::string object = archives_->archive_image(kHome, image_, bucket_, {});
  const Path file = Path(bucket_) / object;
  write_file(file, "no disk at all");
  EXPECT_EQ(kind_of([&] {
              archives_->unarchive_image(kHome, bucket_, object, {.name = "back"}, "token", {});
            }),
            ErrorKind::corrupt);
}

}  // namespace
}  // namespace hallmark::cloud
