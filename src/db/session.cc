#include "db/session.h"

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <list>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace hallmark::db {

namespace {

// Texts are few and fixed, but a search builds some: past this many the cache starts afresh.
constexpr std::size_t kMostPrepared = 256;

[[noreturn]] void translate_sqlite(const soci::sqlite3_soci_error& error, const std::string& name) {
  // The low byte is the primary code, the rest says more: https://www.sqlite.org/rescode.html
  const std::string message = error.get_error_message();
  switch (error.result() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Busy{message};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw Error(ErrorKind::corrupt, "{} is damaged: {}", name, message)
          .hint(
              "move it aside and restore a copy; what is readable can be had with sqlite3's "
              ".recover");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(ErrorKind::denied, "{} cannot be written: {}", name, message)
          .hint("check the owner and mode of the file and of its directory");
    case SQLITE_CONSTRAINT:
      throw Error(ErrorKind::conflict, "{} refused a change: {}", name, message);
    case SQLITE_FULL:
      throw Error(ErrorKind::unavailable, "{}: {}", name, message)
          .hint("free some space on that file system and try again");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
      throw Error(ErrorKind::unavailable, "{}: {}", name, message);
    default:
      throw Error(ErrorKind::internal, "{}: {}", name, message);
  }
}

/// libpq explains on further lines what may have happened.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

[[noreturn]] void translate(const soci::soci_error& error, const std::string& name) {
  if (auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error)) {
    translate_sqlite(*sqlite, name);
  }
  const std::string message = error.get_error_message();
  if (auto* postgresql = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
    // https://www.postgresql.org/docs/15/errcodes-appendix.html
    const std::string state = postgresql->sqlstate();
    if (state == "40001" || state == "40P01" || state == "55P03") throw Busy{message};
    if (state.starts_with("23")) {
      throw Error(ErrorKind::conflict, "{} refused a change: {}", name, message);
    }
    if (state.starts_with("25006") || state.starts_with("42501") || state.starts_with("28")) {
      throw Error(ErrorKind::denied, "{}: {}", name, message);
    }
    if (state == "53100") {
      throw Error(ErrorKind::unavailable, "{} has no space left: {}", name, message)
          .hint("free some space on the disk of the database server and try again");
    }
    // No connection, too many of them, a server that stops or starts, a transaction that the server
    // gave up because we were frozen in the middle of it; blank: the connection broke.
    if (state.starts_with("08") || state == "53300" || state.starts_with("57P") ||
        state == "25P03" || state.find_first_not_of(' ') == std::string::npos) {
      throw Away{first_line(message)};
    }
    if (state.starts_with("53") || state.starts_with("57")) {
      throw Error(ErrorKind::unavailable, "{}: {}", name, message);
    }
  }
  if (error.get_error_category() == soci::soci_error::connection_error) {
    throw Away{first_line(message)};
  }
  throw Error(ErrorKind::internal, "{}: {}", name, message);
}

[[noreturn]] void translate_refusal(const std::string& connect, const soci::soci_error& error,
                                    const std::string& name) {
  const std::string message(trim(replace_all(error.get_error_message(), "\n", " ")));
  if (PQping(connect.c_str()) != PQPING_OK) throw Away{message};
  throw Error(ErrorKind::denied, "{} refuses the connection: {}", name, message)
      .hint("see docs/operate-database.md for what the server needs to have");
}

/// SOCI reads through pointers while a statement runs: these must stay where they are.
struct Bound {
  long long integer = 0;
  double real = 0;
  std::string text;
  soci::indicator indicator = soci::i_ok;
};

/// The library does not export this class's type information, which the vptr check would ask for.
__attribute__((no_sanitize("vptr"))) sqlite_api::sqlite3_stmt* raw_sqlite_statement(
    soci::statement& statement) {
  return static_cast<soci::sqlite3_statement_backend*>(statement.get_backend())->stmt_;
}

__attribute__((no_sanitize("vptr"))) PGconn* raw_postgresql_connection(soci::session& session) {
  return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
}

void note_remark(void*, const char* text) { log_debug("PostgreSQL: {}", trim(text)); }

/// `raw` is null unless the database is SQLite.
Value cell(const soci::row& row, std::size_t i, sqlite_api::sqlite3_stmt* raw) {
  if (row.get_indicator(i) == soci::i_null) return nullptr;
  switch (row.get_properties(i).get_data_type()) {
    case soci::dt_integer:
      return std::int64_t{row.get<int>(i)};
    case soci::dt_long_long:
      return std::int64_t{row.get<long long>(i)};
    case soci::dt_unsigned_long_long:
      return static_cast<std::int64_t>(row.get<unsigned long long>(i));
    case soci::dt_double:
      return row.get<double>(i);
    default:
      break;
  }
  // An SQLite expression such as count(*) has no declared type, and SOCI hands it out as text.
  if (raw) {
    int column = static_cast<int>(i);
    switch (sqlite_api::sqlite3_column_type(raw, column)) {
      case SQLITE_INTEGER:
        return std::int64_t{sqlite_api::sqlite3_column_int64(raw, column)};
      case SQLITE_FLOAT:
        return sqlite_api::sqlite3_column_double(raw, column);
      default:
        break;
    }
  }
  return row.get<std::string>(i);
}

}  // namespace

