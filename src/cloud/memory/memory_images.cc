#include "base/ids.h"
#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {

namespace {

std::string grant_name(const Place& owner, const std::string& key_id, const std::string& image_id) {
  return fmt::format("{} {} {}", to_string(owner), key_id, image_id);
}

/// Tokens are one operation's, in one place.
std::string token_key(std::string_view operation, const Place& place, const std::string& token) {
  return fmt::format("{} {} {}", operation, to_string(place), token);
}

void check_not_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before it began");
}

Error no_image(const Place& place, const std::string& image_id) {
  return Error(ErrorKind::not_found, "image {} does not exist in {}", image_id, to_string(place));
}

}  // namespace

std::string MemoryCloud::import_image(const Place& place, const Path& file, const ImageSpec& spec,
                                      const std::string& token, std::stop_token stop) {
  check_not_stopped(stop);
  check_image_name(spec.name);
  Call call = world_->enter("import_image", place);
  std::string key = token_key("import_image", place, token);
  if (auto made = call.state().tokens.find(key); made != call.state().tokens.end()) {
    std::string image_id = made->second;
    call.done();
    return image_id;
  }
  MemoryImage record;
  record.image.disk_size_bytes = disk::open_disk(file)->size_bytes();
  record.image.stored_size_bytes = std::filesystem::file_size(file);
  record.image.architecture = "x86_64";
  check_name_free(call, place, spec.name);
  record.disk = world_->keep_disk(file);
  return add_image(call, place, spec, key, std::move(record));
}

std::string MemoryCloud::create_image(const Place& place, const std::string& machine_id,
                                      const ImageSpec& spec, const std::string& token,
                                      std::stop_token stop) {
  check_not_stopped(stop);
  check_image_name(spec.name);
  Call call = world_->enter("create_image", place);
  std::string key = token_key("create_image", place, token);
  if (auto made = call.state().tokens.find(key); made != call.state().tokens.end()) {
    std::string image_id = made->second;
    call.done();
    return image_id;
  }
  MemoryMachine& from = visible_machine(call, place, machine_id);
  if (from.machine.state != MachineState::stopped) {
    throw Error(ErrorKind::conflict, "machine {} is {}, not stopped", machine_id,
                to_string(from.machine.state));
  }
  check_name_free(call, place, spec.name);
  MemoryImage record;
  record.disk = from.disk;
  if (world_->options().captured_disk) {
    if (auto file = world_->options().captured_disk(from.machine)) {
      record.disk = world_->keep_disk(*file);
    }
  }
  record.image.disk_size_bytes = disk::open_disk(world_->disk_path(record.disk))->size_bytes();
  record.image.stored_size_bytes = std::filesystem::file_size(world_->disk_path(record.disk));
  record.image.architecture = "x86_64";
  record.image.source_image_id = from.machine.image_id;
  if (auto source = call.state().images.find(from.machine.image_id);
      source != call.state().images.end()) {
    record.image.platform = source->second.image.platform;
    record.image.watermarks = source->second.image.watermarks;
  }
  record.image.source_region = place.region;
  return add_image(call, place, spec, key, std::move(record));
}

std::string MemoryCloud::copy_image(const Place& place, const std::string& source_image_id,
                                    const std::string& source_region, const ImageSpec& spec,
                                    const std::string& token, std::stop_token stop) {
  check_not_stopped(stop);
  check_image_name(spec.name);
  if (spec.copy_within) check_copy_within(*spec.copy_within);
  Call call = world_->enter("copy_image", place);
  std::string key = token_key("copy_image", place, token);
  if (auto made = call.state().tokens.find(key); made != call.state().tokens.end()) {
    std::string image_id = made->second;
    call.done();
    return image_id;
  }
  const MemoryImage& source =
      usable_image(call, {place.account_id, source_region}, source_image_id);
  check_name_free(call, place, spec.name);
  // As on AWS, a unit may launch what is shared with it; its storage is shared with accounts only.
  if (source.image.owner_id != place.account_id && !source.shares.contains(place.account_id)) {
    throw Error(ErrorKind::denied, "the storage of image {} is not shared with {}", source_image_id,
                place.account_id);
  }
  if (const int limit = world_->options().copies_at_once; limit > 0) {
    const auto pending = std::count_if(
        call.state().images.begin(), call.state().images.end(), [&](const auto& entry) {
          const Image& image = entry.second.image;
          return image.region == place.region && !image.source_region.empty() &&
                 call.now() < image.created_at + world_->options().ready_after;
        });
    if (pending >= limit) {
      throw Error(ErrorKind::throttled, "{} copies into {} are in progress, as many as may be",
                  pending, place.region);
    }
  }
  MemoryImage record;
  if (!spec.kms_key.empty()) {
    record.key_ids = {spec.kms_key};
  } else if (!source.key_ids.empty()) {
    record.key_ids = {kManagedKey};
  }
  record.disk = source.disk;
  record.image.disk_size_bytes = source.image.disk_size_bytes;
  record.image.stored_size_bytes = source.image.stored_size_bytes;
  record.image.architecture = source.image.architecture;
  record.image.platform = source.image.platform;
  record.image.source_image_id = source_image_id;
  record.image.source_region = source_region;
  record.image.imds_v2_only = source.image.imds_v2_only;
  record.image.watermarks = source.image.watermarks;
  // As on AWS, keys are looked at once the copy is under way.
  const bool is_known = spec.kms_key.empty() || spec.kms_key == kManagedKey ||
                        world_->options().keys.contains(spec.kms_key);
  if (!is_known || !may_use(call, source, place)) record.failure = "Given key ID is not accessible";
  return add_image(call, place, spec, key, std::move(record));
}

