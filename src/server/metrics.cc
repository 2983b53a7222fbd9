#include "server/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/counters.h"
#include "pipeline/compliance_history.h"
#include "pipeline/finding_ages.h"

namespace hallmark::server {

namespace {

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

std::string head(const std::string& name, const std::string& help, const std::string& type) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

std::string runs_text(db::Database& database, TimePoint now) {
  std::string text = head("hallmark_runs", "Runs by state.", "gauge");
  std::optional<std::string> oldest;
  database.read([&](db::Connection& connection) {
    // A state without runs is told of too: what watches a figure is not to lose it.
    std::map<std::string, std::int64_t> states = {{"pending", 0}, {"running", 0},
                                                  {"waiting", 0}, {"succeeded", 0},
                                                  {"failed", 0},  {"cancelled", 0}};
    for (const db::Row& row :
         connection.query("select state, count(*) as many from runs group by state", {})) {
      states[row.text("state")] = row.integer("many");
    }
    std::string lines;
    for (const auto& [state, many] : states) {
      lines += fmt::format("hallmark_runs{{state=\"{}\"}} {}\n", state, many);
    }
    text = head("hallmark_runs", "Runs by state.", "gauge") + lines;
    oldest = connection
                 .query(
                     "select min(case when state = 'waiting' then wake_at else updated_at end)"
                     " as since from runs where state = 'pending'"
                     " or (state = 'waiting' and wake_at <= :now)",
                     {{"now", to_rfc3339(now)}})
                 .front()
                 .optional_text("since");
  });
  text +=
      head("hallmark_queue_age_seconds", "How long the oldest run waits to be driven.", "gauge");
  const Duration age =
      oldest ? std::max(now - from_rfc3339(*oldest), Duration::zero()) : Duration::zero();
  return text + fmt::format("hallmark_queue_age_seconds {}\n", seconds(age));
}

std::string findings_text(db::Database& database, TimePoint now) {
  const auto counted = pipeline::count_open_findings(database);
  std::string text = head("hallmark_findings",
                          "Open findings of the newest active versions, waived ones too.", "gauge");
  Duration oldest{};
  for (int i = 0; i <= static_cast<int>(model::Severity::critical); ++i) {
    const auto severity = static_cast<model::Severity>(i);
    const auto found = counted.find(severity);
    const std::int64_t open = found == counted.end() ? 0 : found->second.count;
    if (open > 0) oldest = std::max(oldest, now - found->second.oldest);
    text +=
        fmt::format("hallmark_findings{{severity=\"{}\"}} {}\n", model::to_string(severity), open);
  }
  text += head("hallmark_oldest_finding_seconds", "Age of the oldest open finding.", "gauge");
  return text + fmt::format("hallmark_oldest_finding_seconds {}\n", seconds(oldest));
}

std::string compliance_text(db::Database& database, TimePoint now) {
  const auto days = pipeline::compliance_trend(database, 30, now);
  std::string text;
  if (days.empty()) return text;
  const Json last = days.back();
  text = head("hallmark_machines", "Machines by verdict, at the last compliance check.", "gauge");
  for (const auto& [verdict, many] : last.at("counts").items()) {
    text += fmt::format("hallmark_machines{{verdict=\"{}\"}} {}\n", verdict, many.dump());
  }
  return text;
}

}  // namespace

std::string metrics_text(const pipeline::Context& context, const Hub& hub, TimePoint now) {
  std::string text = runs_text(context.database, now);
  text += findings_text(context.database, now);
  text += compliance_text(context.database, now);
  text += head("hallmark_event_streams", "Open event streams.", "gauge");
  text += fmt::format("hallmark_event_streams {}\n", hub.streams());
  return text + hub.steps_text() + counters_text();
}

}  // namespace hallmark::server
