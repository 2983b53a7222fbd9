#include "pipeline/compliance.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "pipeline/compliance_facts.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

namespace {

/// Places looked at at a time: far below what one account's limits allow, and each place has limits
/// of its own.
constexpr std::size_t kWidth = 8;

std::vector<PlaceReport> look_at_places(Context& context, const OwnImages& own_images,
                                        const std::vector<cloud::Place>& places,
                                        std::stop_token stop) {
  std::vector<PlaceReport> reports(places.size());
  std::atomic<std::size_t> next = 0;
  auto work = [&] {
    for (std::size_t i = next++; i < places.size() && !stop.stop_requested(); i = next++) {
      reports[i] = look_at_place(context.cloud, own_images, places[i]);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < std::min(kWidth, places.size()); ++i) workers.emplace_back(work);
    work();
  }
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "the check was interrupted");
  return reports;
}

Json counts_json(const VerdictCounts& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kVerdicts; ++i) {
    json[std::string(to_string(static_cast<Verdict>(i)))] = counts[i];
  }
  return json;
}

std::size_t at(const VerdictCounts& counts, Verdict verdict) {
  return counts[static_cast<std::size_t>(verdict)];
}

/// Most non-compliant first.
Json accounts_json(const std::vector<PlaceReport>& places) {
  std::map<std::string, VerdictCounts> accounts;
  for (const PlaceReport& place : places) {
    VerdictCounts& sum = accounts[place.facts.place.account_id];
    for (std::size_t i = 0; i < kVerdicts; ++i) sum[i] += place.rulings.counts[i];
  }
  std::vector<std::pair<std::string, VerdictCounts>> sorted(accounts.begin(), accounts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Json json = Json::array();
  for (const auto& [account, counts] : sorted) {
    json.push_back({{"account_id", account}, {"counts", counts_json(counts)}});
  }
  return json;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string launched_at(const Resource& resource) {
  return resource.launched_at ? to_rfc3339(*resource.launched_at) : "";
}

}  // namespace

VerdictCounts ComplianceReport::counts() const {
  VerdictCounts sum{};
  for (const PlaceReport& place : places) {
    for (std::size_t i = 0; i < kVerdicts; ++i) sum[i] += place.rulings.counts[i];
  }
  return sum;
}

bool ComplianceReport::is_compliant() const {
  return std::all_of(places.begin(), places.end(), [](const PlaceReport& place) {
    return place.problems.empty() && at(place.rulings.counts, Verdict::non_compliant) == 0 &&
           at(place.rulings.counts, Verdict::unknown) == 0;
  });
}

ComplianceReport check_compliance(Context& context, const std::vector<cloud::Place>& places,
                                  const ComplianceRules& rules, std::stop_token stop) {
  ComplianceReport report;
  report.checked_at = context.clock.now();
  const Facts facts{.own_images = read_own_images(context.database),
                    .exemptions = rules.exemptions,
                    .accept_derived = rules.accept_derived,
                    .grace = rules.grace,
                    .now = report.checked_at};
  report.places = look_at_places(context, facts.own_images, places, stop);
  // Only now: a run plans its machines before it launches them.
  leave_out_own(context, report.places);
  Judge judge(facts);
  for (PlaceReport& place : report.places) place.rulings = judge.judge(place.facts);
  report.warnings = judge.warnings();
  return report;
}

std::vector<cloud::Place> known_places(Context& context) {
  cloud::Properties properties = context.cloud.properties();
  std::set<std::string> accounts = {properties.account_id};
  for (const GoldenImage& image : list_golden_images(context.database, {})) {
    for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
      accounts.insert(target.place.account_id);
    }
  }
  std::vector<cloud::Place> places;
  for (const std::string& account : accounts) {
    for (const std::string& region : properties.regions) places.push_back({account, region});
  }
  return places;
}

std::vector<ComplianceRow> rows_of(const ComplianceReport& report) {
  std::vector<ComplianceRow> rows;
  for (const PlaceReport& place : report.places) {
    for (std::size_t i = 0; i < place.rulings.of.size(); ++i) {
      rows.push_back({&place, &place.facts.resources[i], place.rulings.of[i]});
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.ruling.verdict < b.ruling.verdict;
  });
  return rows;
}

std::string compliance_csv(const ComplianceReport& report) {
  std::string text =
      "account_id,region,kind,id,version,name,state,image_id,image_key,verdict,reason,launched_at,"
      "launched_by\r\n";
  auto line = [&](std::initializer_list<std::string_view> fields) {
    const char* separator = "";
    for (std::string_view field : fields) {
      text += separator + csv_field(field);
      separator = ",";
    }
    text += "\r\n";
  };
  for (const PlaceReport& place : report.places) {
    for (const std::string& problem : place.problems) {
      line({place.facts.place.account_id, place.facts.place.region, "place", "", "", "", "", "", "",
            to_string(Verdict::unknown), problem, "", ""});
    }
  }
  for (const ComplianceRow& row : rows_of(report)) {
    const cloud::Place& place = row.place->facts.place;
    const Resource& resource = *row.resource;
    line({place.account_id, place.region, resource.kind, resource.id, resource.version,
          resource.name, resource.state, resource.image_id, *row.ruling.image_key,
          to_string(row.ruling.verdict), *row.ruling.reason, launched_at(resource),
          resource.launched_by});
  }
  return text;
}

void to_json(Json& json, const ComplianceRow& value) {
  const Resource& resource = *value.resource;
  const cloud::Place& place = value.place->facts.place;
  json = {{"kind", resource.kind},
          {"machine_id", resource.id},
          {"name", resource.name},
          {"account_id", place.account_id},
          {"region", place.region},
          {"image_id", resource.image_id},
          {"image_key", *value.ruling.image_key},
          {"state", resource.state},
          {"launched_at", launched_at(resource)},
          {"launched_by", resource.launched_by},
          {"verdict", to_string(value.ruling.verdict)},
          {"compliant", is_fine(value.ruling.verdict)},
          {"reason", *value.ruling.reason}};
  if (!resource.version.empty()) json["version"] = resource.version;
}

void to_json(Json& json, const ComplianceReport& value) {
  Json places = Json::array();
  for (const PlaceReport& place : value.places) {
    places.push_back({{"account_id", place.facts.place.account_id},
                      {"region", place.facts.place.region},
                      {"problems", place.problems},
                      {"own_machines", place.own_machines},
                      {"without_image", place.without_image},
                      {"counts", counts_json(place.rulings.counts)}});
  }
  json = {{"compliant", value.is_compliant()},
          {"checked_at", to_rfc3339(value.checked_at)},
          {"counts", counts_json(value.counts())},
          {"accounts", accounts_json(value.places)},
          {"places", std::move(places)},
          {"machines", rows_of(value)},
          {"warnings", value.warnings}};
}

}  // namespace hallmark::pipeline
