#pragma once
/// What a run has in the outside world. Each external thing is written down before it is made, so
/// that after any crash somebody knows what to look for and remove.

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "db/database.h"

namespace hallmark::workflow {

enum class LedgerState { planned, created, released };

struct LedgerEntry {
  std::string entry_id;  ///< the creating step's token
  std::string run_id;
  std::string kind;         ///< "machine", "image", ... meaning belongs to the caller
  Json where;               ///< enough to find it: place and so on
  std::string external_id;  ///< once created
  LedgerState state = LedgerState::planned;
  TimePoint planned_at{};
  std::optional<TimePoint> deadline;
};

class Ledger {
 public:
  Ledger(db::Database& database, Clock& clock);
  /// Before creating. Repeating with the same entry_id is fine. Throws `conflict` if the run has
  /// ended: the caller has lost it without knowing.
  void plan(const LedgerEntry& entry);
  /// After creating. Throws `not_found` if it was never planned. If the run has ended meanwhile,
  /// the entry is open again, for the reaper.
  void created(const std::string& entry_id, const std::string& external_id);
  /// It is gone, or it has become a product that is no longer the run's to remove. Fine if
  /// repeated.
  void released(const std::string& entry_id);
  void released_external(const std::string& external_id);
  /// Everything not released, optionally of one run; oldest first.
  std::vector<LedgerEntry> open(std::optional<std::string> run_id = {});

 private:
  db::Database& database_;
  Clock& clock_;
};

}  // namespace hallmark::workflow
