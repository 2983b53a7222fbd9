#include "scan/inventory/rpm_header.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/inventory/bytes.h"

namespace hallmark::scan {
namespace {

// rpm's own limits: 65,535 entries were one day too few, 256 MiB of data never.
constexpr std::uint32_t kMaxEntries = 1u << 20;
constexpr std::uint64_t kIntro = 8;
constexpr std::uint64_t kEntry = 16;
// A digest is of the header as it stands in a package file, behind these bytes.
constexpr std::string_view kMagic("\x8e\xad\xe8\x01\0\0\0\0", 8);

enum Tag : std::uint32_t {
  kImmutable = 63,
  kSha1 = 269,
  kSha256 = 273,
  kName = 1000,
  kVersion = 1001,
  kRelease = 1002,
  kEpoch = 1003,
  kArchitecture = 1022,
  kOldFileNames = 1027,
  kSourceRpm = 1044,
  kDirectoryIndexes = 1116,
  kBaseNames = 1117,
  kDirectoryNames = 1118,
  kModularityLabel = 5096,
};

enum Type : std::uint32_t { kInt32 = 4, kString = 6, kBin = 7, kStringArray = 8, kI18n = 9 };

struct Entry {
  std::uint32_t type = 0;
  std::uint32_t offset = 0;
  std::uint32_t count = 0;
};

class Header {
 public:
  explicit Header(std::string_view blob) : bytes_(blob, true) {
    count_ = bytes_.u32(0);
    const std::uint32_t length = bytes_.u32(4);
    if (count_ == 0 || count_ > kMaxEntries) {
      throw Error(ErrorKind::corrupt, "a header with {} entries", count_);
    }
    data_ = bytes_.part(kIntro + count_ * kEntry, length);
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint64_t at = kIntro + i * kEntry;
      entries_.try_emplace(bytes_.u32(at), Entry{.type = bytes_.u32(at + 4),
                                                 .offset = bytes_.u32(at + 8),
                                                 .count = bytes_.u32(at + 12)});
    }
  }

  /// Empty if the header has none.
  std::string text(Tag tag) const {
    auto found = entries_.find(tag);
    if (found == entries_.end()) return "";
    const Entry& entry = found->second;
    const bool is_text = entry.type == kString || entry.type == kStringArray || entry.type == kI18n;
    if (!is_text || entry.offset >= data_.size()) {
      throw Error(ErrorKind::corrupt, "tag {} is no text within the header", std::uint32_t{tag});
    }
    const std::string_view rest = data_.substr(entry.offset);
    const std::size_t end = rest.find('\0');
    if (end == rest.npos) {
      throw Error(ErrorKind::corrupt, "tag {} does not end", std::uint32_t{tag});
    }
    return std::string(rest.substr(0, end));
  }

  /// Empty if the header has none.
  std::vector<std::string_view> texts(Tag tag) const {
    std::vector<std::string_view> texts;
    auto found = entries_.find(tag);
    if (found == entries_.end()) return texts;
    const Entry& entry = found->second;
    if (entry.type != kStringArray || entry.offset > data_.size()) {
      throw Error(ErrorKind::corrupt, "tag {} is no list of texts", std::uint32_t{tag});
    }
    std::string_view rest = data_.substr(entry.offset);
    for (std::uint32_t i = 0; i < entry.count; ++i) {
      const std::size_t end = rest.find('\0');
      if (end == rest.npos) {
        throw Error(ErrorKind::corrupt, "tag {} does not end", std::uint32_t{tag});
      }
      texts.push_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    return texts;
  }

  /// The number at `index` of the tag's; nothing if the header has none.
  std::optional<std::uint32_t> number(Tag tag, std::uint32_t index = 0) const {
    auto found = entries_.find(tag);
    if (found == entries_.end()) return std::nullopt;
    if (found->second.type != kInt32 || index >= found->second.count) {
      throw Error(ErrorKind::corrupt, "tag {} is no number", std::uint32_t{tag});
    }
    return Bytes(data_, true).u32(found->second.offset + std::uint64_t{4} * index);
  }

  /// Compares what came out of the package's file with the digest that came with it. rpm adds
  /// entries of its own behind that region. A header of before 2001 has neither.
  void check_digest() const {
    auto region = entries_.find(kImmutable);
    if (region == entries_.end()) return;
    const Entry& entry = region->second;
    if (entry.type != kBin || entry.count != kEntry) {
      throw Error(ErrorKind::corrupt, "the header's region is not marked as one");
    }
    // The region's trailer says, as a negative offset, how long its index is.
    const Bytes data(data_, true);
    const std::uint64_t index_length = std::uint32_t{0} - data.u32(std::uint64_t{entry.offset} + 8);
    const std::uint64_t data_length = std::uint64_t{entry.offset} + kEntry;
    if (index_length % kEntry != 0 || index_length == 0 || index_length / kEntry > count_) {
      throw Error(ErrorKind::corrupt, "the header's region has an index of {} bytes", index_length);
    }
    auto number = [](std::uint64_t value) {
      return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                         static_cast<char>(value >> 8), static_cast<char>(value)};
    };
    std::string original(kMagic);
    original += number(index_length / kEntry) + number(data_length);
    original += bytes_.part(kIntro, index_length);
    original += data.part(0, data_length);
    const std::string sha256 = text(kSha256);
    const std::string sha1 = text(kSha1);
    if ((!sha256.empty() && to_lower(sha256) != sha256_hex(original)) ||
        (sha256.empty() && !sha1.empty() && to_lower(sha1) != sha1_hex(original))) {
      throw Error(ErrorKind::corrupt, "the header of {} was changed: its digest does not hold",
                  text(kName));
    }
  }

