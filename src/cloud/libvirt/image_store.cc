#include "cloud/libvirt/image_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "cloud/image_json.h"
#include "cloud/libvirt/image_files.h"

namespace hallmark::cloud::libvirt {
namespace {

constexpr std::string_view kPartSuffix = ".part";

std::uint64_t stored_size(const Path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512
                                            : 0;
}

}  // namespace

Json to_json(const ImageRecord& record) {
  Json json = image_to_json(record.image);
  json["shares"] = record.shares;
  return json;
}

ImageRecord image_record_from(const Json& json) {
  ImageRecord record;
  record.image = image_from_json(json);
  record.shares = member<std::vector<std::string>>(json, "shares");
  return record;
}

Path ImageStore::sidecar(const Place& place, const std::string& image_id) const {
  return layout_.images(place) / (image_id + ".json");
}

Path ImageStore::file(const Place& place, const std::string& image_id) const {
  return layout_.images(place) / (image_id + ".qcow2");
}

std::optional<ImageRecord> ImageStore::read(const Place& place, const std::string& image_id) const {
  if (!is_id(image_id, "ami")) return std::nullopt;
  Path path = sidecar(place, image_id);
  std::optional<std::string> text = read_file_if_exists(path);
  if (!text) return std::nullopt;
  try {
    return image_record_from(parse_json(*text, path.string()));
  } catch (Error& e) {
    e.note("in " + path.string());
    throw;
  }
}

std::vector<ImageRecord> ImageStore::read_all(const Place& place) const {
  std::vector<ImageRecord> all;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(layout_.images(place), missing)) {
    if (entry.path().extension() != ".json") continue;
    if (std::optional<ImageRecord> record = read(place, entry.path().stem().string())) {
      all.push_back(std::move(*record));
    }
  }
  std::sort(all.begin(), all.end(), [](const ImageRecord& a, const ImageRecord& b) {
    return a.image.image_id < b.image.image_id;
  });
  return all;
}

bool ImageStore::is_debris(const Place& place, const ImageRecord& record) const {
  return record.image.state == ImageState::pending &&
         FileLock::try_lock(layout_.lock(place, record.image.image_id)).has_value();
}

void ImageStore::clear_debris(const Place& place, const std::string& except_id) {
  std::set<std::string> described;
  for (const ImageRecord& record : read_all(place)) {
    const std::string& id = record.image.image_id;
    described.insert(id);
    if (id == except_id || !is_debris(place, record)) continue;
    log_info("clearing away image {}, whose maker was killed", id);
    hallmark::remove_all(sidecar(place, id));
    described.erase(id);
  }
  std::vector<Path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(layout_.images(place))) {
    Path stem = entry.path().stem();
    bool part = entry.path().extension() == kPartSuffix;
    if (part) stem = stem.stem();
    if (!is_id(stem.string(), "ami") || entry.path().extension() == ".json") continue;
    if (stem == except_id || (!part && described.contains(stem.string()))) continue;
    if (FileLock::try_lock(layout_.lock(place, stem.string()))) leftovers.push_back(entry.path());
  }
  for (const Path& leftover : leftovers) hallmark::remove_all(leftover);
}

void ImageStore::reserve(const Place& place, const ImageRecord& record) {
  for (const ImageRecord& other : read_all(place)) {
    if (other.image.name == record.image.name && other.image.owner_id == place.account_id &&
        other.image.image_id != record.image.image_id) {
      throw Error(ErrorKind::conflict, "the image name \"{}\" is taken in {} by {}",
                  record.image.name, to_string(place), other.image.image_id)
          .hint("choose another name or remove that image");
    }
  }
  write_file(sidecar(place, record.image.image_id), pretty(to_json(record)));
}

