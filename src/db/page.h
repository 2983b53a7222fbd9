#pragma once
/// Lists that are read a page at a time. A page goes on after a row, not after a number of rows:
/// the thousandth costs what the first one costs, and what is made meanwhile moves nothing.

#include <optional>
#include <string>
#include <vector>

#include "db/database.h"

namespace hallmark::db {

struct Page {
  std::optional<std::int64_t> limit;  ///< of rows; nothing: all there are
  std::string after;                  ///< `next` of the page before; empty: from the beginning
};

/// Rows of a table, newest first.
struct Listing {
  std::string table;
  /// By which they are sorted, and which no two rows have alike; the time comes first. Texts.
  std::vector<std::string> keys;
  std::string columns = "*";
  /// If the last key alone tells rows apart: the page is found in an index, then its rows are read.
  bool look_up = true;
  std::string state = "state";               ///< the column of
  std::vector<std::string> states = {};      ///< empty: any
  std::vector<std::string> conditions = {};  ///< all hold; written in our code, never by a user
  std::vector<Parameter> parameters = {};    ///< of the conditions
};

/// Rows whose `column` fits one of the patterns (with * and ?); no patterns: all.
void require_fit(Listing& listing, const std::string& column,
                 const std::vector<std::string>& patterns);
/// The same of what stands before the first "/" in `column`.
void require_begin(Listing& listing, const std::string& column,
                   const std::vector<std::string>& patterns);

/// The same of what begins so, whatever characters that has.
void require_beginning(Listing& listing, const std::string& column, const std::string& beginning);

struct Listed {
  std::vector<Row> rows;
  std::string
      next;  ///< where the next page begins, for whoever asks for it; empty: it was the last
};
/// Throws `usage` if `after` is nothing that was given as `next`.
Listed list_newest(Connection& connection, const Listing& listing, const Page& page);

/// What `next` is made of: opaque to callers, nothing is trusted in it.
std::string cursor_of(const std::vector<std::string>& keys);
std::vector<std::string> keys_of(const std::string& cursor, std::size_t count);

}  // namespace hallmark::db
