#include "cli/progress_view.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "base/log.h"
#include "cli/run_record.h"

namespace hallmark::cli {

using namespace std::chrono_literals;

namespace {

/// Often enough that seconds count up smoothly.
constexpr Duration kRedraw = 200ms;
/// Where no line can be rewritten, a step that takes long is spoken of this often, so that nobody
/// thinks the program hangs; and not more often than the shorter one when its news change.
constexpr Duration kStillAtIt = 30s;
constexpr Duration kBetweenNews = 5s;
constexpr std::array<const char*, 4> kFrames = {"-", "\\", "|", "/"};

std::string percent(const std::optional<double>& fraction) {
  return fraction ? fmt::format(" {:.0f}%", *fraction * 100) : "";
}

}  // namespace

ProgressView::ProgressView(App& app, bool logs) : app_(app), logs_(logs) {
  if (app_.json) return;
  ticker_ = std::jthread([this](std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      wake_.wait_for(lock, stop, kRedraw, [] { return false; });
      if (!stop.stop_requested()) tick();
    }
  });
}

ProgressView::~ProgressView() {
  if (ticker_.joinable()) {
    ticker_.request_stop();
    ticker_.join();
  }
  std::lock_guard lock(mutex_);
  for (const auto& [key, text] : unfinished_log_lines_) print_log_lines(key, true);
  erase_live();
  app_.err.stream.flush();
}

workflow::Observer ProgressView::observer() {
  return {.run_changed = [this](const workflow::RunInfo& run) { run_changed(run); },
          .step_changed = [this](const std::string& run_id,
                                 const workflow::StepInfo& step) { step_changed(run_id, step); },
          .progress = [this](const std::string& run_id, const std::string& key,
                             std::optional<double> fraction,
                             const std::string& text) { progressed(run_id, key, fraction, text); },
          .log = [this](const std::string& run_id, const std::string& key,
                        std::string_view text) { logged(run_id, key, text); }};
}

void ProgressView::run_changed(const workflow::RunInfo& run) {
  if (!app_.json) return;
  std::lock_guard lock(mutex_);
  print_json({{"type", "run"},
              {"run_id", run.run_id},
              {"state", workflow::to_string(run.state)},
              {"waiting_for", run.waiting_for}});
}

void ProgressView::step_changed(const std::string& run_id, const workflow::StepInfo& step) {
  std::lock_guard lock(mutex_);
  if (app_.json) {
    Json json = step_record(step);
    json["type"] = "step";
    json["run_id"] = run_id;
    print_json(json);
    return;
  }
  bool ended =
      step.state == workflow::StepState::succeeded || step.state == workflow::StepState::failed;
  if (!ended) {
    Active& active = active_[step.key];
    active.since = active.told = step.started_at;
    if (step.error) {
      active.text = fmt::format("attempt {} failed: {}", step.attempts, step.error->message());
      tell_plain(step.key, active, true);
    }
    return;
  }
  active_.erase(step.key);
  if (!finished_.insert(step.key).second) return;
  print_log_lines(step.key, true);
  if (step.kind == "note") {
    print_line("          " +
               one_line(step.result.is_string() ? step.result.get<std::string>() : step.key));
    return;
  }
  Duration took = step.ended_at ? *step.ended_at - step.started_at : Duration::zero();
  std::string line = fmt::format("{:>8}  {}", format_duration(took), step.key);
  if (step.state == workflow::StepState::failed) {
    std::string why = step.error ? ": " + one_line(step.error->message()) : "";
    line += "  " + paint(app_.err, Tone::bad, "failed") + why;
  }
  print_line(line);
}

