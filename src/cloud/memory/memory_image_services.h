#pragma once
/// What a MemoryWorld can do with images beside its cloud.

#include <memory>

#include "cloud/image_services.h"
#include "cloud/memory/world.h"

namespace hallmark::cloud {

class MemoryImageServices final : public ImageServices {
 public:
  explicit MemoryImageServices(std::shared_ptr<MemoryWorld> world) : world_(std::move(world)) {}

  ImageAbilities abilities() const override { return world_->options().abilities; }
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

 private:
  using Call = MemoryWorld::Call;
  MemoryImage& owned_image(Call& call, const Place& place, const std::string& image_id);

  std::shared_ptr<MemoryWorld> world_;
};

}  // namespace hallmark::cloud