bool MemoryCloud::may_use(Call& call, const MemoryImage& image, const Place& place) {
  if (image.image.owner_id == place.account_id) return true;
  const Place owner{image.image.owner_id, image.image.region};
  const bool by_unit = !image.shares.contains(place.account_id);
  return std::all_of(image.key_ids.begin(), image.key_ids.end(), [&](const std::string& key_id) {
    if (by_unit && world_->options().open_keys.contains(key_id)) return true;
    return call.state().key_grants[grant_name(owner, key_id, image.image.image_id)].contains(
        place.account_id);
  });
}

std::string MemoryCloud::add_image(Call& call, const Place& place, const ImageSpec& spec,
                                   const std::string& token_key, MemoryImage record) {
  record.image.image_id = random_id("ami");
  record.image.name = spec.name;
  record.image.description = spec.description;
  record.image.tags = spec.tags;
  record.image.owner_id = place.account_id;
  record.image.region = place.region;
  record.image.created_at = call.now();
  if (auto failure = world_->take_image_failure(); !failure.empty()) record.failure = failure;
  std::string image_id = record.image.image_id;
  call.state().images[image_id] = std::move(record);
  call.state().tokens[token_key] = image_id;
  call.changed();
  call.done();
  return image_id;
}

void MemoryCloud::check_name_free(Call& call, const Place& place, const std::string& name) {
  for (const auto& [id, record] : call.state().images) {
    if (record.image.name == name && record.image.owner_id == place.account_id &&
        record.image.region == place.region) {
      throw Error(ErrorKind::conflict, "image {} in {} has the name \"{}\" already", id,
                  to_string(place), name);
    }
  }
}

std::optional<Image> MemoryCloud::find_image(const Place& place, const std::string& image_id) {
  Call call = world_->enter("find_image", place);
  auto found = call.state().images.find(image_id);
  std::optional<Image> image;
  if (found != call.state().images.end()) image = world_->look_at(call, found->second, place);
  call.done();
  return image;
}

std::vector<Image> MemoryCloud::list_images(const Place& place, const ImageFilter& filter) {
  check_image_filter(filter);
  Call call = world_->enter("list_images", place);
  std::vector<Image> images;
  for (auto& [id, record] : call.state().images) {
    std::optional<Image> image = world_->look_at(call, record, place);
    if (!image || !matches_name_and_owner(*image, filter, place)) continue;
    if (matches(image->tags, filter.tags, filter.tag_keys)) images.push_back(std::move(*image));
  }
  call.done();
  return images;
}

void MemoryCloud::deprecate_image(const Place& place, const std::string& image_id,
                                  std::optional<TimePoint> at) {
  Call call = world_->enter("deprecate_image", place);
  if (at) at = std::chrono::floor<std::chrono::minutes>(*at);
  std::optional<TimePoint>& deprecated_at = owned_image(call, place, image_id).image.deprecated_at;
  if (deprecated_at != at) call.changed();
  deprecated_at = at;
  call.done();
}

void MemoryCloud::disable_image(const Place& place, const std::string& image_id) {
  Call call = world_->enter("disable_image", place);
  if (owned_image(call, place, image_id).image.state != ImageState::disabled) {
    MemoryImage& record = usable_image(call, place, image_id);
    record.image.state = ImageState::disabled;
    record.shares.clear();
    call.changed();
  }
  call.done();
}

void MemoryCloud::enable_image(const Place& place, const std::string& image_id) {
  Call call = world_->enter("enable_image", place);
  ImageState& state = owned_image(call, place, image_id).image.state;
  if (state == ImageState::disabled) {
    state = ImageState::available;
    call.changed();
  }
  call.done();
}

void MemoryCloud::require_imds_v2(const Place& place, const std::string& image_id) {
  Call call = world_->enter("require_imds_v2", place);
  bool& only = owned_image(call, place, image_id).image.imds_v2_only;
  if (!only) call.changed();
  only = true;
  call.done();
}

void MemoryCloud::protect_image(const Place& place, const std::string& image_id, bool on) {
  Call call = world_->enter("protect_image", place);
  bool& is_protected = owned_image(call, place, image_id).image.is_protected;
  if (is_protected != on) call.changed();
  is_protected = on;
  call.done();
}

