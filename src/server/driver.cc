#include "server/driver.h"

#include "base/log.h"
#include "pipeline/schedules.h"
#include "pipeline/triggers.h"

namespace hallmark::server {

namespace {

/// A database or journal that cannot be used is not asked all the time.
constexpr auto kAfterProblem = std::chrono::seconds(5);

}  // namespace

Driver::Driver(cli::App& app, int width, const notify::Desk* desk) : app_(app) {
  if (!app_.workplace().schedules.empty()) {
    schedules_ = std::jthread([this](std::stop_token stop) { look_after_schedules(stop); });
  }
  if (!app_.workplace().triggers.all.empty()) {
    triggers_ = std::jthread([this](std::stop_token stop) { look_after_triggers(stop); });
  }
  runs_ = std::jthread(
      [this, width](std::stop_token stop) { app_.workplace().engine.work(width, stop); });
  if (desk != nullptr && !desk->receivers.empty()) {
    notices_ = std::jthread([desk](std::stop_token stop) { notify::keep_telling(*desk, stop); });
  }
}

Driver::~Driver() {
  schedules_.request_stop();
  triggers_.request_stop();
  runs_.request_stop();
  notices_.request_stop();
}

namespace {

/// Does it until `stop`, and again some time after something went wrong.
void go_on(Clock& clock, const char* what, const std::function<void()>& work,
           const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      work();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) return;
      log_error("{} cannot be looked after just now: {}", what, error.full_text());
      clock.sleep_until(clock.now() + kAfterProblem, stop);
    }
  }
}

}  // namespace

void Driver::look_after_schedules(std::stop_token stop) {
  cli::Workplace& workplace = app_.workplace();
  auto told = [](const pipeline::Firing& firing) {
    log_info("schedule {} was due at {}: {}", firing.schedule, to_rfc3339(firing.due_at),
             pipeline::to_string(firing.state));
  };
  auto keep = [&] {
    pipeline::keep_schedules(workplace.engine, workplace.context, workplace.schedules, told, stop);
  };
  go_on(app_.clock, "schedules", keep, stop);
}

void Driver::look_after_triggers(std::stop_token stop) {
  cli::Workplace& workplace = app_.workplace();
  auto told = [](const pipeline::TriggerFiring& firing) {
    log_info("trigger {} fired for {}: {} {}", firing.trigger, firing.event,
             pipeline::to_string(firing.state), firing.detail);
  };
  auto keep = [&] {
    pipeline::keep_triggers(workplace.engine, workplace.context, workplace.triggers, told, stop);
  };
  go_on(app_.clock, "triggers", keep, stop);
}

}  // namespace hallmark::server
