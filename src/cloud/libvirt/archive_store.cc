#include "cloud/libvirt/archive_store.h"

#include "base/error.h"
#include "base/text.h"
#include "cloud/image_json.h"
#include "cloud/libvirt/image_files.h"
#include "cloud/libvirt/image_store.h"

namespace hallmark::cloud {

namespace {

using libvirt::DiskFacts;
using libvirt::ImageRecord;

constexpr const char* kSuffix = ".qcow2";

Path bucket_directory(const std::string& bucket) {
  if (!bucket.empty() && bucket.front() == '/') return bucket;
  throw Error(ErrorKind::usage, "\"{}\" is no directory", bucket)
      .hint("the embedded cloud's bucket is a directory: give its absolute path");
}

/// Objects are files right in the bucket.
Path file_of(const std::string& bucket, const std::string& object) {
  const bool good =
      object.ends_with(kSuffix) && object.find('/') == std::string::npos && object.front() != '.';
  if (!good) throw Error(ErrorKind::not_found, "there is no \"{}\" in {}", object, bucket);
  return bucket_directory(bucket) / object;
}

Path sidecar_of(const Path& file) { return file.string() + ".json"; }

class LibvirtImageServices final : public ImageServices {
 public:
  LibvirtImageServices(libvirt::StoreLayout layout, Clock& clock)
      : images_(std::move(layout), clock) {}

  ImageAbilities abilities() const override { return {.archives = true}; }

  std::string archive_image(const Place& place, const std::string& image_id,
                            const std::string& bucket, const Tags& tags) override {
    const std::string object = image_id + kSuffix;
    const Path file = file_of(bucket, object);
    if (std::filesystem::exists(sidecar_of(file))) return object;
    ImageRecord record = images_.require_available(place, image_id);
    if (record.image.owner_id != place.account_id) {
      throw Error(ErrorKind::denied, "image {} belongs to account {}", image_id,
                  record.image.owner_id);
    }
    make_directories(file.parent_path());
    libvirt::require_space(file.parent_path(), record.image.stored_size_bytes);
    const Path part = file.string() + ".part";
    std::filesystem::remove(part);
    libvirt::compress_disk(images_.file(place, image_id), "qcow2", part, {});
    libvirt::sync_file(part);
    std::filesystem::rename(part, file);
    for (const auto& [key, value] : tags) record.image.tags[key] = value;
    write_file(sidecar_of(file), pretty(image_to_json(record.image)));
    return object;
  }

  ArchivedImage find_archive(const Place&, const std::string&, const std::string& bucket,
                             const std::string& object) override {
    const Path file = file_of(bucket, object);
    if (!std::filesystem::exists(sidecar_of(file)) || !std::filesystem::exists(file)) return {};
    return {.state = ArchiveState::stored, .reason = "", .percent = 100};
  }

  std::string unarchive_image(const Place& place, const std::string& bucket,
                              const std::string& object, const ImageSpec& spec,
                              const std::string& token, std::stop_token stop) override {
    const Path file = file_of(bucket, object);
    const auto text = read_file_if_exists(sidecar_of(file));
    if (!text) throw Error(ErrorKind::not_found, "there is no \"{}\" in {}", object, bucket);
    const Image stored = image_from_json(parse_json(*text, sidecar_of(file).string()));
    ImageSpec with_tags = spec;
    with_tags.tags.insert(stored.tags.begin(), stored.tags.end());
    return images_.create(place, with_tags, token, stop, [&](const Path& target, Image& image) {
      const DiskFacts facts = libvirt::inspect_disk(file, stop);
      if (facts.format != "qcow2") {
        throw Error(ErrorKind::corrupt, "{} is no archive of an image", file.string());
      }
      image.disk_size_bytes = facts.disk_size_bytes;
      image.architecture = stored.architecture;
      image.platform = stored.platform;
      image.imds_v2_only = stored.imds_v2_only;
      image.source_image_id = stored.source_image_id;
      image.source_region = stored.source_region;
      // Never a second name: whoever has the bucket may write to it.
      libvirt::copy_disk_file(file, target, stop);
    });
  }

  void remove_archive(const Place&, const std::string& image_id, const std::string& bucket,
                      const std::string& object) override {
    const Path file = file_of(bucket, object.empty() ? image_id + kSuffix : object);
    std::filesystem::remove(sidecar_of(file));
    std::filesystem::remove(file);
    std::filesystem::remove(Path(file.string() + ".part"));
  }

  FastLaunchStatus find_fast_launch(const Place& place, const std::string& image_id) override {
    return no_image_services().find_fast_launch(place, image_id);
  }
  void enable_fast_launch(const Place& place, const std::string& image_id,
                          const FastLaunch& wanted) override {
    no_image_services().enable_fast_launch(place, image_id, wanted);
  }
  void disable_fast_launch(const Place& place, const std::string& image_id) override {
    no_image_services().disable_fast_launch(place, image_id);
  }
  void watermark_image(const Place& place, const std::string& image_id,
                       const std::string& name) override {
    no_image_services().watermark_image(place, image_id, name);
  }
  KeyCheck check_key(const Place& place, const std::string& key_id, bool to_share) override {
    return no_image_services().check_key(place, key_id, to_share);
  }
  std::vector<LooseSnapshot> list_loose_snapshots(const Place& place,
                                                  const TagKeys& tag_keys) override {
    return no_image_services().list_loose_snapshots(place, tag_keys);
  }
  void remove_loose_snapshot(const Place& place, const std::string& snapshot_id) override {
    no_image_services().remove_loose_snapshot(place, snapshot_id);
  }

 private:
  libvirt::ImageStore images_;
};

}  // namespace

std::shared_ptr<ImageServices> make_libvirt_image_services(const LibvirtCloudConfig& config,
                                                           Clock& clock) {
  return std::make_shared<LibvirtImageServices>(
      libvirt::StoreLayout{.root = config.root, .regions = config.regions}, clock);
}

}  // namespace hallmark::cloud
