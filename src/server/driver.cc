#include "server/driver.h"

#include "base/log.h"
#include "pipeline/schedules.h"

namespace hallmark::server {

namespace {

/// A database or journal that cannot be used is not asked all the time.
constexpr auto kAfterProblem = std::chrono::seconds(5);

}  // namespace

Driver::Driver(cli::App& app, int width, const notify::Desk* desk) : app_(app) {
  if (!app_.workplace().schedules.empty()) {
    schedules_ = std::jthread([this](std::stop_token stop) { look_after_schedules(stop); });
  }
  runs_ = std::jthread(
      [this, width](std::stop_token stop) { app_.workplace().engine.work(width, stop); });
  if (desk != nullptr && !desk->receivers.empty()) {
    notices_ = std::jthread([desk](std::stop_token stop) { notify::keep_telling(*desk, stop); });
  }
}

Driver::~Driver() {
  schedules_.request_stop();
  runs_.request_stop();
  notices_.request_stop();
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
