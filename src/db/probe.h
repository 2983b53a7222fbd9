#pragma once
/// Whether a database can be worked with, without changing anything in it.

#include <string>

namespace hallmark::db {

/// What it is and that it answers, for people. Throws what Database::open would, and does not wait.
/// A file that does not exist yet is fine.
std::string probe(const std::string& url);

}  // namespace hallmark::db
