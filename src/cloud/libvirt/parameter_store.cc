#include "cloud/libvirt/parameter_store.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace hallmark::cloud::libvirt {
namespace {

constexpr std::string_view kFolderValue = ".value";

// A file's name may have 255 bytes; the record's has a dot and an ending more.
constexpr std::size_t kMaxPartBytes = 240;

/// What AWS Systems Manager takes and a directory tree can hold.
void check_name(const std::string& name) {
  check_parameter_name(name);
  for (const std::string& part : split(name.substr(1), '/')) {
    if (!part.starts_with(".") && part.size() <= kMaxPartBytes) continue;
    throw Error(ErrorKind::usage,
                "parameter {}: the local cloud takes no part that starts with a dot or is longer "
                "than {} bytes",
                name, kMaxPartBytes);
  }
}

Path plain_file(const Path& directory, const std::string& name) {
  return directory / name.substr(1);
}

Path record_file(const Path& plain) {
  return plain.parent_path() / ("." + plain.filename().string() + ".json");
}

/// A name may be a parameter and a folder of others at once (a version and what is known about it);
/// its value then lies inside the folder.
Path view_file(const Path& plain) {
  return std::filesystem::is_directory(plain) ? plain / kFolderValue : plain;
}

/// Makes folders of those parameters whose names `plain` lies under.
void make_folders(const Path& directory, const Path& plain) {
  for (Path up = plain.parent_path(); up != directory; up = up.parent_path()) {
    if (!std::filesystem::is_regular_file(up)) continue;
    std::string value = read_file(up);
    hallmark::remove_all(up);
    write_file(up / kFolderValue, value);
  }
}

std::optional<Parameter> read_record(const Path& record, const std::string& name) {
  std::optional<std::string> text = read_file_if_exists(record);
  if (!text) return std::nullopt;
  Json json = parse_json(*text, record.string());
  return Parameter{name, member<std::string>(json, "value"), member<std::int64_t>(json, "version")};
}

}  // namespace

std::optional<Parameter> ParameterStore::get(const Place& place, const std::string& name) const {
  check_name(name);
  return read_record(record_file(plain_file(layout_.parameters(place), name)), name);
}

std::int64_t ParameterStore::put(const Place& place, const std::string& name,
                                 const std::string& value, std::int64_t expected_version) {
  check_name(name);
  check_parameter_value(name, value);
  Path directory = layout_.parameters(place);
  FileLock lock(layout_.lock(place, "parameters-" + place.account_id));
  Path plain = plain_file(directory, name);
  std::optional<Parameter> present = read_record(record_file(plain), name);
  std::int64_t version = present ? present->version : 0;
  if (version != expected_version) {
    throw Error(ErrorKind::conflict, "parameter {} in {} has version {}, not {}", name,
                to_string(place), version, expected_version);
  }
  make_folders(directory, plain);
  write_file(record_file(plain), pretty({{"version", version + 1}, {"value", value}}));
  write_file(view_file(plain), value);
  return version + 1;
}

void ParameterStore::remove(const Place& place, const std::string& name,
                            std::int64_t expected_version) {
  check_name(name);
  Path directory = layout_.parameters(place);
  FileLock lock(layout_.lock(place, "parameters-" + place.account_id));
  Path plain = plain_file(directory, name);
  std::optional<Parameter> present = read_record(record_file(plain), name);
  if (!present) return;
  if (present->version != expected_version) {
    throw Error(ErrorKind::conflict, "parameter {} in {} has version {}, not {}", name,
                to_string(place), present->version, expected_version);
  }
  hallmark::remove_all(record_file(plain));
  hallmark::remove_all(view_file(plain));
  std::error_code not_empty;
  std::filesystem::remove(plain, not_empty);
  for (Path up = plain.parent_path(); up != directory; up = up.parent_path()) {
    if (!std::filesystem::remove(up, not_empty)) break;
  }
}

std::vector<Parameter> ParameterStore::list(const Place& place, const std::string& path) const {
  std::vector<Parameter> found;
  Path directory = layout_.parameters(place);
  if (!std::filesystem::is_directory(directory)) return found;
  std::error_code vanished;  // Somebody may remove a folder while we walk.
  std::filesystem::recursive_directory_iterator entry(directory, vanished), end;
  for (; !vanished && entry != end; entry.increment(vanished)) {
    std::string file = entry->path().filename().string();
    if (!file.starts_with(".") || !file.ends_with(".json")) continue;
    Path plain = entry->path().parent_path() / file.substr(1, file.size() - 6);
    std::string name = "/" + plain.lexically_relative(directory).string();
    if (!name.starts_with(path)) continue;
    if (std::optional<Parameter> parameter = read_record(entry->path(), name)) {
      found.push_back(std::move(*parameter));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  return found;
}

}  // namespace hallmark::cloud::libvirt
