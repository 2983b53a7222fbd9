#include "disk/lvm.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "disk/lvm_label.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

constexpr std::uint64_t kSector = 512;
// 8 EiB, the largest volume that Linux has.
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 63;
// Of all physical volumes together; each has the same few KiB.
constexpr std::uint64_t kMaxTexts = 64 << 20;

struct Stripe {
  BlockReader* storage = nullptr;
  std::uint64_t offset = 0;
};

struct Segment {
  std::uint64_t start = 0, size = 0;
  std::uint64_t stripe_bytes = 0;  ///< what one stripe holds before the next one's turn
  std::vector<Stripe> stripes;     ///< none: zeros
};

class Volume final : public BlockReader {
 public:
  explicit Volume(std::vector<Segment> segments) : segments_(std::move(segments)) {}

  std::uint64_t size_bytes() const override {
    return segments_.empty() ? 0 : segments_.back().start + segments_.back().size;
  }
  /// Of the disk that it begins on.
  std::uint64_t fetched_bytes() const override {
    for (const Segment& segment : segments_) {
      if (!segment.stripes.empty()) return segment.stripes.front().storage->fetched_bytes();
    }
    return 0;
  }

  void read(std::uint64_t offset, std::span<std::byte> out) override {
    check_range(offset, out.size(), size_bytes(), "the logical volume");
    while (!out.empty()) {
      auto after = std::upper_bound(
          segments_.begin(), segments_.end(), offset,
          [](std::uint64_t at, const Segment& segment) { return at < segment.start; });
      const Segment& segment = *std::prev(after);
      std::size_t done = read_piece(segment, offset - segment.start, out);
      offset += done;
      out = out.subspan(done);
    }
  }

 private:
  static std::size_t read_piece(const Segment& segment, std::uint64_t at,
                                std::span<std::byte> out) {
    std::uint64_t length = std::min<std::uint64_t>(out.size(), segment.size - at);
    if (segment.stripes.empty()) {
      std::fill_n(out.begin(), length, std::byte{0});
      return static_cast<std::size_t>(length);
    }
    std::uint64_t turn = at / segment.stripe_bytes, inside = at % segment.stripe_bytes;
    length = std::min(length, segment.stripe_bytes - inside);
    const Stripe& stripe = segment.stripes[turn % segment.stripes.size()];
    std::uint64_t row = turn / segment.stripes.size();
    stripe.storage->read(stripe.offset + row * segment.stripe_bytes + inside,
                         out.first(static_cast<std::size_t>(length)));
    return static_cast<std::size_t>(length);
  }

  std::vector<Segment> segments_;
};

Error broken(const std::string& what) {
  return Error(ErrorKind::corrupt, "LVM's metadata is broken: {}", what);
}

std::uint64_t number(const Json& section, const char* name) {
  auto found = section.find(name);
  if (found == section.end() || !found->is_number_unsigned()) {
    throw broken(fmt::format("there is no {}", name));
  }
  return found->get<std::uint64_t>();
}

