#include "cloud/aws/image_services.h"

#include <algorithm>
#include <set>

#include "cloud/aws/archives.h"
#include "cloud/aws/fast_launch.h"
#include "cloud/aws/images.h"
#include "cloud/aws/key_check.h"
#include "cloud/aws/snapshots.h"

namespace hallmark::cloud {

namespace {

using on_aws::Session;
using on_aws::Value;

/// The most that DescribeSnapshots and DescribeImages give at a time.
constexpr int kPerPage = 1000;

std::set<std::string> snapshots_of_images(const Session& session, const Place& place) {
  std::set<std::string> ids;
  session.each_page(
      place, "ec2", "DescribeImages",
      {{"Owners", Value::array({"self"})}, {"IncludeDisabled", true}, {"MaxResults", kPerPage}},
      [&](const Value& page) {
        for (const Value& image : page.value("Images", Value::array())) {
          for (std::string& id : on_aws::snapshot_ids(image)) {
            ids.insert(std::move(id));
          }
        }
      });
  return ids;
}

class AwsImageServices final : public ImageServices {
 public:
  AwsImageServices(Session session, bool watermarks)
      : session_(std::move(session)), watermarks_(watermarks) {}

  ImageAbilities abilities() const override {
    return {.archives = true,
            .fast_launch = true,
            .watermarks = watermarks_,
            .key_checks = true,
            .loose_snapshots = true};
  }

  std::string archive_image(const Place& place, const std::string& image_id,
                            const std::string& bucket, const Tags& tags) override {
    return on_aws::archive_image(session_, place, image_id, bucket, tags);
  }
  ArchivedImage find_archive(const Place& place, const std::string& image_id,
                             const std::string& bucket, const std::string& object) override {
    return on_aws::find_archive(session_, place, image_id, bucket, object);
  }
  std::string unarchive_image(const Place& place, const std::string& bucket,
                              const std::string& object, const ImageSpec& spec,
                              const std::string& token, std::stop_token stop) override {
    return on_aws::unarchive_image(session_, place, bucket, object, spec, token, stop);
  }
  void remove_archive(const Place& place, const std::string& image_id, const std::string& bucket,
                      const std::string& object) override {
    on_aws::remove_archive(session_, place, image_id, bucket, object);
  }

  std::unique_ptr<disk::BlockReader> open_snapshot(const Place& place,
                                                   const std::string& snapshot_id) override {
    return on_aws::open_snapshot(std::make_shared<const Session>(session_), place, snapshot_id);
  }

  FastLaunchStatus find_fast_launch(const Place& place, const std::string& image_id) override {
    return on_aws::find_fast_launch(session_, place, image_id);
  }
  void enable_fast_launch(const Place& place, const std::string& image_id,
                          const FastLaunch& wanted) override {
    on_aws::enable_fast_launch(session_, place, image_id, wanted);
  }
  void disable_fast_launch(const Place& place, const std::string& image_id) override {
    on_aws::disable_fast_launch(session_, place, image_id);
  }

  void watermark_image(const Place& place, const std::string& image_id,
                       const std::string& name) override {
    const Value image = on_aws::owned_image(session_, place, image_id);
    const std::string key = place.account_id + ":" + name;
    for (const Value& mark : image.value("ImageWatermarks", Value::array())) {
      if (on_aws::text(mark, "WatermarkKey") == key) return;
    }
    session_.call(place, "ec2", "AttachImageWatermark",
                  {{"ImageId", image_id}, {"WatermarkName", name}});
  }

  KeyCheck check_key(const Place& place, const std::string& key_id, bool to_share) override {
    return on_aws::check_key(session_, place, key_id, to_share);
  }

  std::vector<LooseSnapshot> list_loose_snapshots(const Place& place,
                                                  const TagKeys& tag_keys) override {
    std::vector<LooseSnapshot> loose;
    session_.each_page(place, "ec2", "DescribeSnapshots",
                       {{"OwnerIds", Value::array({"self"})},
                        {"Filters", on_aws::tag_filters({}, tag_keys)},
                        {"MaxResults", kPerPage}},
                       [&](const Value& page) {
                         for (const Value& each : page.value("Snapshots", Value::array())) {
                           const Value tags = each.value("Tags", Value::array());
                           // A pending image, see list_images.
                           if (!on_aws::tag_value(tags, on_aws::kImportingTag).empty()) continue;
                           loose.push_back({.snapshot_id = on_aws::text(each, "SnapshotId"),
                                            .tags = on_aws::tags_from(tags),
                                            .created_at = on_aws::time_of(each, "StartTime")});
                         }
                       });
    if (loose.empty()) return loose;
    const std::set<std::string> used = snapshots_of_images(session_, place);
    std::erase_if(loose,
                  [&](const LooseSnapshot& each) { return used.contains(each.snapshot_id); });
    return loose;
  }
  void remove_loose_snapshot(const Place& place, const std::string& snapshot_id) override {
    on_aws::remove_snapshot(session_, place, snapshot_id);
  }

 private:
  const Session session_;
  const bool watermarks_;
};

}  // namespace

hallmark::aws::Need watermark_need() { return {"ec2", "AttachImageWatermark", "WatermarkName"}; }

std::shared_ptr<ImageServices> make_aws_image_services(
    AwsCloudConfig config, std::shared_ptr<hallmark::aws::Caller> caller,
    CredentialsOf credentials_of, bool watermarks, Clock& clock) {
  return std::make_shared<AwsImageServices>(
      Session{std::move(config), std::move(caller), std::move(credentials_of), clock}, watermarks);
}

}  // namespace hallmark::cloud
