#include "db/opening.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::db {

namespace {

// quick_check reads the whole file. Up to here that takes well under a second; damage in a bigger
// one is found when the damaged page is read.
constexpr std::uintmax_t kCheckedUpTo = 64u << 20;

Error not_ours(const std::string& name, const std::string& why) {
  return Error(ErrorKind::corrupt, "{} is not a Hallmark database: {}", name, why)
      .hint("name another file with --state, or move this one away; it was left as it is");
}

std::string describe(const Path& path) { return "the database " + path.string(); }

void check_writable(const Path& path) {
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) return;
  if (errno != EACCES && errno != EROFS && errno != EPERM) {
    throw_errno(errno, "cannot open " + describe(path));
  }
  bool read_only_disk = errno == EROFS;
  throw Error(ErrorKind::denied, "{} cannot be written{}", path.string(),
              read_only_disk ? ": its file system is read-only" : "")
      .hint("the state database and its directory must be writable by the user that runs hallmark");
}

void check_file(const Path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) throw_errno(errno, "cannot open " + describe(path));
    if (path.has_parent_path()) make_directories(path.parent_path());
    check_writable(path.has_parent_path() ? path.parent_path() : Path("."));
    return;
  }
  if (!S_ISREG(status.st_mode)) throw not_ours(path.string(), "it is not a regular file");
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_errno(errno, "cannot read " + describe(path));
  // Every SQLite file starts with these 16 bytes, the NUL included:
  // https://www.sqlite.org/fileformat.html
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  char header[16];
  ssize_t got = ::pread(fd.get(), header, sizeof header, 0);
  if (got > 0 && std::string_view(header, static_cast<std::size_t>(got)) != kMagic) {
    throw not_ours(path.string(), "it is no SQLite file");
  }
  check_writable(path);
  check_writable(path.has_parent_path() ? path.parent_path() : Path("."));
}

std::int64_t single_integer(Session& session, std::string_view sql, std::string_view column) {
  return session.query(sql, {}).at(0).integer(column);
}

enum class Owner { nobody, hallmark, another_program };

/// What it finds is of one moment only inside a transaction: another process may be just about to
/// make a blank file ours.
Owner owner_of(Session& session) {
  std::int64_t id = single_integer(session, "PRAGMA application_id", "application_id");
  if (id == kApplicationId) return Owner::hallmark;
  bool blank = id == 0 && single_integer(session, "SELECT COUNT(*) AS tables FROM sqlite_master",
                                         "tables") == 0;
  return blank ? Owner::nobody : Owner::another_program;
}

void in_transaction(Session& session, const std::string& begin, const std::function<void()>& fn) {
  session.execute(begin, {});
  try {
    fn();
    session.execute("COMMIT", {});
  } catch (...) {
    session.execute("ROLLBACK", {});
    throw;
  }
}

void check_pages(Session& session, const SqliteLocation& location) {
  std::error_code ignored;
  if (std::filesystem::file_size(location.path, ignored) > kCheckedUpTo) return;
  std::string found = session.query("PRAGMA quick_check(1)", {}).at(0).text("quick_check");
  if (found == "ok") return;
  throw Error(ErrorKind::corrupt, "{} is damaged: {}", describe(location.path), found)
      .hint(
          "move it aside and restore a copy; what is readable can be had with sqlite3's .recover");
}

void claim_blank(Session& session) {
  in_transaction(session, "BEGIN IMMEDIATE", [&] {
    // Another process may have been first.
    if (owner_of(session) != Owner::nobody) return;
    session.execute("PRAGMA application_id = " + std::to_string(kApplicationId), {});
    session.execute(
        "CREATE TABLE migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT "
        "NOT NULL)",
        {});
  });
}

}  // namespace

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all = [] {
    std::vector<Migration> made;
    for (const auto& [file, sql] : migration_files()) {
      // NNN_name.sql
      made.push_back({std::stoi(std::string(file.substr(0, 3))), file, sql});
    }
    return made;
  }();
  return all;
}