struct Session::State {
  Backend backend;
  std::string name;
  soci::session session;
  std::unordered_map<std::string, soci::statement> prepared;
  bool notified = false;

  soci::statement& prepare(const std::string& sql) {
    auto found = prepared.find(sql);
    if (found != prepared.end()) return found->second;
    if (prepared.size() >= kMostPrepared) prepared.clear();
    soci::statement statement(session);
    statement.alloc();
    statement.prepare(sql);
    return prepared.emplace(sql, std::move(statement)).first->second;
  }

  /// Binds, runs `use` on the statement, and leaves it ready for the next time.
  template <typename Use>
  auto run(std::string_view sql_view, const std::vector<Parameter>& parameters, soci::row* row,
           Use&& use) {
    std::string sql(sql_view);
    std::list<Bound> bound;
    try {
      soci::statement& statement = prepare(sql);
      for (const Parameter& parameter : parameters) {
        Bound& b = bound.emplace_back();
        if (auto* integer = std::get_if<std::int64_t>(&parameter.value)) {
          b.integer = *integer;
          statement.exchange(soci::use(b.integer, b.indicator, parameter.name));
        } else if (auto* real = std::get_if<double>(&parameter.value)) {
          b.real = *real;
          statement.exchange(soci::use(b.real, b.indicator, parameter.name));
        } else {
          if (auto* text = std::get_if<std::string>(&parameter.value)) {
            b.text = *text;
          } else {
            b.indicator = soci::i_null;
          }
          statement.exchange(soci::use(b.text, b.indicator, parameter.name));
        }
      }
      if (row) statement.exchange(soci::into(*row));
      statement.define_and_bind();
      auto answer = use(statement);
      statement.bind_clean_up();
      return answer;
    } catch (const soci::soci_error& error) {
      prepared.erase(sql);
      translate(error, name);
    }
  }
};

Session::Session(Backend backend, const std::string& connect, std::string name)
    : state_(std::make_unique<State>()) {
  state_->backend = backend;
  state_->name = std::move(name);
  try {
    if (backend == Backend::sqlite) {
      state_->session.open(*soci::factory_sqlite3(), connect);
    } else {
      state_->session.open(*soci::factory_postgresql(), connect);
      // What the server remarks, libpq would print.
      PQsetNoticeProcessor(raw_postgresql_connection(state_->session), &note_remark, nullptr);
    }
  } catch (const soci::soci_error& error) {
    // Of a connection that was refused SOCI says neither category nor state.
    if (backend == Backend::postgresql) translate_refusal(connect, error, state_->name);
    translate(error, state_->name);
  }
}

