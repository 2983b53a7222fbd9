#pragma once
/// Moves what is in one database into another: SQLite to PostgreSQL.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "db/database.h"

namespace hallmark::db {

/// Whether a password stands in the URL.
bool holds_password(const std::string& url);

struct CopiedTable {
  std::string name;
  std::int64_t rows = 0;
  std::string digest;  ///< SHA-256 over the digests of all rows, in whatever order they come
};

/// Copies every table of `from` (sqlite://) into `to` (postgresql://), which gets the schema first,
/// in one transaction: all of it or nothing. Nobody can write to `from` meanwhile; it is left as it
/// is. `check` is called before, with `from`, and may throw. Throws `usage` for other kinds of
/// database, `conflict` if something is in `to` already, `corrupt` if what arrived is not what was
/// sent: a text that PostgreSQL cannot hold.
std::vector<CopiedTable> copy_database(const std::string& from, const std::string& to,
                                       const std::function<void(Connection&)>& check);

}  // namespace hallmark::db
