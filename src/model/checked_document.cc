#include "model/checked_document.h"

#include "model/schema_check.h"

namespace hallmark::model {

std::optional<YamlDocument> read_checked(std::string_view text, const Json& schema,
                                         std::vector<Problem>& problems) {
  YamlDocument document = read_yaml(text, {});
  const std::size_t before = problems.size();
  problems.insert(problems.end(), document.problems.begin(), document.problems.end());
  if (problems.size() > before) return std::nullopt;
  for (SchemaProblem& wrong : check_schema(schema, document.json)) {
    Position place =
        wrong.about_key ? document.key_place_of(wrong.address) : document.place_of(wrong.address);
    problems.push_back({place, path_text(document.json, wrong.address), std::move(wrong.message),
                        std::move(wrong.hint)});
  }
  if (problems.size() > before) return std::nullopt;
  return document;
}

TimePoint end_of(const std::string& date) {
  const bool is_day = date.size() == 10;
  TimePoint time = from_rfc3339(is_day ? date + "T00:00:00Z" : date);
  return is_day ? time + std::chrono::hours(24) : time;
}

std::string last_day_of(TimePoint end) { return to_rfc3339(end - Duration{1}).substr(0, 10); }

}  // namespace hallmark::model
