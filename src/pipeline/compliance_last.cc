#include "pipeline/compliance_last.h"

#include <algorithm>
#include <map>

namespace hallmark::pipeline {

namespace {

Verdict verdict_of(const Json& machine) {
  const std::string& text = machine.at("verdict").get_ref<const std::string&>();
  for (std::size_t i = 0; i < kVerdicts; ++i) {
    if (to_string(static_cast<Verdict>(i)) == text) return static_cast<Verdict>(i);
  }
  return Verdict::unknown;
}

/// A place without its machines, as the check had it.
PlaceReport place_of(const db::Row& row, const Json& record) {
  PlaceReport place;
  place.facts.place = {row.text("account_id"), row.text("region")};
  place.problems = record.at("problems").get<std::vector<std::string>>();
  place.own_machines = record.at("own_machines");
  place.without_image = record.at("without_image");
  for (const Json& machine : record.at("machines")) {
    ++place.rulings.counts[static_cast<std::size_t>(verdict_of(machine))];
  }
  return place;
}

}  // namespace

void keep_last(db::Connection& connection, const ComplianceReport& report) {
  std::map<const PlaceReport*, Json> machines;
  for (const ComplianceRow& row : rows_of(report)) {
    machines.try_emplace(row.place, Json::array()).first->second.push_back(row);
  }
  for (const PlaceReport& place : report.places) {
    auto found = machines.find(&place);
    const Json record = {{"problems", place.problems},
                         {"own_machines", place.own_machines},
                         {"without_image", place.without_image},
                         {"machines", found == machines.end() ? Json::array() : found->second}};
    connection.execute(
        "insert into compliance_places (account_id, region, checked_at, record)"
        " values (:account_id, :region, :checked_at, :record)"
        " on conflict (account_id, region) do update set checked_at = excluded.checked_at,"
        " record = excluded.record where excluded.checked_at >= compliance_places.checked_at",
        {{"account_id", place.facts.place.account_id},
         {"region", place.facts.place.region},
         {"checked_at", to_rfc3339(report.checked_at)},
         {"record", compact(record)}});
  }
}

void forget_last(db::Connection& connection, TimePoint before) {
  connection.execute("delete from compliance_places where checked_at < :before",
                     {{"before", to_rfc3339(before)}});
}

Json last_compliance(db::Database& database,
                     const std::function<bool(const cloud::Place&)>& wanted) {
  std::vector<db::Row> rows;
  database.read([&](db::Connection& connection) {
    rows = connection.query("select * from compliance_places order by account_id, region", {});
  });
  ComplianceReport report;
  std::vector<Json> machines;
  std::vector<std::string> checked;
  for (const db::Row& row : rows) {
    if (!wanted({row.text("account_id"), row.text("region")})) continue;
    Json record = parse_json(row.text("record"), "a place's last check");
    report.places.push_back(place_of(row, record));
    checked.push_back(row.text("checked_at"));
    std::move(record.at("machines").begin(), record.at("machines").end(),
              std::back_inserter(machines));
  }
  std::stable_sort(machines.begin(), machines.end(),
                   [](const Json& a, const Json& b) { return verdict_of(a) < verdict_of(b); });
  Json last = report;
  last["machines"] = std::move(machines);
  last["checked_at"] =
      checked.empty() ? Json(nullptr) : Json(*std::max_element(checked.begin(), checked.end()));
  for (std::size_t i = 0; i < checked.size(); ++i) last["places"][i]["checked_at"] = checked[i];
  return last;
}

}  // namespace hallmark::pipeline