 private:
  Bytes bytes_;
  std::uint32_t count_ = 0;
  std::string_view data_;
  std::map<std::uint32_t, Entry> entries_;
};

/// "nodejs:18:8090020230519:rhel9" is the stream 18 of the module nodejs.
std::string module_of(const std::string& label) {
  const std::vector<std::string> parts = split(label, ':');
  return parts.size() < 2 ? "" : parts[0] + ":" + parts[1];
}

}  // namespace

std::optional<model::Package> parse_rpm_header(std::string_view blob) {
  const Header header(blob);
  model::Package package;
  package.name = header.text(kName);
  if (package.name == "gpg-pubkey") return std::nullopt;
  const std::string version = header.text(kVersion);
  const std::string release = header.text(kRelease);
  if (package.name.empty() || version.empty()) {
    throw Error(
        ErrorKind::corrupt, "a header that names no {}",
        package.name.empty() ? std::string("package") : fmt::format("version of {}", package.name));
  }
  header.check_digest();
  if (auto epoch = header.number(kEpoch); epoch && *epoch != 0) {
    package.version = std::to_string(*epoch) + ":";
  }
  package.version += version;
  if (!release.empty()) package.version += "-" + release;
  package.architecture = header.text(kArchitecture);
  std::tie(package.source_name, package.source_version) = parse_source_rpm(header.text(kSourceRpm));
  if (package.source_name.empty()) {
    package.source_name = package.name;
    package.source_version = package.version;
  } else if (const std::size_t colon = package.version.find(':'); colon != std::string::npos) {
    // The name of the source's file has no room for the epoch.
    package.source_version.insert(0, package.version, 0, colon + 1);
  }
  package.manager = "rpm";
  package.module = module_of(header.text(kModularityLabel));
  return package;
}

void each_rpm_file(std::string_view blob, const std::function<void(std::string path)>& each) {
  const Header header(blob);
  // As rpm had it before its version 4.
  for (const std::string_view path : header.texts(kOldFileNames)) each(std::string(path));
  const std::vector<std::string_view> names = header.texts(kBaseNames);
  const std::vector<std::string_view> directories = header.texts(kDirectoryNames);
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    const std::uint32_t directory = header.number(kDirectoryIndexes, i).value_or(0);
    if (directory >= directories.size()) {
      throw Error(ErrorKind::corrupt, "a file lies in none of the package's directories");
    }
    each(std::string(directories[directory]) + std::string(names[i]));
  }
}

std::pair<std::string, std::string> parse_source_rpm(std::string_view file_name) {
  for (std::string_view end : {".src.rpm", ".nosrc.rpm"}) {
    if (!file_name.ends_with(end)) continue;
    file_name.remove_suffix(end.size());
    const std::size_t release = file_name.rfind('-');
    if (release == file_name.npos || release == 0) break;
    const std::size_t version = file_name.rfind('-', release - 1);
    if (version == file_name.npos || version == 0) break;
    return {std::string(file_name.substr(0, version)), std::string(file_name.substr(version + 1))};
  }
  return {};
}

}  // namespace hallmark::scan
