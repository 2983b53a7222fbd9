#pragma once
/// How a session to each kind of database is made and checked. Private to db/.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "db/session.h"

namespace hallmark::db {

/// The embedded files of migrations/, by name.
const std::vector<std::pair<std::string_view, std::string_view>>& migration_files();

/// "HMRK": tells our SQLite files from those of other programs.
inline constexpr std::int64_t kApplicationId = 0x484d524b;

struct SqliteLocation {
  Path path;
  std::string synchronous = "FULL";
};
/// Throws `usage`.
SqliteLocation parse_sqlite_url(const std::string& url);
/// A session with our settings; changes nothing in the file.
std::unique_ptr<Session> connect_sqlite(const SqliteLocation& location);
/// Checks the file before and after connecting, makes it ours if it is new, and brings its schema
/// up to date. Throws as Database::open says.
void prepare_sqlite(const SqliteLocation& location);

/// The URL as "key=value ..", with what we want of each connection. Throws `usage`, telling no
/// password.
std::string connection_words(const std::string& url);
enum class Use { reading, writing };
std::unique_ptr<Session> connect_postgresql(const std::string& url, Use use);
void prepare_postgresql(const std::string& url);

/// Applies what is missing. `lock` is run first in each transaction, which `begin` starts. Throws
/// `conflict` if a newer Hallmark was here.
void migrate(Session& session, const std::string& name, const std::string& begin,
             const std::string& lock);

// PostgreSQL's minor upgrades and failovers are over by then.
inline constexpr Duration kPatience = std::chrono::minutes(2);
/// Runs `fn` again while it throws Busy, for a minute, or Away, for as long as this thread's
/// Patience says or else `patient`, with growing pauses, then throws `unavailable`.
void while_busy(const std::string& name, const std::function<void()>& fn,
                Duration patient = kPatience);

}  // namespace hallmark::db
