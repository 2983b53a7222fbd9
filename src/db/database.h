#pragma once
/// The one SQL door. SOCI lives behind it; the rest of the house sees statements, rows and
/// transactions. Statements must be valid on SQLite and PostgreSQL alike.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/files.h"

namespace hallmark::db {

/// NULL, integer, real, or text (also for times, as RFC 3339, and JSON).
using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

struct Parameter {
  std::string name;  ///< without the colon
  Value value;
};

class Row {
 public:
  Row(std::shared_ptr<const std::vector<std::string>> columns, std::vector<Value> values)
      : columns_(std::move(columns)), values_(std::move(values)) {}
  /// Throw `internal` if there is no such column, `corrupt` if it is NULL or of another type.
  std::string text(std::string_view column) const;
  std::int64_t integer(std::string_view column) const;
  std::optional<std::string> optional_text(std::string_view column) const;
  std::optional<std::int64_t> optional_integer(std::string_view column) const;

 private:
  const Value& value(std::string_view column) const;
  std::shared_ptr<const std::vector<std::string>> columns_;
  std::vector<Value> values_;
};

/// Inside a transaction. Used by one thread.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual std::vector<Row> query(std::string_view sql,
                                 const std::vector<Parameter>& parameters) = 0;
  /// Returns the number of rows changed. Throws `conflict` on a unique or foreign-key violation.
  virtual std::int64_t execute(std::string_view sql, const std::vector<Parameter>& parameters) = 0;
};

/// One file of SQL, in order; applied once each, inside one transaction each.
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};
const std::vector<Migration>& migrations();

class Database {
 public:
  /// `sqlite:///path/to/file` or `postgresql://...`. Opens, checks and migrates. Throws `corrupt`
  /// if the file is no Hallmark database or is damaged (it is left untouched), `denied` if it
  /// cannot be written, `conflict` if a newer Hallmark made it, `unavailable`.
  /// Several processes may open a fresh file at once. Commits on SQLite survive a power cut, unless
  /// `?synchronous=off` is appended (for tests): then only the death of the process.
  static std::unique_ptr<Database> open(const std::string& url);
  virtual ~Database() = default;

  /// Runs `fn` in one write transaction, committed if it returns, rolled back if it throws.
  /// Repeated from its start if the database says busy or serialization failure, so it must have no
  /// other effects. Safe from several threads and processes.
  /// Not to be nested (`internal`).
  virtual void transaction(const std::function<void(Connection&)>& fn) = 0;
  /// The same, reading only: never waits for a writer on SQLite.
  virtual void read(const std::function<void(Connection&)>& fn) = 0;
};

}  // namespace hallmark::db