std::string ImageStore::create(const Place& place, const ImageSpec& spec, const std::string& token,
                               std::stop_token stop,
                               const std::function<void(const Path&, Image&)>& make) {
  check_image_name(spec.name);
  std::string id = created_id("ami", place, token);
  make_directories(layout_.images(place));
  FileLock making = lock_unless_stopped(layout_.lock(place, id), clock_, stop);
  ImageRecord record;
  {
    FileLock region(layout_.lock(place, "images"));
    if (std::optional<ImageRecord> made = read(place, id);
        made && made->image.state != ImageState::pending) {
      return id;
    }
    clear_debris(place, id);
    record.image.image_id = id;
    record.image.name = spec.name;
    record.image.description = spec.description;
    record.image.owner_id = place.account_id;
    record.image.region = place.region;
    record.image.architecture = "x86_64";
    record.image.tags = spec.tags;
    record.image.created_at = clock_.now();
    reserve(place, record);
  }
  Path disk = file(place, id);
  Path part = disk.string() + std::string(kPartSuffix);
  try {
    make(part, record.image);
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped while making {}", id);
    ::chmod(part.c_str(), 0444);
    sync_file(part);
    std::filesystem::rename(part, disk);
    FileLock region(layout_.lock(place, "images"));
    // Tags may have been set while it was pending.
    if (std::optional<ImageRecord> pending = read(place, id)) {
      record.image.tags = pending->image.tags;
      record.shares = pending->shares;
    }
    record.image.state = ImageState::available;
    record.image.stored_size_bytes = stored_size(disk);
    write_file(sidecar(place, id), pretty(to_json(record)));
  } catch (...) {
    // Whatever went wrong, nothing half-made stays; the same token may try again.
    std::error_code ignored;
    std::filesystem::remove(sidecar(place, id), ignored);
    std::filesystem::remove(part, ignored);
    std::filesystem::remove(disk, ignored);
    throw;
  }
  return id;
}

bool ImageStore::is_visible(const ImageRecord& record, const std::string& account_id) const {
  return record.image.owner_id == account_id ||
         is_recipient(units_, {record.shares.begin(), record.shares.end()}, account_id);
}

std::optional<ImageRecord> ImageStore::find(const Place& place, const std::string& image_id) const {
  std::optional<ImageRecord> record = read(place, image_id);
  if (!record) return std::nullopt;
  if (!is_visible(*record, place.account_id) || is_debris(place, *record)) return std::nullopt;
  return record;
}

std::vector<Image> ImageStore::list(const Place& place, const ImageFilter& filter) const {
  check_image_filter(filter);
  std::vector<Image> found;
  for (ImageRecord& record : read_all(place)) {
    if (!is_visible(record, place.account_id)) continue;
    if (!matches_name_and_owner(record.image, filter, place)) continue;
    if (!matches(record.image.tags, filter.tags, filter.tag_keys)) continue;
    if (is_debris(place, record)) continue;
    found.push_back(std::move(record.image));
  }
  return found;
}

ImageRecord ImageStore::require_available(const Place& place, const std::string& image_id) const {
  std::optional<ImageRecord> record = find(place, image_id);
  if (!record) {
    throw Error(ErrorKind::not_found, "image {} does not exist in {}", image_id, to_string(place));
  }
  if (record->image.state != ImageState::available) {
    throw Error(ErrorKind::unavailable, "image {} is {}", image_id, to_string(record->image.state));
  }
  return *record;
}

ImageRecord ImageStore::require_owned(const Place& place, const std::string& image_id) const {
  std::optional<ImageRecord> record = find(place, image_id);
  if (!record) {
    throw Error(ErrorKind::not_found, "image {} does not exist in {}", image_id, to_string(place));
  }
  if (record->image.owner_id != place.account_id) {
    throw Error(ErrorKind::denied, "image {} belongs to account {}", image_id,
                record->image.owner_id);
  }
  return *record;
}

void ImageStore::change(const Place& place, const std::string& image_id,
                        const std::function<void(ImageRecord&)>& change) {
  FileLock region(layout_.lock(place, "images"));
  ImageRecord record = require_owned(place, image_id);
  change(record);
  std::sort(record.shares.begin(), record.shares.end());
  write_file(sidecar(place, image_id), pretty(to_json(record)));
}

void ImageStore::remove(const Place& place, const std::string& image_id) {
  FileLock region(layout_.lock(place, "images"));
  std::optional<ImageRecord> record = read(place, image_id);
  if (!record) return;
  if (record->image.owner_id != place.account_id) {
    throw Error(ErrorKind::denied, "image {} belongs to account {}", image_id,
                record->image.owner_id);
  }
  // The sidecar first: a crash in between leaves a file that the next creating call clears away.
  hallmark::remove_all(sidecar(place, image_id));
  hallmark::remove_all(file(place, image_id));
  hallmark::remove_all(layout_.lock(place, image_id));
}

}  // namespace hallmark::cloud::libvirt
