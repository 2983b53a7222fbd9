#pragma once
/// Drives all runs, starts what schedules and triggers say, and tells receivers of notices, in
/// threads of the server.

#include <thread>

#include "cli/app.h"
#include "notify/desk.h"

namespace hallmark::server {

class Driver {
 public:
  /// `width`: runs at once; `desk` outlives it, null: nobody is told. From now on, until it goes:
  /// what runs then is kept as it is.
  Driver(cli::App& app, int width, const notify::Desk* desk);
  ~Driver();

 private:
  void look_after_schedules(std::stop_token stop);
  void look_after_triggers(std::stop_token stop);

  cli::App& app_;
  std::jthread schedules_;
  std::jthread triggers_;
  std::jthread runs_;
  std::jthread notices_;
};

}  // namespace hallmark::server
