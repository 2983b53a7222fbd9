#include "scan/advisory/advisory_builder.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "scan/advisory/advisory_file.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feed_state.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/package_names.h"
#include "scan/advisory/statement_groups.h"

namespace hallmark::scan {
namespace {

// A title is shown in a line of a table; what is longer is a description.
constexpr std::size_t kMaxTitle = 240;
constexpr std::size_t kMaxCves = 4000;

/// What the feed is about, and what it names in passing: a register's feed has records that name
/// another register's packages, too.
void note_ecosystems(FeedInfo& feed, const std::map<std::string, std::uint32_t>& packages) {
  constexpr std::uint32_t kShare = 20;
  std::uint32_t most = 0;
  for (const auto& [name, count] : packages) most = std::max(most, count);
  for (const auto& [name, count] : packages) {
    const bool about = is_of_distribution(name) ? count >= kFewPackages : count >= most / kShare;
    (about ? feed.ecosystems : feed.in_passing).push_back(name);
  }
}

struct Pending {
  TextRef ecosystem = 0;
  TextRef package = 0;
  StatementRecord record;
};

}  // namespace

struct AdvisoryBuilder::State : AdvisoryTables {
  /// Where the last feed began.
  std::size_t first_pending = 0, first_advisory = 0, first_cve = 0;
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

  void mark_begin() {
    first_pending = pending.size();
    first_advisory = advisories.size();
    first_cve = cves.size();
  }

  void arrange();
};

/// From the pending statements to the sorted tables.
void AdvisoryBuilder::State::arrange() {
  std::sort(pending.begin(), pending.end(), [&](const Pending& a, const Pending& b) {
    if (a.ecosystem != b.ecosystem) return texts.get(a.ecosystem) < texts.get(b.ecosystem);
    if (a.package != b.package) return texts.get(a.package) < texts.get(b.package);
    return a.record.advisory < b.record.advisory;
  });
  std::vector<StatementRecord> group;
  // Of each feed: how many packages of the ecosystem it names, and which was the last.
  std::vector<std::pair<std::uint32_t, TextRef>> named(feeds.size());
  std::vector<std::map<std::string, std::uint32_t>> totals(feeds.size());
  const auto end_ecosystem = [&] {
    for (std::size_t feed = 0; feed < named.size() && !ecosystems.empty(); ++feed) {
      if (named[feed].first != 0)
        totals[feed].emplace(texts.get(ecosystems.back().name), named[feed].first);
      named[feed] = {};
    }
  };
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
      end_ecosystem();
      ecosystems.push_back({.name = head.ecosystem,
                            .first = static_cast<std::uint32_t>(packages.size()),
                            .order = static_cast<std::uint8_t>(how)});
    }
    for (const StatementRecord& record : group) {
      auto& [count, last] = named[advisories[record.advisory].feed];
      if (last != head.package) ++count;
      last = head.package;
    }
    settle(*this, how, group);
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
  end_ecosystem();
  pending = {};
  for (std::size_t feed = 0; feed < feeds.size(); ++feed)
    note_ecosystems(feeds[feed], totals[feed]);
}

AdvisoryBuilder::AdvisoryBuilder() : state_(std::make_unique<State>()) {}
AdvisoryBuilder::~AdvisoryBuilder() = default;

void AdvisoryBuilder::begin_feed(FeedInfo feed) {
  if (state_->feeds.size() == UINT16_MAX) throw Error(ErrorKind::usage, "there are too many feeds");
  state_->mark_begin();
  state_->feeds.push_back(std::move(feed));
}

void AdvisoryBuilder::leave_out(std::string why, std::vector<std::string> ecosystems) {
  State& s = *state_;
  s.pending.resize(s.first_pending);
  s.advisories.resize(s.first_advisory);
  s.cves.resize(s.first_cve);
  FeedInfo& feed = s.feeds.back();
  feed = {.name = feed.name,
          .kind = feed.kind,
          .url = feed.url,
          .digest = feed.digest,
          .fetched_at = feed.fetched_at};
  feed.ecosystems = std::move(ecosystems);
  feed.damage = std::move(why);
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
  if (statement.incomparable) record.flags |= kUnreadable;
  if (statement.subscription ||
      (statement.ecosystem.starts_with("ubuntu:") && needs_subscription(statement.fixed))) {
    record.flags |= kSubscription;
  }
  for (const TextRef version : {record.introduced, record.fixed, record.last_affected}) {
    if (version != 0 && !is_comparable(*order, s.texts.get(version))) record.flags |= kUnreadable;
  }
  s.pending.push_back(pending);
}

std::string AdvisoryBuilder::finish() {
  State& s = *state_;
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
