#pragma once
/// What one process at a time is to do, of all that share a database: the reaper's round and the
/// like. A lease in the database, by the database's time; unlike an advisory lock of PostgreSQL's
/// it passes on when whoever holds it is frozen, and it is the same on SQLite.

#include <string>

#include "workflow/lease.h"

namespace hallmark::workflow {

class Duty {
 public:
  /// `term`: who has not asked for so long has lost it.
  Duty(db::Database& database, Clock& clock, std::string name, Duration term);
  /// Gives it up, if the database can be reached.
  ~Duty();
  Duty(const Duty&) = delete;
  Duty& operator=(const Duty&) = delete;

  /// Takes or keeps it; false if another one has it. Ask before each round, more often than `term`.
  bool mine();

 private:
  db::Database& database_;
  Clock& clock_;
  const std::string name_;
  const Duration term_;
  LeaseIdentity identity_;
};

}  // namespace hallmark::workflow
