#include "pipeline/compliance_history.h"

#include <numeric>

#include "base/text.h"
#include "pipeline/compliance_last.h"
#include "pipeline/day.h"

namespace hallmark::pipeline {

namespace {

/// As the verdicts are ordered.
constexpr std::array<const char*, kVerdicts> kColumns = {"non_compliant", "unknown", "superseded",
                                                         "derived",       "exempt",  "compliant"};

/// The first of `days` days that end with today.
std::string first_day(TimePoint now, int days) {
  return day_of(now - Duration{24 * 3600'000LL} * (days - 1));
}

}  // namespace

void record_check(db::Database& database, const ComplianceReport& report) {
  const std::string at = to_rfc3339(report.checked_at);
  database.transaction([&](db::Connection& connection) {
    for (const PlaceReport& place : report.places) {
      std::vector<db::Parameter> parameters = {{"day", day_of(report.checked_at)},
                                               {"account_id", place.facts.place.account_id},
                                               {"region", place.facts.place.region},
                                               {"checked_at", at},
                                               {"problem", join(place.problems, "; ")}};
      for (std::size_t i = 0; i < kVerdicts; ++i) {
        parameters.push_back({kColumns[i], static_cast<std::int64_t>(place.rulings.counts[i])});
      }
      connection.execute(
          "insert into compliance_checks (day, account_id, region, checked_at, problem,"
          " non_compliant, unknown, superseded, derived, exempt, compliant) values (:day,"
          " :account_id, :region, :checked_at, :problem, :non_compliant, :unknown, :superseded,"
          " :derived, :exempt, :compliant) on conflict (day, account_id, region) do update set"
          " checked_at = excluded.checked_at, problem = excluded.problem,"
          " non_compliant = excluded.non_compliant, unknown = excluded.unknown,"
          " superseded = excluded.superseded, derived = excluded.derived,"
          " exempt = excluded.exempt, compliant = excluded.compliant"
          " where excluded.checked_at >= compliance_checks.checked_at",
          parameters);
    }
    connection.execute("delete from compliance_checks where day < :first",
                       {{"first", first_day(report.checked_at, kHistoryDays)}});
    keep_last(connection, report);
    forget_last(connection, report.checked_at - Duration{24 * 3600'000LL} * kHistoryDays);
  });
}

std::size_t ComplianceDay::checked() const {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

std::size_t ComplianceDay::fine() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < kVerdicts; ++i) {
    if (is_fine(static_cast<Verdict>(i))) sum += counts[i];
  }
  return sum;
}

std::vector<ComplianceDay> compliance_trend(db::Database& database, int days, TimePoint now) {
  std::vector<ComplianceDay> trend;
  database.read([&](db::Connection& connection) {
    trend.clear();
    for (const db::Row& row :
         connection.query("select * from compliance_checks where day >= :first order by day",
                          {{"first", first_day(now, days)}})) {
      const std::string day = row.text("day");
      if (trend.empty() || trend.back().day != day) trend.push_back({.day = day});
      ComplianceDay& sum = trend.back();
      ++sum.places;
      if (!row.text("problem").empty()) ++sum.places_with_problems;
      for (std::size_t i = 0; i < kVerdicts; ++i) {
        sum.counts[i] += static_cast<std::size_t>(row.integer(kColumns[i]));
      }
    }
  });
  return trend;
}

void to_json(Json& json, const ComplianceDay& value) {
  json = {{"day", value.day},
          {"places", value.places},
          {"places_with_problems", value.places_with_problems},
          {"checked", value.checked()},
          {"fine", value.fine()}};
  for (std::size_t i = 0; i < kVerdicts; ++i) {
    json["counts"][std::string(to_string(static_cast<Verdict>(i)))] = value.counts[i];
  }
  // Of nothing there is no share.
  json["compliant_share"] =
      value.checked() == 0
          ? Json()
          : Json(static_cast<double>(value.fine()) / static_cast<double>(value.checked()));
}

}  // namespace hallmark::pipeline