std::string text(const Json& section, const char* name) {
  auto found = section.find(name);
  return found != section.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& part(const Json& section, const char* name) {
  static const Json kNone = Json::object();
  auto found = section.find(name);
  return found != section.end() && found->is_object() ? *found : kNone;
}

/// `count` times `each`, or an error if no disk is that large.
std::uint64_t product(std::uint64_t count, std::uint64_t each) {
  if (each != 0 && count > kMaxBytes / each) throw broken("a size is impossible");
  return count * each;
}

/// One volume group with the physical volumes at hand.
struct Group {
  std::string name;
  Json section;
  std::uint64_t extent_bytes = 0;
  struct Place {
    BlockReader* storage = nullptr;  ///< null: missing
    std::string id;
    std::uint64_t start = 0;  ///< where its extents begin
  };
  std::map<std::string, Place> places;
};

Stripe stripe_of(const Group& group, const Json& volume_name, const Json& extent) {
  if (!volume_name.is_string() || !extent.is_number_unsigned()) throw broken("a stripe is none");
  auto name = volume_name.get<std::string>();
  auto found = group.places.find(name);
  if (found == group.places.end()) {
    throw Error(ErrorKind::usage, "it lies on another logical volume, {}", name);
  }
  const Group::Place& place = found->second;
  if (place.storage == nullptr) {
    throw Error(ErrorKind::not_found, "the physical volume {} is missing", place.id);
  }
  return {place.storage, place.start + product(extent.get<std::uint64_t>(), group.extent_bytes)};
}

Segment segment_of(const Group& group, const Json& section) {
  Segment segment;
  segment.start = product(number(section, "start_extent"), group.extent_bytes);
  segment.size = product(number(section, "extent_count"), group.extent_bytes);
  std::string type = text(section, "type");
  if (type == "zero") return segment;
  if (type != "striped" && type != "linear") {
    throw Error(ErrorKind::usage, "it is of the type {}, which is not read here", type);
  }
  auto stripes = section.find("stripes");
  std::uint64_t count = number(section, "stripe_count");
  if (stripes == section.end() || !stripes->is_array() || count == 0 ||
      stripes->size() != product(count, 2) || segment.size % count != 0) {
    throw broken("stripes do not fit their count");
  }
  segment.stripe_bytes =
      count == 1 ? segment.size : product(number(section, "stripe_size"), kSector);
  if (segment.stripe_bytes == 0) throw broken("a segment is empty");
  for (std::size_t i = 0; i < stripes->size(); i += 2) {
    Stripe stripe = stripe_of(group, (*stripes)[i], (*stripes)[i + 1]);
    check_range(stripe.offset, segment.size / count, stripe.storage->size_bytes(),
                "the physical volume");
    segment.stripes.push_back(stripe);
  }
  return segment;
}

std::unique_ptr<BlockReader> open_volume(const Group& group, const Json& section) {
  std::vector<Segment> segments;
  std::uint64_t count = number(section, "segment_count");
  for (std::uint64_t i = 1; i <= count; ++i) {
    auto found = section.find(fmt::format("segment{}", i));
    if (found == section.end() || !found->is_object()) throw broken("a segment is missing");
    segments.push_back(segment_of(group, *found));
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.start < b.start; });
  std::uint64_t end = 0;
  for (const Segment& segment : segments) {
    if (segment.start != end || segment.size == 0)
      throw broken("segments do not follow each other");
    end += segment.size;
    if (end > kMaxBytes) throw broken("a size is impossible");
  }
  return std::make_unique<Volume>(std::move(segments));
}

bool is_visible(const Json& section) {
  auto status = section.find("status");
  return status != section.end() &&
         std::find(status->begin(), status->end(), Json("VISIBLE")) != status->end();
}

struct Snapshots {
  /// Volumes that hold what a snapshot differs by: bytes, but none of a file system.
  std::set<std::string> stores;
  /// Those that the next start gives a snapshot's content.
  std::set<std::string> merged_into;
};

Snapshots snapshots_of(const Json& volumes) {
  Snapshots snapshots;
  for (const auto& [name, section] : volumes.items()) {
    for (const auto& [key, segment] : section.items()) {
      if (!segment.is_object() || text(segment, "type") != "snapshot") continue;
      snapshots.stores.insert(text(segment, "cow_store"));
      if (const std::string merging = text(segment, "merging_store"); !merging.empty()) {
        snapshots.stores.insert(merging);
        snapshots.merged_into.insert(text(segment, "origin"));
      }
    }
  }
  return snapshots;
}

