#pragma once
/// A catalog beside a MemoryCloud, for tests.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "cloud/memory/world.h"
#include "cloud/recorded_catalog.h"

namespace hallmark::cloud {

/// Outlives the catalogs that look at it.
class MemoryCatalogWorld : public CatalogStorage {
 public:
  /// With a file, the records are read from it before each use and written after each change, under
  /// a lock between processes, so that a test may end a process anywhere.
  explicit MemoryCatalogWorld(std::vector<std::string> regions, Path state_file = {})
      : regions_(std::move(regions)), state_file_(std::move(state_file)) {}

  void with(const Place& place, const std::function<void(CatalogState&)>& use) override;
  bool is_member(const std::string& unit_id, const std::string& account_id) override {
    return members && members(unit_id, account_id);
  }
  /// Whether an account is in a unit, by its id; of the world beside it.
  std::function<bool(const std::string& unit_id, const std::string& account_id)> members;
  /// The nth use of the records from now (1: the next) throws `error`. A call uses them once, a
  /// launch twice.
  void fail(int nth, Error error, FailureMoment moment = FailureMoment::before);
  /// One line for each product's version, portfolio and provisioned product there is, sorted.
  std::vector<std::string> leftovers();

 private:
  struct PlannedFailure {
    int uses_left;
    Error error;
    FailureMoment moment;
  };

  void load();
  void save() const;
  std::optional<PlannedFailure> planned_failure();

  const std::vector<std::string> regions_;
  const Path state_file_;
  std::mutex mutex_;
  std::vector<PlannedFailure> failures_;
  std::map<std::string, CatalogState> states_;  ///< by region
};

/// Launches machines of `cloud`; both `cloud` and `clock` outlive it.
class MemoryCatalog : public RecordedCatalog {
 public:
  MemoryCatalog(std::shared_ptr<MemoryCatalogWorld> world, Cloud& cloud, Clock& clock)
      : RecordedCatalog(*world, cloud, clock), world_(std::move(world)) {}

 private:
  std::shared_ptr<MemoryCatalogWorld> world_;
};

}  // namespace hallmark::cloud
