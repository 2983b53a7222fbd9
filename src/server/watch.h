#pragma once
/// News of runs that other processes drive: another server on the same database, or a command in a
/// terminal. What this process drives it hears of at once; about the others the database is asked.

#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "server/hub.h"

namespace hallmark::server {

class Watch {
 public:
  /// Looks each second, as long as somebody listens to the hub, until it goes. What a step prints
  /// is told if its log is in our state directory. All that is given outlives it.
  Watch(Hub& hub, db::Database& database, workflow::Engine& engine);

 private:
  /// What was told of a run that has not ended.
  struct Told {
    std::string run;                            ///< its state, and when it changed
    bool by_others = false;                     ///< another process drove it then
    std::map<std::string, std::string> steps;   ///< by key: state and attempts
    std::map<std::string, std::uint64_t> logs;  ///< by key: how much of it
  };

  void work(std::stop_token stop);
  void look();
  /// False: it has ended.
  bool look_at(const std::string& run_id, Told& told);
  void look_at_log(const std::string& run_id, const std::string& key, Told& told);

  Hub& hub_;
  db::Database& database_;
  workflow::Engine& engine_;
  const workflow::Observer news_;
  const std::string us_;  ///< how our leases begin
  bool fresh_ = true;     ///< nobody listened before: what is there is no news
  std::map<std::string, Told> told_;
  std::string newest_;  ///< when the newest run that we know of began
  std::jthread thread_;
};

}  // namespace hallmark::server
