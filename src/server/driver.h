#pragma once
/// Drives all runs, and starts what schedules say, in threads of the server.

#include <thread>

#include "cli/app.h"

namespace hallmark::server {

class Driver {
 public:
  /// `width`: runs at once. From now on, until it goes: what runs then is kept as it is.
  Driver(cli::App& app, int width);
  ~Driver();

 private:
  void look_after_schedules(std::stop_token stop);

  cli::App& app_;
  std::jthread schedules_;
  std::jthread runs_;
};

}  // namespace hallmark::server
