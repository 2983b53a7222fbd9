#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/only_errors.h"
#include "schedule/expression.h"
#include "schedule/zone.h"

namespace schedule = hallmark::schedule;
using hallmark::Duration;
using hallmark::TimePoint;

namespace {

void must(bool holds) {
  if (!holds) __builtin_trap();
}

/// What is next is what has been missed by then, and nothing else.
void follow(const schedule::Expression& expression) {
  constexpr TimePoint kAnchor{std::chrono::hours{24 * 365 * 56}};
  must(!schedule::describe(expression).empty());
  TimePoint first = TimePoint::min();
  TimePoint after = first;
  for (int count = 1; count <= 5; ++count) {
    auto due = schedule::next(expression, after, kAnchor);
    if (!due) {
      must(count > 1);
      must(schedule::missed(expression, first, TimePoint::max(), kAnchor).count == count - 1);
      return;
    }
    must(*due > after);
    schedule::Missed all = schedule::missed(expression, first, *due, kAnchor);
    must(all.count == count && all.latest == *due);
    must(schedule::missed(expression, after, *due - Duration{1}, kAnchor).count == 0);
    after = *due;
  }
  schedule::Missed all = schedule::missed(expression, first, TimePoint::max(), kAnchor);
  must(all.count >= 5);
  must(!schedule::next(expression, *all.latest, kAnchor));
}

}  // namespace

/// The first byte chooses a time zone and what to put around the rest, or that it is a zone's rule.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::string_view, 4> kZones = {"UTC", "Europe/Berlin", "Pacific/Apia",
                                                      "Australia/Lord_Howe"};
  constexpr std::array<std::string_view, 3> kKinds = {"cron", "rate", "at"};
  hallmark::Chosen input = hallmark::chosen(data, size);
  hallmark::only_errors([&] {
    if (input.choice % 5 == 4) {
      schedule::shifts_of_rule(input.text, 1970, 2199);
    } else {
      std::string text(input.text);
      unsigned around = input.choice / 5 % 4;
      if (around != 0) text = fmt::format("{}({})", kKinds.at(around - 1), text);
      follow(schedule::parse(text, kZones.at(input.choice % 5)));
    }
  });
  return 0;
}