void MemoryCloud::remove_image(const Place& place, const std::string& image_id) {
  Call call = world_->enter("remove_image", place);
  auto found = call.state().images.find(image_id);
  if (found != call.state().images.end() && found->second.image.region == place.region) {
    if (found->second.image.owner_id != place.account_id) {
      throw Error(ErrorKind::denied, "image {} belongs to another account", image_id);
    }
    if (found->second.image.is_protected) {
      throw Error(ErrorKind::conflict, "image {} is protected from being removed", image_id);
    }
    call.state().images.erase(found);
    world_->drop_unused_disks(call);
    call.changed();
  }
  call.done();
}

std::unique_ptr<disk::BlockReader> MemoryCloud::open_image(const Place& place,
                                                           const std::string& image_id) {
  Call call = world_->enter("open_image", place);
  auto reader = disk::open_disk(world_->disk_path(usable_image(call, place, image_id).disk));
  call.done();
  return reader;
}

MemoryImage& MemoryCloud::owned_image(Call& call, const Place& place, const std::string& image_id) {
  auto found = call.state().images.find(image_id);
  if (found == call.state().images.end() || !world_->look_at(call, found->second, place)) {
    throw no_image(place, image_id);
  }
  if (found->second.image.owner_id != place.account_id) {
    throw Error(ErrorKind::denied, "image {} belongs to another account", image_id);
  }
  return found->second;
}

MemoryImage& MemoryCloud::usable_image(Call& call, const Place& place,
                                       const std::string& image_id) {
  auto found = call.state().images.find(image_id);
  std::optional<Image> image;
  if (found != call.state().images.end()) image = world_->look_at(call, found->second, place);
  if (!image) throw no_image(place, image_id);
  if (image->state == ImageState::failed) {
    throw Error(ErrorKind::failed, "image {} failed: {}", image_id, image->state_reason);
  }
  if (image->state != ImageState::available) {
    throw Error(ErrorKind::unavailable, "image {} is {}", image_id, to_string(image->state));
  }
  return found->second;
}

void MemoryCloud::share_image(const Place& place, const std::string& image_id,
                              const std::string& recipient) {
  check_recipient(recipient);
  Call call = world_->enter("share_image", place);
  MemoryImage& image = owned_image(call, place, image_id);
  if (image.key_ids.contains(kManagedKey)) {
    throw Error(ErrorKind::usage, "image {} is encrypted with {}, which cannot be shared", image_id,
                kManagedKey);
  }
  bool fresh = image.shares.insert(recipient).second;
  if (fresh) call.changed();
  call.done();
}

void MemoryCloud::unshare_image(const Place& place, const std::string& image_id,
                                const std::string& recipient) {
  check_recipient(recipient);
  Call call = world_->enter("unshare_image", place);
  bool ended = owned_image(call, place, image_id).shares.erase(recipient) > 0;
  if (ended) call.changed();
  call.done();
}

std::vector<std::string> MemoryCloud::list_shares(const Place& place, const std::string& image_id) {
  Call call = world_->enter("list_shares", place);
  const MemoryImage& record = owned_image(call, place, image_id);
  std::vector<std::string> recipients(record.shares.begin(), record.shares.end());
  call.done();
  return recipients;
}

std::vector<ImageKey> MemoryCloud::find_image_keys(const Place& place,
                                                   const std::string& image_id) {
  Call call = world_->enter("find_image_keys", place);
  std::vector<ImageKey> keys;
  for (const std::string& key_id : owned_image(call, place, image_id).key_ids) {
    keys.push_back({key_id, key_id != kManagedKey});
  }
  call.done();
  return keys;
}

void MemoryCloud::grant_key(const Place& place, const std::string& key_id,
                            const std::string& image_id, const std::string& account_id) {
  check_account_id(account_id);
  Call call = world_->enter("grant_key", place);
  if (!world_->options().keys.contains(key_id)) {
    throw Error(ErrorKind::not_found, "there is no key {} in {}", key_id, to_string(place));
  }
  if (call.state().key_grants[grant_name(place, key_id, image_id)].insert(account_id).second) {
    call.changed();
  }
  call.done();
}

void MemoryCloud::revoke_key(const Place& place, const std::string& key_id,
                             const std::string& image_id, const std::string& account_id) {
  Call call = world_->enter("revoke_key", place);
  if (call.state().key_grants[grant_name(place, key_id, image_id)].erase(account_id) > 0) {
    call.changed();
  }
  call.done();
}

std::vector<std::string> MemoryCloud::list_key_grants(const Place& place, const std::string& key_id,
                                                      const std::string& image_id) {
  Call call = world_->enter("list_key_grants", place);
  const auto& accounts = call.state().key_grants[grant_name(place, key_id, image_id)];
  std::vector<std::string> sorted(accounts.begin(), accounts.end());
  call.done();
  return sorted;
}

}  // namespace hallmark::cloud
