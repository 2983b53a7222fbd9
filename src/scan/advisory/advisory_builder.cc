#include "scan/advisory/advisory_builder.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "scan/advisory/advisory_file.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"

namespace hallmark::scan {
namespace {

// A title is shown in a line of a table; what is longer is a description.
constexpr std::size_t kMaxTitle = 240;
constexpr std::size_t kMaxText = 4000;
constexpr std::size_t kMaxCves = 4000;

/// Each text once.
class Texts {
 public:
  Texts() : bytes_(2, '\0'), places_(1 << 16, Hash{&bytes_}, Equal{&bytes_}) {}
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;

  TextRef keep(std::string_view text) {
    text = text.substr(0, kMaxText);
    if (text.empty()) return 0;
    if (const auto found = places_.find(text); found != places_.end()) return *found;
    const TextRef place = append(text);
    places_.insert(place);
    return place;
  }

  /// Without looking whether it is there already.
  TextRef append(std::string_view text) {
    if (text.empty()) return 0;
    if (bytes_.size() > UINT32_MAX - text.size() - 2) {
      throw Error(ErrorKind::usage, "the advisories hold more than 4 GiB of text")
          .hint("leave some feeds out");
    }
    const auto place = static_cast<TextRef>(bytes_.size());
    const auto length = static_cast<std::uint16_t>(text.size());
    bytes_.append(reinterpret_cast<const char*>(&length), sizeof length);
    bytes_.append(text);
    return place;
  }

  std::string_view get(TextRef place) const { return at(bytes_, place); }
  const std::string& bytes() const { return bytes_; }

 private:
  static std::string_view at(const std::string& bytes, TextRef place) {
    std::uint16_t length = 0;
    std::memcpy(&length, bytes.data() + place, sizeof length);
    return {bytes.data() + place + sizeof length, length};
  }
  struct Hash {
    using is_transparent = void;
    const std::string* bytes;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
    std::size_t operator()(TextRef place) const { return (*this)(at(*bytes, place)); }
  };
  struct Equal {
    using is_transparent = void;
    const std::string* bytes;
    bool operator()(TextRef a, TextRef b) const { return a == b; }
    bool operator()(std::string_view a, TextRef b) const { return a == at(*bytes, b); }
    bool operator()(TextRef a, std::string_view b) const { return b == at(*bytes, a); }
  };

  std::string bytes_;
  std::unordered_set<TextRef, Hash, Equal> places_;
};

struct Pending {
  TextRef ecosystem = 0;
  TextRef package = 0;
  StatementRecord record;
};

}  // namespace

struct AdvisoryBuilder::State {
  Texts texts;
  std::deque<FeedInfo> feeds;
  std::set<TextRef> feed_ecosystems;
  std::vector<AdvisoryRecord> advisories;
  std::vector<TextRef> cves;
  std::vector<Pending> pending;
  std::unordered_map<TextRef, std::optional<VersionOrder>> orders;

  std::vector<EcosystemRecord> ecosystems;
  std::vector<PackageRecord> packages;
  std::vector<StatementRecord> statements;

  std::optional<VersionOrder> order(TextRef ecosystem) {
    auto [place, added] = orders.try_emplace(ecosystem);
    if (added) place->second = order_of(texts.get(ecosystem));
    return place->second;
  }

  void end_feed() {
    if (feeds.empty()) return;
    FeedInfo& feed = feeds.back();
    for (const TextRef name : feed_ecosystems) feed.ecosystems.emplace_back(texts.get(name));
    std::sort(feed.ecosystems.begin(), feed.ecosystems.end());
    feed_ecosystems.clear();
  }

  std::vector<TextRef> flaws(const StatementRecord& record) const {
    const AdvisoryRecord& advisory = advisories[record.advisory];
    if (advisory.cve_count == 0) return {advisory.id};
    const auto first = cves.begin() + advisory.first_cve;
    return {first, first + advisory.cve_count};
  }

