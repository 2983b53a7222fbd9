#include "server/driver.h"

#include "base/log.h"
#include "pipeline/schedules.h"

namespace hallmark::server {

namespace {

/// How late at most a run is driven that another process recorded or answered.
constexpr auto kLook = std::chrono::seconds(1);
/// A database or journal that cannot be used is not asked all the time.
constexpr auto kAfterProblem = std::chrono::seconds(5);

}  // namespace

Driver::Driver(cli::App& app, int width) : app_(app), width_(width) {
  if (!app_.workplace().schedules.empty()) {
    schedules_ = std::jthread([this](std::stop_token stop) { look_after_schedules(stop); });
  }
  driver_ = std::jthread([this](std::stop_token stop) { drive(stop); });
}

Driver::~Driver() {
  schedules_.request_stop();
  driver_.request_stop();
}

void Driver::nudge() {
  {
    std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  changed_.notify_all();
}

void Driver::drive(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto pause = std::chrono::duration_cast<Duration>(kLook);
    try {
      app_.workplace().engine.drive_due(width_, stop);
    } catch (const Error& error) {
      log_warning("runs cannot be driven just now: {}", error.full_text());
      pause = kAfterProblem;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, pause, [this] { return nudged_; });
    nudged_ = false;
  }
}

void Driver::look_after_schedules(std::stop_token stop) {
  cli::Workplace& workplace = app_.workplace();
  while (!stop.stop_requested()) {
    try {
      pipeline::keep_schedules(
          workplace.engine, workplace.context, workplace.schedules,
          [this](const pipeline::Firing& firing) {
            log_info("schedule {} was due at {}: {}", firing.schedule, to_rfc3339(firing.due_at),
                     pipeline::to_string(firing.state));
            nudge();
          },
          stop);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) return;
      log_error("schedules cannot be looked after just now: {}", error.full_text());
      app_.clock.sleep_until(app_.clock.now() + kAfterProblem, stop);
    }
  }
}

}  // namespace hallmark::server
