#include "cloud/hooks/hooked_image_services.h"

namespace hallmark::cloud {

std::string HookedImageServices::archive_image(const Place& place, const std::string& image_id,
                                               const std::string& bucket, const Tags& tags) {
  return forward_call(
      hooks_,
      {.operation = "archive_image", .place = place, .subject_id = image_id, .mutating = true},
      [&] { return inner_->archive_image(place, image_id, bucket, tags); });
}

ArchivedImage HookedImageServices::find_archive(const Place& place, const std::string& image_id,
                                                const std::string& bucket,
                                                const std::string& object) {
  return forward_call(hooks_, {.operation = "find_archive", .place = place, .subject_id = image_id},
                      [&] { return inner_->find_archive(place, image_id, bucket, object); });
}

std::string HookedImageServices::unarchive_image(const Place& place, const std::string& bucket,
                                                 const std::string& object, const ImageSpec& spec,
                                                 const std::string& token, std::stop_token stop) {
  return forward_call(
      hooks_,
      {.operation = "unarchive_image",
       .place = place,
       .subject_id = object,
       .mutating = true,
       .stop = stop},
      [&] { return inner_->unarchive_image(place, bucket, object, spec, token, stop); });
}

void HookedImageServices::remove_archive(const Place& place, const std::string& image_id,
                                         const std::string& bucket, const std::string& object) {
  forward_call(
      hooks_,
      {.operation = "remove_archive", .place = place, .subject_id = object, .mutating = true},
      [&] { inner_->remove_archive(place, image_id, bucket, object); });
}

FastLaunchStatus HookedImageServices::find_fast_launch(const Place& place,
                                                       const std::string& image_id) {
  return forward_call(hooks_,
                      {.operation = "find_fast_launch", .place = place, .subject_id = image_id},
                      [&] { return inner_->find_fast_launch(place, image_id); });
}

void HookedImageServices::enable_fast_launch(const Place& place, const std::string& image_id,
                                             const FastLaunch& wanted) {
  forward_call(
      hooks_,
      {.operation = "enable_fast_launch", .place = place, .subject_id = image_id, .mutating = true},
      [&] { inner_->enable_fast_launch(place, image_id, wanted); });
}

void HookedImageServices::disable_fast_launch(const Place& place, const std::string& image_id) {
  forward_call(hooks_,
               {.operation = "disable_fast_launch",
                .place = place,
                .subject_id = image_id,
                .mutating = true},
               [&] { inner_->disable_fast_launch(place, image_id); });
}

void HookedImageServices::watermark_image(const Place& place, const std::string& image_id,
                                          const std::string& name) {
  forward_call(
      hooks_,
      {.operation = "watermark_image", .place = place, .subject_id = image_id, .mutating = true},
      [&] { inner_->watermark_image(place, image_id, name); });
}

KeyCheck HookedImageServices::check_key(const Place& place, const std::string& key_id,
                                        bool to_share) {
  return forward_call(hooks_, {.operation = "check_key", .place = place, .subject_id = key_id},
                      [&] { return inner_->check_key(place, key_id, to_share); });
}

std::vector<LooseSnapshot> HookedImageServices::list_loose_snapshots(const Place& place,
                                                                     const TagKeys& tag_keys) {
  return forward_call(hooks_, {.operation = "list_loose_snapshots", .place = place},
                      [&] { return inner_->list_loose_snapshots(place, tag_keys); });
}

void HookedImageServices::remove_loose_snapshot(const Place& place,
                                                const std::string& snapshot_id) {
  forward_call(hooks_,
               {.operation = "remove_loose_snapshot",
                .place = place,
                .subject_id = snapshot_id,
                .mutating = true},
               [&] { inner_->remove_loose_snapshot(place, snapshot_id); });
}

std::unique_ptr<disk::BlockReader> HookedImageServices::open_snapshot(
    const Place& place, const std::string& snapshot_id) {
  return forward_call(hooks_,
                      {.operation = "open_snapshot", .place = place, .subject_id = snapshot_id},
                      [&] { return inner_->open_snapshot(place, snapshot_id); });
}

}  // namespace hallmark::cloud