  void keep_first_word(std::vector<StatementRecord>& group) const;
  void keep_lowest_fix(std::vector<StatementRecord>& group) const;
  void sort_group(std::vector<StatementRecord>& group, VersionOrder order) const;
  void arrange();
};

/// A flaw belongs to the distribution's own feeds if one of them speaks of it; a statement stays if
/// one of its flaws is of its own feed's rank: two of a distribution's repositories mend their own.
void AdvisoryBuilder::State::keep_first_word(std::vector<StatementRecord>& group) const {
  const auto is_own = [&](const StatementRecord& record) {
    return is_own_word(feeds[advisories[record.advisory].feed].kind);
  };
  std::set<TextRef> spoken_of;
  for (const StatementRecord& record : group) {
    if (!is_own(record)) continue;
    for (const TextRef flaw : flaws(record)) spoken_of.insert(flaw);
  }
  std::erase_if(group, [&](const StatementRecord& record) {
    if (record.judgement == static_cast<std::uint8_t>(Judgement::not_affected)) return true;
    if (is_own(record) || spoken_of.empty()) return false;
    const auto said = flaws(record);
    return std::all_of(said.begin(), said.end(),
                       [&](TextRef flaw) { return spoken_of.contains(flaw); });
  });
}

/// An rpm advisory names a package once for each build of it, such as those of two minor releases:
/// whoever has the oldest of these has the fix. Expects the group sorted.
void AdvisoryBuilder::State::keep_lowest_fix(std::vector<StatementRecord>& group) const {
  std::set<std::tuple<std::uint32_t, TextRef, std::uint8_t>> seen;
  std::vector<StatementRecord> kept;
  for (auto record = group.rbegin(); record != group.rend(); ++record) {
    const bool range =
        record->introduced != 0 || record->fixed == 0 || (record->flags & kUnreadable);
    if (range || seen.insert({record->advisory, record->module, record->flags}).second) {
      kept.push_back(*record);
    }
  }
  group.assign(kept.rbegin(), kept.rend());
}

void AdvisoryBuilder::State::sort_group(std::vector<StatementRecord>& group,
                                        VersionOrder order) const {
  const auto has_fix = [](const StatementRecord& record) {
    return record.fixed != 0 && (record.flags & kUnreadable) == 0;
  };
  std::stable_sort(group.begin(), group.end(),
                   [&](const StatementRecord& a, const StatementRecord& b) {
                     if (has_fix(a) != has_fix(b)) return !has_fix(a);
                     return has_fix(a) && a.fixed != b.fixed &&
                            compare_versions(order, texts.get(a.fixed), texts.get(b.fixed)) > 0;
                   });
}

/// From the pending statements to the sorted tables.
void AdvisoryBuilder::State::arrange() {
  std::sort(pending.begin(), pending.end(), [&](const Pending& a, const Pending& b) {
    if (a.ecosystem != b.ecosystem) return texts.get(a.ecosystem) < texts.get(b.ecosystem);
    if (a.package != b.package) return texts.get(a.package) < texts.get(b.package);
    return a.record.advisory < b.record.advisory;
  });
  std::vector<StatementRecord> group;
  for (std::size_t at = 0; at < pending.size();) {
    const Pending& head = pending[at];
    const VersionOrder how = *order(head.ecosystem);
    group.clear();
    for (; at < pending.size() && pending[at].ecosystem == head.ecosystem &&
           pending[at].package == head.package;
         ++at) {
      group.push_back(pending[at].record);
    }
    if (ecosystems.empty() || ecosystems.back().name != head.ecosystem) {
      ecosystems.push_back({.name = head.ecosystem,
                            .first = static_cast<std::uint32_t>(packages.size()),
                            .order = static_cast<std::uint8_t>(how)});
    }
    keep_first_word(group);
    sort_group(group, how);
    if (how == VersionOrder::rpm) keep_lowest_fix(group);
    if (group.empty()) continue;
    packages.push_back({.prefix = name_prefix(texts.get(head.package)),
                        .name = head.package,
                        .first = static_cast<std::uint32_t>(statements.size()),
                        .count = static_cast<std::uint32_t>(group.size())});
    ++ecosystems.back().count;
    for (const StatementRecord& record : group) {
      ecosystems.back().names |= (record.flags & kOfSource) != 0 ? kSourceNames : kBinaryNames;
      statements.push_back(record);
    }
  }
  pending = {};
}

AdvisoryBuilder::AdvisoryBuilder() : state_(std::make_unique<State>()) {}
AdvisoryBuilder::~AdvisoryBuilder() = default;

void AdvisoryBuilder::begin_feed(FeedInfo feed) {
  if (state_->feeds.size() == UINT16_MAX) throw Error(ErrorKind::usage, "there are too many feeds");
  state_->end_feed();
  state_->feeds.push_back(std::move(feed));
}

FeedInfo& AdvisoryBuilder::feed() { return state_->feeds.back(); }

void AdvisoryBuilder::begin(const AdvisoryText& advisory) {
  State& s = *state_;
  ++s.feeds.back().records;
  AdvisoryRecord record;
  record.id = s.texts.keep(advisory.id);
  record.title = s.texts.append(advisory.title.substr(0, kMaxTitle));
  record.url = s.texts.append(advisory.url.substr(0, kMaxText));
  record.cvss = s.texts.keep(advisory.cvss);
  record.severity_native = s.texts.keep(advisory.severity_native);
  record.severity = static_cast<std::uint8_t>(advisory.severity);
  record.feed = static_cast<std::uint16_t>(s.feeds.size() - 1);
  record.first_cve = static_cast<std::uint32_t>(s.cves.size());
  for (const std::string_view cve : advisory.cves) {
    if (s.cves.size() - record.first_cve < kMaxCves) s.cves.push_back(s.texts.keep(cve));
  }
  std::sort(s.cves.begin() + record.first_cve, s.cves.end(),
            [&](TextRef a, TextRef b) { return s.texts.get(a) < s.texts.get(b); });
  s.cves.erase(std::unique(s.cves.begin() + record.first_cve, s.cves.end()), s.cves.end());
  record.cve_count = static_cast<std::uint16_t>(s.cves.size() - record.first_cve);
  s.advisories.push_back(record);
}

void AdvisoryBuilder::add(const Statement& statement) {
  State& s = *state_;
  const TextRef ecosystem = s.texts.keep(statement.ecosystem);
  const auto order = ecosystem == 0 ? std::nullopt : s.order(ecosystem);
  if (!order || statement.package.empty()) {
    ++s.feeds.back().elsewhere;
    return;
  }
  s.feed_ecosystems.insert(ecosystem);
  Pending pending;
  pending.ecosystem = ecosystem;
  pending.package = s.texts.keep(statement.package);
  StatementRecord& record = pending.record;
  record.advisory = static_cast<std::uint32_t>(s.advisories.size() - 1);
  record.introduced = statement.introduced == "0" ? 0 : s.texts.keep(statement.introduced);
  record.fixed = s.texts.keep(statement.fixed);
  record.last_affected = s.texts.keep(statement.last_affected);
  record.module = s.texts.keep(statement.module);
  record.judgement = static_cast<std::uint8_t>(statement.judgement);
  record.fix = static_cast<std::uint8_t>(statement.fix);
  record.severity = static_cast<std::uint8_t>(statement.severity);
  if (statement.of_source) record.flags |= kOfSource;
  for (const TextRef version : {record.introduced, record.fixed, record.last_affected}) {
    if (version != 0 && !is_comparable(*order, s.texts.get(version))) record.flags |= kUnreadable;
  }
  s.pending.push_back(pending);
}

std::string AdvisoryBuilder::finish() {
  State& s = *state_;
  s.end_feed();
  s.arrange();
  HeaderRecord header;
  std::memcpy(header.magic.data(), kAdvisoryMagic.data(), header.magic.size());
  header.version = kAdvisoryVersion;
  header.header_bytes = sizeof header;
  const std::string feeds = compact(Json(s.feeds));
  std::string bytes(sizeof header, '\0');
  const auto put = [&](Section section, const void* data, std::size_t count, std::size_t size) {
    bytes.resize((bytes.size() + 7) / 8 * 8);
    header.sections[section] = {bytes.size(), count};
    if (count != 0) bytes.append(static_cast<const char*>(data), count * size);
  };
  bytes.reserve(sizeof header + feeds.size() + s.packages.size() * sizeof(PackageRecord) +
                s.statements.size() * sizeof(StatementRecord) +
                s.advisories.size() * sizeof(AdvisoryRecord) + s.cves.size() * sizeof(TextRef) +
                s.texts.bytes().size() + s.ecosystems.size() * sizeof(EcosystemRecord) + 64);
  put(kFeeds, feeds.data(), feeds.size(), 1);
  put(kEcosystems, s.ecosystems.data(), s.ecosystems.size(), sizeof(EcosystemRecord));
  put(kPackages, s.packages.data(), s.packages.size(), sizeof(PackageRecord));
  put(kStatements, s.statements.data(), s.statements.size(), sizeof(StatementRecord));
  put(kAdvisories, s.advisories.data(), s.advisories.size(), sizeof(AdvisoryRecord));
  put(kCves, s.cves.data(), s.cves.size(), sizeof(TextRef));
  put(kTexts, s.texts.bytes().data(), s.texts.bytes().size(), 1);
  header.file_bytes = bytes.size();
  const std::string body = sha256_hex(std::string_view(bytes).substr(sizeof header));
  std::copy(body.begin(), body.end(), header.body_sha256.begin());
  const std::string_view before(reinterpret_cast<const char*>(&header),
                                sizeof header - sizeof header.header_sha256);
  const std::string own = sha256_hex(before);
  std::copy(own.begin(), own.end(), header.header_sha256.begin());
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace hallmark::scan
