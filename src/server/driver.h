#pragma once
/// Drives all runs, and starts what schedules say, in threads of the server.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "cli/app.h"

namespace hallmark::server {

class Driver {
 public:
  /// `width`: runs at once. From now on, until it goes: what runs then is kept as it is.
  Driver(cli::App& app, int width);
  ~Driver();
  /// There is something to drive, now.
  void nudge();

 private:
  void drive(std::stop_token stop);
  void look_after_schedules(std::stop_token stop);

  cli::App& app_;
  const int width_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool nudged_ = false;
  std::jthread schedules_;
  std::jthread driver_;
};

}  // namespace hallmark::server
