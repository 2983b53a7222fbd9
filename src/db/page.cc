#include "db/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"

namespace hallmark::db {

namespace {

/// Longer than any that is given out.
constexpr std::size_t kLongestCursor = 4096;

std::string escaped(char c) {
  const bool special = c == '%' || c == '_' || c == '!';
  return special ? std::string{'!', c} : std::string(1, c);
}

/// As LIKE takes it, with "!" before what stands for itself.
std::string like_of(const std::string& pattern) {
  std::string like;
  for (char c : pattern) {
    if (c == '*') {
      like += '%';
    } else if (c == '?') {
      like += '_';
    } else {
      like += escaped(c);
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
std::string page_of(const Listing& listing, const std::string& columns, const std::string& order) {
  std::vector<std::string> branches;
  const std::size_t count = std::max<std::size_t>(listing.states.size(), 1);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> conditions = listing.conditions;
    if (!listing.states.empty()) {
      conditions.push_back(fmt::format("{} = :page_state{}", listing.state, i));
    }
    branches.push_back(
        fmt::format("select * from (select {} from {}{}{} limit :page_most) as branch{}", columns,
                    listing.table, where(conditions), order, i));
  }
  return fmt::format("select * from ({}) as branches{} limit :page_most",
                     join(branches, " union all "), order);
}

/// All columns of the page's rows.
std::string rows_of_page(const Listing& listing, const std::string& order) {
  if (!listing.look_up) return page_of(listing, listing.columns, order);
  const std::string& id = listing.keys.back();
  return fmt::format("select {} from {} where {} in (select {} from ({}) as page){}",
                     listing.columns, listing.table, id, id,
                     page_of(listing, join(listing.keys, ", "), order), order);
}

std::string all_rows(const Listing& listing, const std::string& order) {
  std::vector<std::string> conditions = listing.conditions;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < listing.states.size(); ++i) {
    names.push_back(fmt::format(":page_state{}", i));
  }
  if (!names.empty()) conditions.push_back(listing.state + " in (" + join(names, ", ") + ")");
  return "select " + listing.columns + " from " + listing.table + where(conditions) + order;
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

void require_beginning(Listing& listing, const std::string& column, const std::string& beginning) {
  std::string like;
  for (char c : beginning) like += escaped(c);
  const std::string name = fmt::format("fit{}", listing.parameters.size());
  listing.conditions.push_back(fmt::format("{} like :{} escape '!'", column, name));
  listing.parameters.push_back({name, like + "%"});
}

Listed list_newest(Connection& connection, const Listing& given, const Page& page) {
  Listing listing = given;
  // Twice the same would be the same rows twice.
  std::sort(listing.states.begin(), listing.states.end());
  listing.states.erase(std::unique(listing.states.begin(), listing.states.end()),
                       listing.states.end());
  for (std::size_t i = 0; i < listing.states.size(); ++i) {
    listing.parameters.push_back({fmt::format("page_state{}", i), listing.states[i]});
  }
  if (!page.after.empty()) {
    const std::vector<std::string> after = keys_of(page.after, listing.keys.size());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < after.size(); ++i) {
      names.push_back(fmt::format(":page_key{}", i));
      listing.parameters.push_back({fmt::format("page_key{}", i), after[i]});
    }
    listing.conditions.push_back("(" + join(listing.keys, ", ") + ") < (" + join(names, ", ") +
                                 ")");
  }
  const std::string order = " order by " + join(listing.keys, " desc, ") + " desc";
  // One more than is shown says whether there is more.
  if (page.limit) listing.parameters.push_back({"page_most", *page.limit + 1});
  Listed listed{
      .rows = connection.query(page.limit ? rows_of_page(listing, order) : all_rows(listing, order),
                               listing.parameters),
      .next = ""};
  if (page.limit && static_cast<std::int64_t>(listed.rows.size()) > *page.limit) {
    listed.rows.pop_back();
    std::vector<std::string> last;
    for (const std::string& key : listing.keys) last.push_back(listed.rows.back().text(key));
    listed.next = cursor_of(last);
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
