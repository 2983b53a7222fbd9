#include "db/database.h"

#include <algorithm>

#include "base/error.h"
#include "db/opening.h"
#include "db/session.h"

namespace hallmark::db {

namespace {

// PostgreSQL runs this many transactions of one process side by side; the rest queue.
constexpr std::size_t kMostSessions = 16;

/// Both pools have their limits, so a transaction inside another could wait for itself for ever.
thread_local bool inside_transaction = false;

class SociDatabase final : public Database {
 public:
  struct Kind {
    std::string name, begin_write, begin_read;
    std::size_t most_writers;
    std::function<std::unique_ptr<Session>()> connect;
  };

  explicit SociDatabase(Kind kind)
      : kind_(std::move(kind)),
        writers_(kind_.most_writers, kind_.connect),
        readers_(kMostSessions, kind_.connect) {}

  void transaction(const std::function<void(Connection&)>& fn) override {
    run(writers_, kind_.begin_write, fn);
  }
  void read(const std::function<void(Connection&)>& fn) override {
    run(readers_, kind_.begin_read, fn);
  }

 private:
  void run(SessionPool& pool, const std::string& begin,
           const std::function<void(Connection&)>& fn) {
    if (inside_transaction) {
      throw Error(ErrorKind::internal, "a database transaction was started inside another");
    }
    while_busy(kind_.name, [&] {
      std::unique_ptr<Session> session = pool.take();
      inside_transaction = true;
      try {
        session->execute(begin, {});
        fn(*session);
        session->execute("COMMIT", {});
      } catch (...) {
        inside_transaction = false;
        pool.give_back(rolled_back(std::move(session)));
        throw;
      }
      inside_transaction = false;
      pool.give_back(std::move(session));
    });
  }

  /// The session, fit for more, or null if its connection is of no more use.
  static std::unique_ptr<Session> rolled_back(std::unique_ptr<Session> session) {
    try {
      session->execute("ROLLBACK", {});
      return session;
    } catch (const Error&) {
    } catch (const Busy&) {
    }
    return nullptr;
  }

  const Kind kind_;
  SessionPool writers_;
  SessionPool readers_;
};

}  // namespace

std::unique_ptr<Database> Database::open(const std::string& url) {
  if (url.starts_with("sqlite://")) {
    SqliteLocation location = parse_sqlite_url(url);
    prepare_sqlite(location);
    // SQLite has one writer at a time anyway; queueing for one session is fairer than its busy
    // wait.
    return std::make_unique<SociDatabase>(
        SociDatabase::Kind{"the database " + location.path.string(), "BEGIN IMMEDIATE", "BEGIN", 1,
                           [location] { return connect_sqlite(location); }});
  }
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    prepare_postgresql(url);
    return std::make_unique<SociDatabase>(
        SociDatabase::Kind{"the PostgreSQL database", "BEGIN ISOLATION LEVEL SERIALIZABLE",
                           "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", kMostSessions,
                           [url] { return connect_postgresql(url); }});
  }
  throw Error(ErrorKind::usage, "\"{}\" is not a database URL", url)
      .hint("write sqlite:///path/to/file or postgresql://host/database");
}

const Value& Row::value(std::string_view column) const {
  auto at = std::find(columns_->begin(), columns_->end(), column);
  if (at == columns_->end()) {
    throw Error(ErrorKind::internal, "the statement has no column \"{}\"", column);
  }
  return values_[static_cast<std::size_t>(at - columns_->begin())];
}

std::optional<std::string> Row::optional_text(std::string_view column) const {
  const Value& found = value(column);
  if (std::holds_alternative<std::nullptr_t>(found)) return std::nullopt;
  if (auto* text = std::get_if<std::string>(&found)) return *text;
  throw Error(ErrorKind::corrupt, "column \"{}\" of the database does not hold text", column);
}

std::optional<std::int64_t> Row::optional_integer(std::string_view column) const {
  const Value& found = value(column);
  if (std::holds_alternative<std::nullptr_t>(found)) return std::nullopt;
  if (auto* integer = std::get_if<std::int64_t>(&found)) return *integer;
  throw Error(ErrorKind::corrupt, "column \"{}\" of the database does not hold an integer", column);
}

std::string Row::text(std::string_view column) const {
  if (auto found = optional_text(column)) return *std::move(found);
  throw Error(ErrorKind::corrupt, "column \"{}\" of the database is empty", column);
}

std::int64_t Row::integer(std::string_view column) const {
  if (auto found = optional_integer(column)) return *found;
  throw Error(ErrorKind::corrupt, "column \"{}\" of the database is empty", column);
}

}  // namespace hallmark::db
