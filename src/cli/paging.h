#pragma once
/// Lists a page at a time: --limit and --after, and what says that there is more.

#include "cli/app.h"
#include "cli/command.h"
#include "db/page.h"

namespace hallmark::cli {

inline constexpr const char* kLimit = "--limit";
inline constexpr const char* kAfter = "--after";
/// In records: what --after takes for the rows that follow.
inline constexpr const char* kNext = "next";
/// A page that nobody asked the size of, where not all is answered; and the longest.
inline constexpr std::int64_t kUsualPage = 200;
inline constexpr std::int64_t kLongestPage = 1000;

std::vector<OptionSpec> page_options();
/// "--product PATTERN", for lists of things that are of products. A server adds what the caller may
/// see.
OptionSpec product_option();
inline constexpr const char* kProduct = "--product";

/// Whether the command takes these.
bool is_paged(const Command& command);
/// Throws `usage`.
db::Page page_of(const Arguments& arguments);
/// The record of a list; with `next` if there is more.
Json page_record(const std::string& name, Json rows, const std::string& next);
/// Tells people that there is more.
void render_next(const Json& record, App& app);

}  // namespace hallmark::cli
