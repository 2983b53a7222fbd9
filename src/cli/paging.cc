#include "cli/paging.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hallmark::cli {

std::vector<OptionSpec> page_options() {
  return {{kLimit, "COUNT",
           fmt::format("at most so many, up to {}; all if left out, and {} from the API",
                       kLongestPage, kUsualPage)},
          {kAfter, "NEXT", "go on after the page that said this as \"next\""}};
}

OptionSpec product_option() {
  return {kProduct, "PATTERN", "of that product, such as Web-1.0 or Web-*", true};
}

bool is_paged(const Command& command) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [](const OptionSpec& option) { return option.name == kLimit; });
}

db::Page page_of(const Arguments& arguments) {
  db::Page page{.limit = std::nullopt, .after = arguments.value_or(kAfter, "")};
  if (const auto text = arguments.value(kLimit)) {
    std::int64_t limit = 0;
    const char* end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, limit);
    if (read.ec != std::errc() || read.ptr != end || limit < 1 || limit > kLongestPage) {
      throw Error(ErrorKind::usage, "\"{}\" is no size of a page", *text)
          .hint(fmt::format("give a number from 1 to {}", kLongestPage));
    }
    page.limit = limit;
  }
  return page;
}

Json page_record(const std::string& name, Json rows, const std::string& next) {
  Json record = {{name, std::move(rows)}};
  if (!next.empty()) record[kNext] = next;
  return record;
}

void render_next(const Json& record, App& app) {
  if (!record.contains(kNext)) return;
  app.err.stream << "there is more: " << kAfter << ' ' << record.at(kNext).get<std::string>()
                 << '\n';
}

}  // namespace hallmark::cli