void ProgressView::progressed(const std::string& run_id, const std::string& key,
                              std::optional<double> fraction, const std::string& text) {
  std::lock_guard lock(mutex_);
  if (app_.json) {
    print_json({{"type", "progress"},
                {"run_id", run_id},
                {"key", key},
                {"fraction", fraction ? Json(*fraction) : Json(nullptr)},
                {"text", text}});
    return;
  }
  Active& active = active_[key];
  if (active.since == TimePoint{}) active.since = active.told = app_.clock.now();
  bool changed = active.text != text;
  active.fraction = fraction;
  active.text = text;
  tell_plain(key, active, changed);
}

void ProgressView::logged(const std::string& run_id, const std::string& key,
                          std::string_view text) {
  if (!logs_) return;
  std::lock_guard lock(mutex_);
  if (app_.json) {
    print_json({{"type", "log"}, {"run_id", run_id}, {"key", key}, {"text", text}});
    return;
  }
  unfinished_log_lines_[key] += text;
  print_log_lines(key, false);
}

void ProgressView::say(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (app_.json) {
    print_json({{"type", "message"}, {"text", text}});
  } else {
    print_line(text);
  }
}

void ProgressView::begin(const std::string& key) {
  step_changed("", {.key = key, .kind = "step", .started_at = app_.clock.now()});
}

void ProgressView::end(const std::string& key) {
  TimePoint since;
  {
    std::lock_guard lock(mutex_);
    since = active_[key].since;
  }
  step_changed("", {.key = key,
                    .kind = "step",
                    .state = workflow::StepState::succeeded,
                    .started_at = since,
                    .ended_at = app_.clock.now()});
}

/// Whole lines, or with `all` also the last one that has not ended.
void ProgressView::print_log_lines(const std::string& key, bool all) {
  auto found = unfinished_log_lines_.find(key);
  if (found == unfinished_log_lines_.end()) return;
  std::string& pending = found->second;
  std::size_t at = 0;
  while (at < pending.size()) {
    std::size_t end = pending.find('\n', at);
    if (end == std::string::npos && !all) break;
    std::string line = one_line(std::string_view(pending).substr(at, end - at));
    print_line(paint(app_.err, Tone::faint, key + " | ") + line);
    at = end == std::string::npos ? pending.size() : end + 1;
  }
  pending.erase(0, at);
}

void ProgressView::print_line(const std::string& line) {
  erase_live();
  app_.err.stream << line << '\n';
  app_.err.stream.flush();
  draw_live();
}

void ProgressView::print_json(const Json& json) {
  app_.out.stream << redacted(compact(json)) << '\n';
  app_.out.stream.flush();
}

void ProgressView::erase_live() {
  if (!live_line_shown_) return;
  app_.err.stream << "\r\x1b[K";
  live_line_shown_ = false;
}

void ProgressView::draw_live() {
  if (!app_.err.live || active_.empty()) return;
  std::string line = kFrames[frame_ % kFrames.size()];
  for (const auto& [key, active] : active_) {
    line += fmt::format("  {} {}{}", key, format_duration(app_.clock.now() - active.since),
                        percent(active.fraction));
    if (!active.text.empty()) line += " " + one_line(active.text);
  }
  // One column is left free: some terminals wrap as soon as the last one is filled.
  app_.err.stream << "\r\x1b[K" << shorten(line, static_cast<std::size_t>(app_.err.width - 1));
  app_.err.stream.flush();
  live_line_shown_ = true;
}

void ProgressView::tell_plain(const std::string& key, Active& active, bool changed) {
  if (app_.err.live || app_.json) return;
  TimePoint now = app_.clock.now();
  if (now - active.told < (changed ? kBetweenNews : kStillAtIt)) return;
  active.told = now;
  print_line(fmt::format("{:>8}  {} ..{}{}", format_duration(now - active.since), key,
                         percent(active.fraction),
                         active.text.empty() ? "" : " " + one_line(active.text)));
}

void ProgressView::tick() {
  ++frame_;
  if (app_.err.live) {
    draw_live();
    return;
  }
  for (auto& [key, active] : active_) tell_plain(key, active, false);
}

}  // namespace hallmark::cli
