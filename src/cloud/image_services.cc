#include "cloud/image_services.h"

#include "base/error.h"

namespace hallmark::cloud {

namespace {

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorKind::usage, "this cloud has no {}", what);
}

class None final : public ImageServices {
 public:
  ImageAbilities abilities() const override { return {}; }
  std::string archive_image(const Place&, const std::string&, const std::string&,
                            const Tags&) override {
    refuse("archives");
  }
  ArchivedImage find_archive(const Place&, const std::string&, const std::string&,
                             const std::string&) override {
    refuse("archives");
  }
  std::string unarchive_image(const Place&, const std::string&, const std::string&,
                              const ImageSpec&, const std::string&, std::stop_token) override {
    refuse("archives");
  }
  void remove_archive(const Place&, const std::string&, const std::string&,
                      const std::string&) override {
    refuse("archives");
  }
  FastLaunchStatus find_fast_launch(const Place&, const std::string&) override {
    refuse("fast launch");
  }
  void enable_fast_launch(const Place&, const std::string&, const FastLaunch&) override {
    refuse("fast launch");
  }
  void disable_fast_launch(const Place&, const std::string&) override { refuse("fast launch"); }
  void watermark_image(const Place&, const std::string&, const std::string&) override {
    refuse("watermarks");
  }
  KeyCheck check_key(const Place&, const std::string&, bool) override { refuse("keys to check"); }
  std::vector<LooseSnapshot> list_loose_snapshots(const Place&, const TagKeys&) override {
    refuse("snapshots");
  }
  void remove_loose_snapshot(const Place&, const std::string&) override { refuse("snapshots"); }
};

}  // namespace

std::unique_ptr<disk::BlockReader> ImageServices::open_snapshot(const Place&,
                                                                const std::string& snapshot_id) {
  throw Error(ErrorKind::usage, "{} cannot be read: this cloud has no snapshots", snapshot_id)
      .hint("name an image, ami:ID, or a disk's file");
}

ImageServices& no_image_services() {
  static None none;
  return none;
}

}  // namespace hallmark::cloud