void migrate(Session& session, const std::string& name, const std::string& begin,
             const std::string& lock) {
  auto newest_applied = [&] {
    return single_integer(session, "SELECT COALESCE(MAX(number), 0) AS newest FROM migrations",
                          "newest");
  };
  const int newest_known = migrations().back().number;
  auto refuse_newer = [&](std::int64_t applied) {
    if (applied <= newest_known) return;
    throw Error(ErrorKind::conflict,
                "{} was made by a newer Hallmark (schema {}, this one knows {})", name, applied,
                newest_known)
        .hint("use that newer version of hallmark; the database was left as it is");
  };
  std::int64_t applied = newest_applied();
  refuse_newer(applied);
  for (const Migration& migration : migrations()) {
    if (migration.number <= applied) continue;
    in_transaction(session, begin, [&] {
      if (!lock.empty()) session.query(lock, {});
      std::int64_t now_applied = newest_applied();
      refuse_newer(now_applied);
      if (now_applied >= migration.number) return;
      session.execute_script(migration.sql);
      session.execute(
          "INSERT INTO migrations (number, name, applied_at) VALUES (:number, :name, :at)",
          {{"number", std::int64_t{migration.number}},
           {"name", std::string(migration.name)},
           {"at", to_rfc3339(SystemClock().now())}});
    });
  }
}

SqliteLocation parse_sqlite_url(const std::string& url) {
  SqliteLocation location;
  std::string rest = url.substr(std::string_view("sqlite://").size());
  constexpr std::string_view kOption = "?synchronous=";
  if (std::size_t at = rest.rfind(kOption); at != std::string::npos) {
    location.synchronous = rest.substr(at + kOption.size());
    rest.resize(at);
    if (location.synchronous != "off" && location.synchronous != "normal" &&
        location.synchronous != "full") {
      throw Error(ErrorKind::usage, "unknown synchronous mode in database URL \"{}\"", url)
          .hint("write off, normal or full");
    }
  }
  location.path = rest;
  // SOCI takes the path in double quotes and knows no way to write one inside.
  if (!location.path.is_absolute() || rest.find('"') != std::string::npos) {
    throw Error(ErrorKind::usage, "\"{}\" does not name a database file", url)
        .hint("write sqlite:///absolute/path/to/file");
  }
  return location;
}

std::unique_ptr<Session> connect_sqlite(const SqliteLocation& location) {
  // timeout, in seconds: how long SQLite itself waits for a lock before it says busy.
  auto session = std::make_unique<Session>(
      Backend::sqlite, "db=\"" + location.path.string() + "\" timeout=10", describe(location.path));
  session->execute("PRAGMA foreign_keys = ON", {});
  // LIKE says the same as on PostgreSQL, and can use an index.
  session->execute("PRAGMA case_sensitive_like = ON", {});
  // FULL syncs the log at each commit: what was committed survives a power cut, not only a crash.
  session->execute("PRAGMA synchronous = " + location.synchronous, {});
  return session;
}

void prepare_sqlite(const SqliteLocation& location) {
  check_file(location.path);
  const std::string name = describe(location.path);
  while_busy(name, [&] {
    std::unique_ptr<Session> session = connect_sqlite(location);
    Owner owner{};
    in_transaction(*session, "BEGIN", [&] { owner = owner_of(*session); });
    if (owner == Owner::another_program) {
      throw not_ours(location.path.string(), "it is an SQLite file of another program");
    }
    check_pages(*session, location);
    if (owner == Owner::nobody) claim_blank(*session);
    // A log instead of a rollback journal: readers and the writer do not wait for each other.
    session->query("PRAGMA journal_mode = WAL", {});
    migrate(*session, name, "BEGIN IMMEDIATE", "");
  });
}

}  // namespace hallmark::db
