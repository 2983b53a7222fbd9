#include "db/database.h"

#include <algorithm>

#include "base/error.h"
#include "db/news.h"
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
    std::string name, begin_write, begin_committed, begin_read;
    std::size_t most_writers;
    std::function<std::unique_ptr<Session>(Use)> connect;
    std::string listen_to;  ///< connection words, if the server tells its clients
  };

  explicit SociDatabase(Kind kind)
      : kind_(std::move(kind)),
        writers_(kind_.most_writers, [this] { return kind_.connect(Use::writing); }),
        readers_(kMostSessions, [this] { return kind_.connect(Use::reading); }) {}

  void transaction(const std::function<void(Connection&)>& fn, Isolation isolation) override {
    const bool alone = isolation == Isolation::serializable;
    run(writers_, alone ? kind_.begin_write : kind_.begin_committed, fn, true);
  }
  void read(const std::function<void(Connection&)>& fn) override {
    run(readers_, kind_.begin_read, fn, false);
  }

  bool shared() const override { return !kind_.listen_to.empty(); }
  std::uint64_t news() override {
    listen();
    return news_.count();
  }
  void wait_for_news(std::uint64_t seen, Duration at_most, std::stop_token stop) override {
    listen();
    news_.wait(seen, at_most, std::move(stop));
  }

 private:
  void run(SessionPool& pool, const std::string& begin, const std::function<void(Connection&)>& fn,
           bool writes) {
    if (inside_transaction) {
      throw Error(ErrorKind::internal, "a database transaction was started inside another");
    }
    // Of a commit whose answer was lost.
    std::string in_doubt;
    while_busy(kind_.name, [&] {
      std::unique_ptr<Session> session;
      try {
        session = pool.take();
        if (!in_doubt.empty() && was_committed(*session, in_doubt)) {
          in_doubt.clear();
        } else {
          in_doubt.clear();
          try_once(*session, begin, fn, writes, in_doubt);
        }
      } catch (const Away&) {
        pool.forget_idle();
        if (session) pool.give_back(nullptr);
        throw;
      } catch (...) {
        if (session) pool.give_back(rolled_back(std::move(session)));
        throw;
      }
      if (session->take_notified()) news_.tell();
      pool.give_back(std::move(session));
    });
  }

  void try_once(Session& session, const std::string& begin,
                const std::function<void(Connection&)>& fn, bool writes, std::string& in_doubt) {
    session.take_notified();
    session.execute(begin, {});
    inside_transaction = true;
    try {
      fn(session);
    } catch (...) {
      inside_transaction = false;
      throw;
    }
    inside_transaction = false;
    std::string number;
    if (writes && shared()) {
      // Also tells of a statement that failed and whose error was swallowed: PostgreSQL would
      // answer COMMIT by rolling back, without an error.
      number = session.query("SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT) AS number", {})
                   .at(0)
                   .optional_text("number")
                   .value_or("");
    }
    in_doubt = number;
    session.execute("COMMIT", {});
    in_doubt.clear();
  }

  /// Whether the transaction of that number, whose connection is lost, came to pass.
  static bool was_committed(Session& session, const std::string& number) {
    const std::string status =
        session.query("SELECT pg_xact_status(CAST('" + number + "' AS xid8)) AS status", {})
            .at(0)
            .text("status");
    // The server has not yet noticed that nobody listens to it.
    if (status == "in progress") throw Busy{"a commit is under way"};
    return status == "committed";
  }

  /// The session, fit for more, or null if its connection is of no more use.
  static std::unique_ptr<Session> rolled_back(std::unique_ptr<Session> session) {
    try {
      session->execute("ROLLBACK", {});
      return session;
    } catch (const Error&) {
    } catch (const Busy&) {
    } catch (const Away&) {
    }
    return nullptr;
  }

  void listen() {
    if (!shared()) return;
    std::call_once(listening_, [this] { listener_.emplace(kind_.listen_to, news_); });
  }

  const Kind kind_;
  SessionPool writers_;
  SessionPool readers_;
  News news_;
  std::once_flag listening_;
  std::optional<Listener> listener_;
};

}  // namespace

std::unique_ptr<Database> Database::open(const std::string& url) {
  if (url.starts_with("sqlite://")) {
    SqliteLocation location = parse_sqlite_url(url);
    prepare_sqlite(location);
    // SQLite has one writer at a time anyway; queueing for one session is fairer than its busy
    // wait.
    return std::make_unique<SociDatabase>(
        SociDatabase::Kind{.name = "the database " + location.path.string(),
                           .begin_write = "BEGIN IMMEDIATE",
                           .begin_committed = "BEGIN IMMEDIATE",
                           .begin_read = "BEGIN",
                           .most_writers = 1,
                           .connect = [location](Use) { return connect_sqlite(location); }});
  }
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    prepare_postgresql(url);
    return std::make_unique<SociDatabase>(
        SociDatabase::Kind{.name = "the PostgreSQL database",
                           .begin_write = "BEGIN ISOLATION LEVEL SERIALIZABLE",
                           .begin_committed = "BEGIN ISOLATION LEVEL READ COMMITTED",
                           .begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                           .most_writers = kMostSessions,
                           .connect = [url](Use use) { return connect_postgresql(url, use); },
                           .listen_to = connection_words(url)});
  }
  throw Error(ErrorKind::usage, "\"{}\" is not a database URL", shown(url))
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
