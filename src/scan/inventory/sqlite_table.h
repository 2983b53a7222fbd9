#pragma once
/// Rows of one table of an SQLite database, read from its bytes: nothing is written, no SQL of the
/// image runs, and no byte is trusted. https://www.sqlite.org/fileformat2.html

#include <functional>
#include <string>
#include <string_view>

namespace hallmark::scan {

/// Calls `each` with the blob or text in the given column (from 0) of every row, in the order of
/// row ids. `wal` is the write-ahead log beside the database, maybe empty: what it committed
/// counts. Throws `corrupt` where a page makes no sense, what was told before stands; `not_found`
/// if there is no such table.
void read_sqlite_column(std::string_view database, std::string_view wal, std::string_view table,
                        std::size_t column, const std::function<void(std::string_view)>& each);

}  // namespace hallmark::scan
