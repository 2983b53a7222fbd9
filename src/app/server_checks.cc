#include "app/server_checks.h"

#include <fmt/format.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/error.h"
#include "db/probe.h"

namespace hallmark::app {

using cli::MachineCheck;

MachineCheck check_state_directory(const Path& state) {
  Path there = state;
  while (!std::filesystem::exists(there) && there != there.parent_path()) {
    there = there.parent_path();
  }
  MachineCheck check{.name = "state directory", .state = "ok"};
  if (!std::filesystem::is_directory(there)) {
    check.state = "missing";
    check.detail = there.string() + " is no directory";
    check.way_out = "name another: --state DIR";
  } else if (::access(there.c_str(), W_OK | X_OK) != 0) {
    check.state = "missing";
    check.detail = there.string() + " cannot be written to by this user";
    check.way_out = "as the user who owns it, or name another: --state DIR";
  } else {
    check.detail =
        there == state ? state.string() + " can be written to" : state.string() + " can be made";
  }
  return check;
}

MachineCheck check_config(const Path& state, Config& config) {
  MachineCheck check{.name = "config.yaml", .state = "ok"};
  try {
    config = load_config(state);
    const bool there = std::filesystem::exists(config.file);
    check.detail = (there ? config.file.string() : "there is none; all defaults") +
                   fmt::format(", cloud {}", config.cloud.kind);
  } catch (const Error& error) {
    check.state = "missing";
    check.detail = error.message();
    check.way_out = error.full_text();
  }
  return check;
}

MachineCheck check_database(const Config& config) {
  MachineCheck check{.name = "database", .state = "ok"};
  try {
    check.detail = db::probe(config.database_url);
  } catch (const Error& error) {
    check.state = "missing";
    check.detail = error.message();
    check.way_out = "docs/operate-database.md says how it is made and named";
  }
  return check;
}

MachineCheck check_clock() {
  MachineCheck check{.name = "clock", .state = "ok", .detail = "kept in step"};
  timex state{};
  if (::adjtimex(&state) < 0 || (state.status & STA_UNSYNC) != 0) {
    check.state = "warning";
    check.detail = "nothing says that the clock is kept in step";
    check.way_out =
        "approvals, waivers and signatures carry its time: apt-get install systemd-timesyncd, or "
        "another NTP client; in a container it is the host's";
  }
  return check;
}

}  // namespace hallmark::app