std::optional<ServerTime> Session::server_time() {
  if (state_->backend != Backend::postgresql) return std::nullopt;
  // Of this moment, not of the start of the transaction: that may have waited for a lock.
  const Row row =
      query(
          "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now,"
          " CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000 AS BIGINT) AS started",
          {})
          .at(0);
  return ServerTime{TimePoint(Duration(row.integer("now"))),
                    TimePoint(Duration(row.integer("started")))};
}

std::string_view Session::skip_locked() const {
  return state_->backend == Backend::postgresql ? " FOR UPDATE SKIP LOCKED" : "";
}

void Session::notify() {
  if (state_->notified) return;
  state_->notified = true;
  if (state_->backend == Backend::postgresql) execute("NOTIFY hallmark", {});
}

bool Session::take_notified() { return std::exchange(state_->notified, false); }

Session::~Session() {
  // Statements refer to the session and must go first.
  state_->prepared.clear();
}

std::vector<Row> Session::query(std::string_view sql, const std::vector<Parameter>& parameters) {
  soci::row row;
  return state_->run(sql, parameters, &row, [&](soci::statement& statement) {
    std::vector<Row> rows;
    std::shared_ptr<const std::vector<std::string>> columns;
    sqlite_api::sqlite3_stmt* raw =
        state_->backend == Backend::sqlite ? raw_sqlite_statement(statement) : nullptr;
    for (bool more = statement.execute(true); more; more = statement.fetch()) {
      if (!columns) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < row.size(); ++i)
          names.push_back(row.get_properties(i).get_name());
        columns = std::make_shared<const std::vector<std::string>>(std::move(names));
      }
      std::vector<Value> values;
      values.reserve(row.size());
      for (std::size_t i = 0; i < row.size(); ++i) {
        values.push_back(cell(row, i, raw));
      }
      rows.emplace_back(columns, std::move(values));
    }
    return rows;
  });
}

std::int64_t Session::execute(std::string_view sql, const std::vector<Parameter>& parameters) {
  return state_->run(sql, parameters, nullptr, [](soci::statement& statement) {
    statement.execute(true);
    return std::int64_t{statement.get_affected_rows()};
  });
}

void Session::execute_script(std::string_view sql) {
  for (const std::string& statement : split_statements(sql)) execute(statement, {});
  // Statements that change the schema are not met again.
  state_->prepared.clear();
}

std::vector<std::string> split_statements(std::string_view sql) {
  std::vector<std::string> statements;
  std::string current;
  auto finish = [&] {
    std::size_t from = current.find_first_not_of(" \t\r\n");
    if (from != std::string::npos) {
      statements.push_back(current.substr(from, current.find_last_not_of(" \t\r\n") + 1 - from));
    }
    current.clear();
  };
  for (std::size_t i = 0; i < sql.size(); ++i) {
    char c = sql[i];
    if (c == '\'' || c == '"') {
      // A doubled quote inside is two quoted pieces in a row, which comes to the same text.
      std::size_t end = std::min(sql.find(c, i + 1), sql.size() - 1);
      current += sql.substr(i, end + 1 - i);
      i = end;
    } else if (sql.substr(i, 2) == "--") {
      i = std::min(sql.find('\n', i), sql.size()) - 1;
    } else if (c == ';') {
      finish();
    } else {
      current += c;
    }
  }
  finish();
  return statements;
}

SessionPool::SessionPool(std::size_t most, std::function<std::unique_ptr<Session>()> make)
    : most_(most), make_(std::move(make)) {}

std::unique_ptr<Session> SessionPool::take() {
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return !idle_.empty() || made_ < most_; });
    if (!idle_.empty()) {
      std::unique_ptr<Session> session = std::move(idle_.back());
      idle_.pop_back();
      return session;
    }
    ++made_;
  }
  try {
    return make_();
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void SessionPool::forget_idle() {
  std::vector<std::unique_ptr<Session>> closed;
  std::lock_guard lock(mutex_);
  made_ -= idle_.size();
  closed.swap(idle_);
  returned_.notify_all();
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
  std::lock_guard lock(mutex_);
  if (session) {
    idle_.push_back(std::move(session));
  } else {
    --made_;
  }
  returned_.notify_one();
}

}  // namespace hallmark::db
