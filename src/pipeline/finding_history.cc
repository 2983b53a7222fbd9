#include "pipeline/finding_history.h"

#include <algorithm>

#include "pipeline/day.h"

namespace hallmark::pipeline {

namespace {

constexpr Duration kDay{24 * 3600'000LL};

long long day_number(TimePoint time) { return time.time_since_epoch() / kDay; }

}  // namespace

std::vector<FindingDay> findings_by_day(const std::vector<FindingAge>& ages, int days,
                                        TimePoint now) {
  const long long first = day_number(now) - days + 1;
  const auto index = [&](TimePoint time) {
    return static_cast<std::size_t>(std::clamp<long long>(day_number(time) - first, 0, days));
  };
  // By how much it changes on each day; summed up below.
  std::map<model::Severity, std::vector<int>, std::greater<>> changes;
  for (const FindingAge& age : ages) {
    auto& of = changes.try_emplace(age.severity, std::size_t(days) + 1, 0).first->second;
    ++of[index(age.first_seen_at)];
    if (age.fixed_at) --of[index(*age.fixed_at)];
  }
  std::vector<FindingDay> history;
  CountsBySeverity open;
  for (std::size_t i = 0; i < static_cast<std::size_t>(days); ++i) {
    for (const auto& [severity, of] : changes) open[severity] += of[i];
    FindingDay day{.day = day_of(now - kDay * (days - 1 - static_cast<int>(i)))};
    std::copy_if(open.begin(), open.end(), std::inserter(day.open, day.open.end()),
                 [](const auto& each) { return each.second > 0; });
    history.push_back(std::move(day));
  }
  return history;
}

Json finding_history(const std::vector<FindingAge>& ages, int days, TimePoint now) {
  std::map<std::string, std::vector<FindingAge>> products;
  for (const FindingAge& age : ages) products[age.product + "/" + age.os].push_back(age);
  Json json = {{"all", findings_by_day(ages, days, now)}, {"products", Json::array()}};
  for (const auto& [product, of] : products) {
    json["products"].push_back({{"product", product}, {"days", findings_by_day(of, days, now)}});
  }
  return json;
}

void to_json(Json& json, const FindingDay& value) {
  json = {{"day", value.day}, {"open", Json::object()}};
  for (const auto& [severity, count] : value.open) {
    json["open"][std::string(model::to_string(severity))] = count;
  }
}

}  // namespace hallmark::pipeline
