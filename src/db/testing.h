#pragma once
/// For tests: the database they are run with.

#include <string>

#include "base/files.h"

namespace hallmark::db {

/// What to open instead of a database file of a test: that file, quickly; or, if
/// HALLMARK_TEST_POSTGRESQL names a server (its URL, or a file that holds it), a database there
/// that belongs to the file's name, made empty when first asked for. The same file, the same
/// database, in every process. What belonged to directories that are gone is removed by and by.
std::string test_database_url(const Path& file);

/// The URL of that server, with another database; empty if none is named.
std::string test_server_url(const std::string& database);

}  // namespace hallmark::db
