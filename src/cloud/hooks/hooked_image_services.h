#pragma once
/// Hooks around any ImageServices, as hooked_cloud.h.

#include <memory>

#include "cloud/hooks/call_hook.h"
#include "cloud/image_services.h"

namespace hallmark::cloud {

/// Forwards to `inner` through all `hooks`, the first one outermost. abilities() goes unhooked.
class HookedImageServices final : public ImageServices {
 public:
  HookedImageServices(std::shared_ptr<ImageServices> inner, CallHooks hooks)
      : inner_(std::move(inner)), hooks_(std::move(hooks)) {}

  ImageAbilities abilities() const override { return inner_->abilities(); }
  std::string archive_image(const Place& place, const std::string& image_id,
                            const std::string& bucket, const Tags& tags) override;
  ArchivedImage find_archive(const Place& place, const std::string& image_id,
                             const std::string& bucket, const std::string& object) override;
  std::string unarchive_image(const Place& place, const std::string& bucket,
                              const std::string& object, const ImageSpec& spec,
                              const std::string& token, std::stop_token stop) override;
  void remove_archive(const Place& place, const std::string& image_id, const std::string& bucket,
                      const std::string& object) override;
  FastLaunchStatus find_fast_launch(const Place& place, const std::string& image_id) override;
  void enable_fast_launch(const Place& place, const std::string& image_id,
                          const FastLaunch& wanted) override;
  void disable_fast_launch(const Place& place, const std::string& image_id) override;
  void watermark_image(const Place& place, const std::string& image_id,
                       const std::string& name) override;
  KeyCheck check_key(const Place& place, const std::string& key_id, bool to_share) override;
  std::vector<LooseSnapshot> list_loose_snapshots(const Place& place,
                                                  const TagKeys& tag_keys) override;
  void remove_loose_snapshot(const Place& place, const std::string& snapshot_id) override;
  std::unique_ptr<disk::BlockReader> open_snapshot(const Place& place,
                                                   const std::string& snapshot_id) override;

 private:
  std::shared_ptr<ImageServices> inner_;
  CallHooks hooks_;
};

}  // namespace hallmark::cloud
