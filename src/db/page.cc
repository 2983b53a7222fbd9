#include "db/page.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"

namespace hallmark::db {

namespace {

/// Longer than any that is given out.
constexpr std::size_t kLongestCursor = 500;

/// As LIKE takes it, with "!" before what stands for itself.
std::string like_of(const std::string& pattern) {
  std::string like;
  for (char c : pattern) {
    if (c == '*') {
      like += '%';
    } else if (c == '?') {
      like += '_';
    } else {
      if (c == '%' || c == '_' || c == '!') like += '!';
      like += c;
    }
  }
  return like;
}

void require_any(Listing& listing, const std::string& column,
                 const std::vector<std::string>& patterns, const std::string& ending) {
  std::vector<std::string> any;
  for (const std::string& pattern : patterns) {
    const bool exact = ending.empty() && pattern.find_first_of("*?") == std::string::npos;
    const std::string name = fmt::format("fit{}", listing.parameters.size());
    any.push_back(exact ? fmt::format("{} = :{}", column, name)
                        : fmt::format("{} like :{} escape '!'", column, name));
    listing.parameters.push_back({name, exact ? pattern : like_of(pattern) + ending});
    if (!ending.empty()) {
      const std::string whole = name + "whole";
      any.push_back(fmt::format("{} like :{} escape '!'", column, whole));
      listing.parameters.push_back({whole, like_of(pattern)});
    }
  }
  if (!any.empty()) listing.conditions.push_back("(" + join(any, " or ") + ")");
}

std::string where(const std::vector<std::string>& conditions) {
  return conditions.empty() ? "" : " where " + join(conditions, " and ");
}

/// Each state is looked up in the index by itself: together they would have to be sorted, all of
/// them for each page.
std::string ids_of_page(const Listing& listing, const std::string& order) {
  std::vector<std::string> branches;
  const std::size_t count = std::max<std::size_t>(listing.states.size(), 1);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> conditions = listing.conditions;
    if (!listing.states.empty()) conditions.push_back(fmt::format("state = :page_state{}", i));
    branches.push_back(fmt::format(
        "select * from (select created_at, {0} from {1}{2}{3} limit :page_most) as branch{4}",
        listing.id, listing.table, where(conditions), order, i));
  }
  return fmt::format("select {} from ({}) as branches{} limit :page_most", listing.id,
                     join(branches, " union all "), order);
}

}  // namespace

void require_fit(Listing& listing, const std::string& column,
                 const std::vector<std::string>& patterns) {
  require_any(listing, column, patterns, "");
}

void require_begin(Listing& listing, const std::string& column,
                   const std::vector<std::string>& patterns) {
  require_any(listing, column, patterns, "/%");
}

Listed list_newest(Connection& connection, const Listing& given, const Page& page) {
  Listing listing = given;
  for (std::size_t i = 0; i < listing.states.size(); ++i) {
    listing.parameters.push_back({fmt::format("page_state{}", i), listing.states[i]});
  }
  if (!page.after.empty()) {
    const std::vector<std::string> keys = keys_of(page.after, 2);
    listing.conditions.push_back(
        fmt::format("(created_at, {}) < (:page_at, :page_id)", listing.id));
    listing.parameters.push_back({"page_at", keys[0]});
    listing.parameters.push_back({"page_id", keys[1]});
  }
  const std::string order = fmt::format(" order by created_at desc, {} desc", listing.id);
  std::vector<std::string> conditions = listing.conditions;
  if (page.limit) {
    conditions = {fmt::format("{} in ({})", listing.id, ids_of_page(listing, order))};
    // One more than is shown says whether there is more.
    listing.parameters.push_back({"page_most", *page.limit + 1});
  } else if (!listing.states.empty()) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < listing.states.size(); ++i) {
      names.push_back(fmt::format(":page_state{}", i));
    }
    conditions.push_back("state in (" + join(names, ", ") + ")");
  }
  Listed listed{.rows = connection.query("select " + listing.columns + " from " + listing.table +
                                             where(conditions) + order,
                                         listing.parameters),
                .next = ""};
  if (page.limit && static_cast<std::int64_t>(listed.rows.size()) > *page.limit) {
    listed.rows.pop_back();
    listed.next =
        cursor_of({listed.rows.back().text("created_at"), listed.rows.back().text(listing.id)});
  }
  return listed;
}

std::string cursor_of(const std::vector<std::string>& keys) {
  return base64url_encode(compact(Json(keys)));
}

std::vector<std::string> keys_of(const std::string& cursor, std::size_t count) {
  try {
    if (cursor.size() <= kLongestCursor) {
      const Json keys = parse_json(base64url_decode(cursor), "the cursor");
      if (keys.is_array() && keys.size() == count) {
        return keys.get<std::vector<std::string>>();
      }
    }
  } catch (const std::exception&) {
    // Said below, whatever is wrong with it.
  }
  throw Error(ErrorKind::usage, "nothing goes on after \"{}\"", cursor.substr(0, 60))
      .hint("give what the page before said as \"next\"");
}

}  // namespace hallmark::db