void add_volumes(VolumeGroups& groups, const Group& group) {
  const Json& volumes = part(group.section, "logical_volumes");
  const Snapshots snapshots = snapshots_of(volumes);
  for (const auto& [name, section] : volumes.items()) {
    if (!section.is_object() || !is_visible(section)) continue;
    LogicalVolume volume{group.name, name, text(section, "id"), nullptr, ""};
    try {
      if (snapshots.stores.contains(name)) {
        throw Error(ErrorKind::usage, "it is a snapshot, which is not read here");
      }
      if (snapshots.merged_into.contains(name)) {
        throw Error(ErrorKind::usage, "a snapshot is being merged into it, which is not read here");
      }
      volume.content = open_volume(group, section);
    } catch (const Error& error) {
      volume.problem = error.message();
    }
    groups.volumes.push_back(std::move(volume));
  }
}

Group open_group(const std::string& name, const Json& section,
                 const std::vector<PhysicalVolume>& at_hand) {
  Group group{name, section, product(number(section, "extent_size"), kSector), {}};
  for (const auto& [key, volume] : part(section, "physical_volumes").items()) {
    if (!volume.is_object()) continue;
    Group::Place place{nullptr, text(volume, "id"), product(number(volume, "pe_start"), kSector)};
    for (const PhysicalVolume& candidate : at_hand) {
      if (candidate.id == place.id) place.storage = candidate.storage;
    }
    group.places.emplace(key, place);
  }
  return group;
}

/// The section of the group in a physical volume's metadata: the only one there.
std::optional<std::pair<std::string, Json>> group_section(const Json& metadata) {
  if (!metadata.is_object()) return std::nullopt;
  for (const auto& [name, section] : metadata.items()) {
    if (section.is_object() && section.contains("physical_volumes")) {
      return std::pair(name, section);
    }
  }
  return std::nullopt;
}

bool is_newer(const Json& section, const Json& than) {
  return number(section, "seqno") > number(than, "seqno");
}

}  // namespace

bool is_physical_volume(BlockReader& storage) { return find_lvm_label(storage).has_value(); }

VolumeGroups read_volume_groups(const std::vector<BlockReader*>& physical_volumes) {
  VolumeGroups groups;
  std::vector<PhysicalVolume> at_hand;
  auto problem_on_error = [&](auto function) {
    try {
      function();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      groups.problems.push_back(error.message());
    }
  };
  std::uint64_t text_budget = kMaxTexts;
  for (BlockReader* storage : physical_volumes) {
    problem_on_error([&] {
      PhysicalVolume volume = read_physical_volume(*storage, text_budget);
      for (const PhysicalVolume& other : at_hand) {
        if (other.id == volume.id) {
          throw Error(ErrorKind::corrupt, "two physical volumes have the id {}: the first is read",
                      volume.id);
        }
      }
      at_hand.push_back(std::move(volume));
    });
  }
  std::map<std::string, std::pair<std::string, Json>> newest;  // by the group's id
  for (const PhysicalVolume& volume : at_hand) {
    problem_on_error([&] {
      if (!volume.problem.empty()) throw Error(ErrorKind::corrupt, "{}", volume.problem);
      auto found = group_section(volume.metadata);
      if (!found) return;
      auto [place, fresh] = newest.try_emplace(text(found->second, "id"), *found);
      if (!fresh && is_newer(found->second, place->second.second)) place->second = *found;
    });
  }
  std::set<std::string> used;
  for (const auto& known : newest) {
    problem_on_error([&] {
      const auto& [name, section] = known.second;
      Group opened = open_group(name, section, at_hand);
      for (const auto& [key, place] : opened.places) used.insert(place.id);
      add_volumes(groups, opened);
    });
  }
  for (const PhysicalVolume& volume : at_hand) {
    if (!used.contains(volume.id)) {
      groups.problems.push_back(
          fmt::format("no metadata says what the physical volume {} holds", volume.id));
    }
  }
  std::sort(groups.volumes.begin(), groups.volumes.end(), [](const auto& a, const auto& b) {
    return std::tie(a.group, a.name) < std::tie(b.group, b.name);
  });
  return groups;
}

}  // namespace hallmark::disk
