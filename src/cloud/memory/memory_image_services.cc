#include "cloud/memory/memory_image_services.h"

#include <algorithm>

#include "base/ids.h"

namespace hallmark::cloud {

namespace {

std::string archive_name(const Place& place, const std::string& bucket, const std::string& object) {
  return fmt::format("{} {} {}", place.region, bucket, object);
}

}  // namespace

MemoryImage& MemoryImageServices::owned_image(Call& call, const Place& place,
                                              const std::string& image_id) {
  auto found = call.state().images.find(image_id);
  if (found == call.state().images.end() || !world_->look_at(call, found->second, place)) {
    throw Error(ErrorKind::not_found, "image {} does not exist in {}", image_id, to_string(place));
  }
  if (found->second.image.owner_id != place.account_id) {
    throw Error(ErrorKind::denied, "image {} belongs to another account", image_id);
  }
  return found->second;
}

std::string MemoryImageServices::archive_image(const Place& place, const std::string& image_id,
                                               const std::string& bucket, const Tags&) {
  Call call = world_->enter("archive_image", place);
  const std::string object = image_id + ".bin";
  const std::string name = archive_name(place, bucket, object);
  if (!call.state().archives.contains(name)) {
    const MemoryImage& image = owned_image(call, place, image_id);
    call.state().archives[name] = {image, 0};
    call.changed();
  }
  call.done();
  return object;
}

ArchivedImage MemoryImageServices::find_archive(const Place& place, const std::string&,
                                                const std::string& bucket,
                                                const std::string& object) {
  Call call = world_->enter("find_archive", place);
  ArchivedImage seen;
  auto found = call.state().archives.find(archive_name(place, bucket, object));
  if (found != call.state().archives.end()) {
    const bool stored = found->second.looks >= world_->options().archive_looks;
    seen.state = stored ? ArchiveState::stored : ArchiveState::storing;
    seen.percent = stored ? 100 : 50;
    if (!stored) ++found->second.looks;
    if (!stored) call.changed(false);
  }
  call.done();
  return seen;
}

std::string MemoryImageServices::unarchive_image(const Place& place, const std::string& bucket,
                                                 const std::string& object, const ImageSpec& spec,
                                                 const std::string& token, std::stop_token) {
  check_image_name(spec.name);
  Call call = world_->enter("unarchive_image", place);
  const std::string key = fmt::format("unarchive_image {} {}", to_string(place), token);
  if (auto made = call.state().tokens.find(key); made != call.state().tokens.end()) {
    std::string image_id = made->second;
    call.done();
    return image_id;
  }
  auto found = call.state().archives.find(archive_name(place, bucket, object));
  if (found == call.state().archives.end()) {
    throw Error(ErrorKind::not_found, "there is no {} in {}", object, bucket);
  }
  for (const auto& [id, record] : call.state().images) {
    if (record.image.name == spec.name && record.image.owner_id == place.account_id &&
        record.image.region == place.region) {
      throw Error(ErrorKind::conflict, "image {} in {} has the name \"{}\" already", id,
                  to_string(place), spec.name);
    }
  }
  MemoryImage record = found->second.image;
  record.image.image_id = random_id("ami");
  record.image.name = spec.name;
  record.image.description = spec.description;
  for (const auto& [tag, value] : spec.tags) record.image.tags[tag] = value;
  record.image.owner_id = place.account_id;
  record.image.region = place.region;
  record.image.state = ImageState::pending;
  record.image.created_at = call.now();
  record.image.is_protected = false;
  record.image.deprecated_at = std::nullopt;
  record.shares.clear();
  record.key_ids.clear();
  record.looks = 0;
  const std::string image_id = record.image.image_id;
  call.state().images[image_id] = std::move(record);
  call.state().tokens[key] = image_id;
  call.changed();
  call.done();
  return image_id;
}

void MemoryImageServices::remove_archive(const Place& place, const std::string& image_id,
                                         const std::string& bucket, const std::string& object) {
  Call call = world_->enter("remove_archive", place);
  const std::string named = object.empty() ? image_id + ".bin" : object;
  if (call.state().archives.erase(archive_name(place, bucket, named)) > 0) {
    world_->drop_unused_disks(call);
    call.changed();
  }
  call.done();
}

FastLaunchStatus MemoryImageServices::find_fast_launch(const Place& place,
                                                       const std::string& image_id) {
  Call call = world_->enter("find_fast_launch", place);
  MemoryFastLaunch& fast = call.state().fast_launches[image_id];
  const bool changes =
      fast.state == FastLaunchState::enabling || fast.state == FastLaunchState::disabling;
  if (changes && fast.looks++ >= world_->options().fast_launch_looks) {
    fast.state =
        fast.state == FastLaunchState::enabling ? FastLaunchState::on : FastLaunchState::off;
  }
  if (changes) call.changed(false);
  const FastLaunchStatus seen{.state = fast.state, .reason = ""};
  call.done();
  return seen;
}

void MemoryImageServices::enable_fast_launch(const Place& place, const std::string& image_id,
                                             const FastLaunch&) {
  Call call = world_->enter("enable_fast_launch", place);
  if (owned_image(call, place, image_id).image.platform != Platform::windows) {
    throw Error(ErrorKind::usage, "image {} is none of Windows", image_id);
  }
  MemoryFastLaunch& fast = call.state().fast_launches[image_id];
  if (fast.state != FastLaunchState::on && fast.state != FastLaunchState::enabling) {
    fast = {FastLaunchState::enabling, 0};
    call.changed();
  }
  call.done();
}

void MemoryImageServices::disable_fast_launch(const Place& place, const std::string& image_id) {
  Call call = world_->enter("disable_fast_launch", place);
  MemoryFastLaunch& fast = call.state().fast_launches[image_id];
  if (fast.state != FastLaunchState::off && fast.state != FastLaunchState::disabling) {
    fast = {FastLaunchState::disabling, 0};
    call.changed();
  }
  call.done();
}

void MemoryImageServices::watermark_image(const Place& place, const std::string& image_id,
                                          const std::string& name) {
  Call call = world_->enter("watermark_image", place);
  std::vector<std::string>& marks = owned_image(call, place, image_id).image.watermarks;
  const std::string key = place.account_id + ":" + name;
  const auto at = std::lower_bound(marks.begin(), marks.end(), key);
  if (at == marks.end() || *at != key) {
    marks.insert(at, key);
    call.changed();
  }
  call.done();
}

KeyCheck MemoryImageServices::check_key(const Place& place, const std::string& key_id, bool) {
  Call call = world_->enter("check_key", place);
  const auto& checks = world_->options().key_checks;
  const auto found = checks.find(key_id);
  KeyCheck check = found == checks.end() ? KeyCheck{.key_id = key_id} : found->second;
  call.done();
  return check;
}

std::vector<LooseSnapshot> MemoryImageServices::list_loose_snapshots(const Place& place,
                                                                     const TagKeys& tag_keys) {
  Call call = world_->enter("list_loose_snapshots", place);
  std::vector<LooseSnapshot> found;
  for (const auto& [id, loose] : call.state().loose_snapshots) {
    if (loose.place == place && matches(loose.snapshot.tags, {}, tag_keys)) {
      found.push_back(loose.snapshot);
    }
  }
  call.done();
  return found;
}

void MemoryImageServices::remove_loose_snapshot(const Place& place,
                                                const std::string& snapshot_id) {
  Call call = world_->enter("remove_loose_snapshot", place);
  if (call.state().loose_snapshots.erase(snapshot_id) > 0) call.changed();
  call.done();
}

}  // namespace hallmark::cloud
