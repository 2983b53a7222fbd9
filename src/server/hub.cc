#include "server/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ids.h"
#include "base/log.h"
#include "cli/run_record.h"

namespace hallmark::server {

namespace {

/// A client that was away for a minute is told what it missed.
constexpr std::size_t kNewsKept = 10'000;

template <typename Observers, typename Tell>
void tell_all(const Observers& observers, const Tell& tell) {
  for (const auto& [number, observer] : observers) tell(observer);
}

}  // namespace

Hub::Hub() : id_(random_id("hub").substr(0, 12)) {}

workflow::Observer Hub::make_observer(bool ours) {
  return {.run_changed =
              [this](const workflow::RunInfo& run) {
                std::lock_guard lock(mutex_);
                tell_all(observers_, [&](const auto& o) {
                  if (o.run_changed) o.run_changed(run);
                });
                publish("run", run.run_id, cli::run_record(run));
              },
          .step_changed =
              [this, ours](const std::string& run_id, const workflow::StepInfo& step) {
                std::lock_guard lock(mutex_);
                tell_all(observers_, [&](const auto& o) {
                  if (o.step_changed) o.step_changed(run_id, step);
                });
                if (ours) time_step(step);
                Json data = cli::step_record(step);
                data["run_id"] = run_id;
                publish("step", run_id, data);
              },
          .progress =
              [this](const std::string& run_id, const std::string& key,
                     std::optional<double> fraction, const std::string& text) {
                std::lock_guard lock(mutex_);
                tell_all(observers_, [&](const auto& o) {
                  if (o.progress) o.progress(run_id, key, fraction, text);
                });
                publish("progress", run_id,
                        {{"run_id", run_id},
                         {"key", key},
                         {"fraction", fraction ? Json(*fraction) : Json(nullptr)},
                         {"text", text}});
              },
          .log =
              [this](const std::string& run_id, const std::string& key, std::string_view text) {
                std::lock_guard lock(mutex_);
                tell_all(observers_, [&](const auto& o) {
                  if (o.log) o.log(run_id, key, text);
                });
                publish("log", run_id, {{"run_id", run_id}, {"key", key}, {"text", text}});
              }};
}

std::shared_ptr<void> Hub::hear(workflow::Observer observer) {
  std::lock_guard lock(mutex_);
  const std::uint64_t number = ++next_observer_;
  observers_.emplace(number, std::move(observer));
  return {this, [number](Hub* hub) {
            std::lock_guard inner(hub->mutex_);
            hub->observers_.erase(number);
          }};
}

std::string Hub::text_of(const News& news) const {
  return fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", id_, news.number, news.type, news.data);
}

void Hub::publish(const std::string& type, const std::string& run_id, const Json& data) {
  kept_.push_back({++number_, type, run_id, redacted(compact(data))});
  if (kept_.size() > kNewsKept) kept_.pop_front();
  const std::string text = streams_.empty() ? "" : text_of(kept_.back());
  std::erase_if(streams_, [&](const Stream& stream) {
    return stream.wanted(run_id) && !stream.reply->write(text);
  });
  came_.notify_all();
}

void Hub::stream(std::shared_ptr<Reply> reply, Wanted wanted, const std::string& last_event_id) {
  reply->begin({.headers = {{"Content-Type", "text/event-stream"},
                            {"Cache-Control", "no-store"},
                            {"X-Accel-Buffering", "no"}}});
  std::lock_guard lock(mutex_);
  std::uint64_t after = number_;
  bool reset = false;
  if (!last_event_id.empty()) {
    const std::uint64_t first = kept_.empty() ? number_ + 1 : kept_.front().number;
    std::uint64_t seen = 0;
    const std::string ours = id_ + "-";
    const std::string digits =
        last_event_id.starts_with(ours) ? last_event_id.substr(ours.size()) : "";
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), seen);
    const bool good =
        !digits.empty() && parsed.ec == std::errc() && seen + 1 >= first && seen <= number_;
    reset = !good;
    if (good) after = seen;
  }
  // Says from where to go on, also if nothing comes for long.
  reply->write(text_of({after, reset ? "reset" : "hello", "", "{}"}));
  for (const News& news : kept_) {
    if (news.number > after && wanted(news.run_id)) reply->write(text_of(news));
  }
  streams_.push_back({std::move(reply), std::move(wanted)});
}

void Hub::close() {
  std::lock_guard lock(mutex_);
  for (const Stream& stream : streams_) stream.reply->end();
  streams_.clear();
}

std::size_t Hub::streams() const {
  std::lock_guard lock(mutex_);
  return streams_.size();
}

void Hub::time_step(const workflow::StepInfo& step) {
  if (!step.ended_at || step.kind != "step") return;
  const double took = static_cast<double>((*step.ended_at - step.started_at).count()) / 1000;
  for (std::size_t i = 0; i < kStepBounds.size(); ++i) {
    if (took <= kStepBounds[i]) ++step_counts_[i];
  }
  ++steps_;
  step_seconds_ += took;
}

std::string Hub::steps_text() const {
  std::lock_guard lock(mutex_);
  std::string text =
      "# HELP hallmark_step_seconds How long steps of runs took.\n"
      "# TYPE hallmark_step_seconds histogram\n";
  for (std::size_t i = 0; i < kStepBounds.size(); ++i) {
    text += fmt::format("hallmark_step_seconds_bucket{{le=\"{}\"}} {}\n", kStepBounds[i],
                        step_counts_[i]);
  }
  return text + fmt::format(
                    "hallmark_step_seconds_bucket{{le=\"+Inf\"}} {0}\n"
                    "hallmark_step_seconds_sum {1}\nhallmark_step_seconds_count {0}\n",
                    steps_, step_seconds_);
}

void Hub::await_news(Duration most) {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = number_;
  came_.wait_for(lock, most, [&] { return number_ != before; });
}

}  // namespace hallmark::server
