#pragma once
/// What commands are given to work with. Made once, in app/; no concrete cloud or scanner is named
/// here or anywhere in this room.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "cli/aws_account.h"
#include "cli/terminal.h"
#include "cloud/enforcement.h"
#include "pipeline/context.h"
#include "pipeline/schedules.h"
#include "pipeline/triggers.h"
#include "scan/advisory/store.h"
#include "workflow/engine.h"

namespace hallmark::cli {

/// The opened state directory: its runs, images and cloud. References live as long as the App.
struct Workplace {
  workflow::Engine& engine;
  pipeline::Context& context;
  /// From now on the engine's news go to this observer; an empty one: to nobody.
  std::function<void(workflow::Observer)> observe;
  const std::vector<pipeline::Schedule>& schedules;  ///< config.yaml's
  cloud::Enforcement* enforcement;                   ///< null: the cloud has none
  const pipeline::Triggers& triggers;                ///< config.yaml's
};

/// One thing that the machine should have, and whether it does.
struct MachineCheck {
  std::string name;
  std::string state;    ///< "ok", "warning" (works, but worse), "missing"
  std::string detail;   ///< what was found
  std::string way_out;  ///< what to do about it; empty if ok
};

/// What a command is given that a server runs for somebody: there, others drive the runs.
struct Service {
  /// Returns when there is news of any run, or after `most`.
  std::function<void(Duration most)> await_news;
  /// How the server knows who asks: {"kind": "session" or "token", "id", "name"}.
  Json proof;
};

struct App {
  Terminal out;  ///< answers
  Terminal err;  ///< everything else
  Clock& clock;
  std::stop_token stop;  ///< requested by SIGINT and SIGTERM
  Path state_directory;
  std::string user;            ///< who is asking: $USER
  std::string command_prefix;  ///< how a printed command must start to reach this state directory
  bool json = false;           ///< answers as JSON
  /// Opens the state directory the first time; help, validation and completion never ask. Throws
  /// what opening the configuration, database and cloud throw.
  std::function<Workplace&()> workplace;
  pipeline::Scanner scanner;                            ///< works without the workplace
  std::function<model::InventorySettings()> inventory;  ///< of config.yaml, as the above
  std::function<std::vector<MachineCheck>()> examine_machine;
  AwsAccount aws;  ///< works without the workplace
  std::function<scan::AdvisoryConfig()>
      advisories;                    ///< of config.yaml; works without the workplace
  const Service* service = nullptr;  ///< null: the command runs in its user's own process
};

}  // namespace hallmark::cli
