#include "model/duration_json.h"

#include <fmt/format.h>

#include <array>

namespace hallmark::model {

std::string duration_text(Duration duration) {
  struct Unit {
    std::int64_t milliseconds;
    const char* name;
  };
  constexpr std::array kUnits = {Unit{3'600'000, "h"}, Unit{60'000, "m"}, Unit{1000, "s"}};
  for (const Unit& unit : kUnits) {
    if (duration.count() != 0 && duration.count() % unit.milliseconds == 0) {
      return fmt::format("{}{}", duration.count() / unit.milliseconds, unit.name);
    }
  }
  return fmt::format("{}ms", duration.count());
}

Duration duration_member(const Json& json, const char* key) {
  return parse_duration(member<std::string>(json, key));
}

}  // namespace hallmark::model
