#include "cloud/memory/memory_catalog.h"

#include <algorithm>

#include "base/error.h"

namespace hallmark::cloud {

namespace {

template <typename Record>
Json table_to_json(const std::map<std::string, Record>& table) {
  Json json = Json::object();
  for (const auto& [id, record] : table) json[id] = to_json(record);
  return json;
}

template <typename Record>
std::map<std::string, Record> table_from(const Json& json, Record (*read)(const Json&)) {
  std::map<std::string, Record> table;
  for (const auto& [id, record] : json.items()) table[id] = read(record);
  return table;
}

}  // namespace

void MemoryCatalogWorld::with(const Place& place, const std::function<void(CatalogState&)>& use) {
  check_account_id(place.account_id);
  if (std::find(regions_.begin(), regions_.end(), place.region) == regions_.end()) {
    throw Error(ErrorKind::usage, "there is no region \"{}\"", place.region);
  }
  std::lock_guard lock(mutex_);
  std::optional<FileLock> file_lock;
  if (!state_file_.empty()) {
    file_lock.emplace(state_file_.string() + ".lock");
    load();
  }
  std::optional<PlannedFailure> failure = planned_failure();
  if (failure && failure->moment == FailureMoment::before) throw failure->error;
  CatalogState changed = states_[place.region];
  use(changed);
  states_[place.region] = std::move(changed);
  if (file_lock) save();
  if (failure) throw failure->error;
}

void MemoryCatalogWorld::fail(int nth, Error error, FailureMoment moment) {
  std::lock_guard lock(mutex_);
  failures_.push_back({nth, std::move(error), moment});
}

std::optional<MemoryCatalogWorld::PlannedFailure> MemoryCatalogWorld::planned_failure() {
  std::optional<PlannedFailure> due;
  for (PlannedFailure& planned : failures_) {
    if (--planned.uses_left == 0) due = planned;
  }
  std::erase_if(failures_, [](const PlannedFailure& planned) { return planned.uses_left <= 0; });
  return due;
}

void MemoryCatalogWorld::load() {
  std::optional<std::string> text = read_file_if_exists(state_file_);
  if (!text) return;
  states_.clear();
  const Json json = parse_json(*text, state_file_.string());
  for (const auto& [region, tables] : json.items()) {
    states_[region] = {
        .products = table_from(member<Json>(tables, "products"), product_record_from),
        .portfolios = table_from(member<Json>(tables, "portfolios"), portfolio_record_from),
        .provisioned = table_from(member<Json>(tables, "provisioned"), provisioned_record_from)};
  }
}

void MemoryCatalogWorld::save() const {
  Json json = Json::object();
  for (const auto& [region, state] : states_) {
    json[region] = {{"products", table_to_json(state.products)},
                    {"portfolios", table_to_json(state.portfolios)},
                    {"provisioned", table_to_json(state.provisioned)}};
  }
  write_file(state_file_, compact(json));
}

std::vector<std::string> MemoryCatalogWorld::leftovers() {
  std::lock_guard lock(mutex_);
  if (!state_file_.empty()) load();
  std::vector<std::string> lines;
  for (const auto& [region, state] : states_) {
    for (const auto& [id, record] : state.products) {
      for (const VersionRecord& version : record.versions) {
        lines.push_back(fmt::format("product {} version {} in {}/{}", record.product.name,
                                    version.version.name, record.product.owner_id, region));
      }
    }
    for (const auto& [id, record] : state.portfolios) {
      lines.push_back(fmt::format("portfolio {} in {}/{}", record.portfolio.name,
                                  record.portfolio.owner_id, region));
    }
    for (const auto& [id, record] : state.provisioned) {
      lines.push_back(fmt::format("provisioned product {} in {}/{}", record.provisioned.name,
                                  record.account_id, region));
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace hallmark::cloud
