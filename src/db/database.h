#pragma once
/// The one SQL door. SOCI lives behind it; the rest of the house sees statements, rows and
/// transactions. Statements must be valid on SQLite and PostgreSQL alike.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
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

struct ServerTime {
  TimePoint now;
  TimePoint started_at;  ///< of the server: it was away until then
};

/// What a transaction sees of others.
enum class Isolation {
  serializable,  ///< as if it were alone
  /// Each statement sees what others have committed before it: for transactions that first change
  /// the one row that everybody who matters changes first, and need not be repeated then.
  committed,
};

/// Inside a transaction. Used by one thread.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual std::vector<Row> query(std::string_view sql,
                                 const std::vector<Parameter>& parameters) = 0;
  /// Returns the number of rows changed. Throws `conflict` on a unique or foreign-key violation.
  virtual std::int64_t execute(std::string_view sql, const std::vector<Parameter>& parameters) = 0;
  /// The database's own time, which all its clients share, whatever their clocks say. Nothing if it
  /// has none: then all clients are on one machine.
  virtual std::optional<ServerTime> server_time() = 0;
  /// What to append to a SELECT that takes rows for itself: those that somebody else is just
  /// changing are left out instead of waited for. Empty where there is one writer at a time.
  virtual std::string_view skip_locked() const = 0;
  /// When this is committed, whoever waits in Database::wait_for_news goes on.
  virtual void notify() = 0;
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
  /// `sqlite:///path/to/file` or `postgresql://...` (`postgres://...`). Opens, checks and migrates.
  /// Throws `corrupt` if the file is no Hallmark database or is damaged (it is left untouched),
  /// `denied` if it cannot be written, `conflict` if a newer Hallmark made it, `unavailable`.
  /// Several processes may open a fresh file at once. Commits on SQLite survive a power cut, unless
  /// `?synchronous=off` is appended (for tests): then only the death of the process.
  static std::unique_ptr<Database> open(const std::string& url);
  virtual ~Database() = default;

  /// Runs `fn` in one write transaction, committed if it returns, rolled back if it throws.
  /// Repeated from its start if the database says busy or serialization failure, or was away, so it
  /// must have no other effects. It is committed once: if the answer to the commit is lost, the
  /// database is asked what became of it. Safe from several threads and processes.
  /// Not to be nested (`internal`).
  virtual void transaction(const std::function<void(Connection&)>& fn,
                           Isolation isolation = Isolation::serializable) = 0;
  /// The same, reading only: never waits for a writer on SQLite.
  virtual void read(const std::function<void(Connection&)>& fn) = 0;

  /// Whether processes on other machines may use it too.
  virtual bool shared() const = 0;
  /// Grows when a transaction that said notify() is committed: at once if it was one of this object
  /// or the database tells its clients (PostgreSQL). A hint: it may grow for nothing, and who must
  /// not miss anything also looks now and then.
  virtual std::uint64_t news() = 0;
  /// Waits until news() has grown beyond `seen`, `at_most` (real time) has passed, or `stop`.
  virtual void wait_for_news(std::uint64_t seen, Duration at_most, std::stop_token stop) = 0;
};

/// How long transactions of this thread wait for a database that is away, as PostgreSQL is while it
/// is restarted, before they throw `unavailable`. Two minutes unless one of these lives;
/// Database::open does not wait unless one does.
class Patience {
 public:
  explicit Patience(Duration at_most);
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  const std::optional<Duration> before_;
};

/// `url` as it may be shown: without user, password and parameters.
std::string shown(std::string_view url);

}  // namespace hallmark::db
