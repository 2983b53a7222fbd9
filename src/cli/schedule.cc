/// hallmark schedule next: when an expression is due. What config.yaml schedules: schedule_run.cc.

#include "schedule/expression.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "cli/nouns.h"

namespace hallmark::cli {

namespace {

constexpr int kMostTimes = 1000;

int count_of(const std::string& text) {
  int count = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failure != std::errc() || end != text.data() + text.size() || count < 1 ||
      count > kMostTimes) {
    throw Error(ErrorKind::usage, "--count is \"{}\"", text)
        .hint(fmt::format("write a number from 1 to {}", kMostTimes));
  }
  return count;
}

TimePoint time_of(const std::string& text) {
  try {
    return from_rfc3339(text);
  } catch (const Error& e) {
    throw Error(ErrorKind::usage, "--from: {}", e.message())
        .hint("write it as 2026-11-23T00:00:00Z");
  }
}

Outcome next(App& app, const Arguments& arguments) {
  const schedule::Expression expression = schedule::parse(arguments.value_or("EXPRESSION", ""),
                                                          arguments.value_or("--time-zone", "UTC"));
  const int count = count_of(arguments.value_or("--count", "5"));
  const std::string given = arguments.value_or("--from", "");
  const TimePoint from = given.empty() ? app.clock.now() : time_of(given);
  Json times = Json::array();
  TimePoint after = from;
  while (static_cast<int>(times.size()) < count) {
    const std::optional<TimePoint> due = schedule::next(expression, after, from);
    if (!due) break;
    times.push_back(to_rfc3339(*due));
    after = *due;
  }
  return {{{"expression", expression.text},
           {"time_zone", expression.time_zone},
           {"means", schedule::describe(expression)},
           {"from", to_rfc3339(from)},
           {"times", times}}};
}

void render_next(const Json& record, App& app) {
  app.out.stream << record.at("means").get<std::string>() << '\n';
  for (const Json& time : record.at("times")) {
    app.out.stream << "  " << time.get<std::string>() << '\n';
  }
  if (record.at("times").empty()) app.err.stream << "it is never due again\n";
}

}  // namespace

std::vector<Command> schedule_next_commands() {
  return {
      {.noun = "schedule",
       .verb = "next",
       .summary = "Say when a schedule's expression is due.",
       .examples = {{"hallmark schedule next 'rate(12 hours)'", "Counted from now."},
                    {"hallmark schedule next 'cron(0 3 ? * MON#1 *)' --time-zone Europe/Berlin",
                     "The first Monday of each month, whatever the clock does there."},
                    {"hallmark schedule next 'cron(30 2 L * ? 2028)' --from 2028-01-01T00:00:00Z",
                     "From another day on."}},
       .arguments = {{"EXPRESSION", "rate(..), cron(..) or at(..), as AWS writes them"}},
       .options = {{"--time-zone", "NAME", "IANA's name of it; default: UTC"},
                   {"--count", "N", "how many times, up to 1000; default: 5"},
                   {"--from", "TIME", "from then on, as 2026-11-23T00:00:00Z; default: now"}},
       .run = next,
       .render = render_next}};
}

}  // namespace hallmark::cli
