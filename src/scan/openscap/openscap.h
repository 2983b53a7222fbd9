#pragma once
/// OpenSCAP as an outside scanner: `oscap` runs in the machine that was started from the image, so
/// that it sees what really runs there, and its results come back as the output of that command.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "scan/scanner.h"

namespace hallmark::scan {

/// How a command in a machine stands.
struct MachineCommand {
  enum class State {
    running,
    finished,     ///< exit_code is set
    timed_out,    ///< killed at its time limit
    interrupted,  ///< the machine went down under it
  };
  State state = State::running;
  int exit_code = -1;
  std::string output;  ///< all of it, from its start
  bool output_truncated = false;
};

/// Starts commands in machines, as root. All may be called from several threads and throw as the
/// calls of OutsideScanner do.
struct MachineCommands {
  /// Returns what the command is called. The same title is the same command: the second call makes
  /// nothing new, also from another process.
  std::function<std::string(const ScanTarget& target, const std::string& script,
                            Duration time_limit)>
      start;
  std::function<MachineCommand(const ScanTarget& target, const std::string& command_id)> read;
  /// Ends it. Fine if it has ended. With an empty id whatever has the target's title, if the cloud
  /// can tell; it ends with the machine at the latest.
  std::function<void(const ScanTarget& target, const std::string& command_id)> cancel;
  /// Throws `denied` if no command may be started at all. May be empty.
  std::function<void()> check;
};

struct OpenscapLimits {
  Duration time_limit = std::chrono::minutes(30);  ///< of the command in the machine
  Duration poll_interval = std::chrono::seconds(10);
  /// Of content and tailoring, compressed. The data streams of scap-security-guide have 1 to 3 MiB.
  std::uint64_t content_bytes = 8u << 20;
  /// Of the command's output; a mebibyte less than clouds keep of one.
  std::uint64_t output_bytes = 15u << 20;
};

struct OpenscapConfig {
  std::string name = "openscap";
  Path content;              ///< a data stream or XCCDF file here, sent with the command; or:
  std::string content_path;  ///< one in the machine, "/usr/share/xml/scap/ssg/content/.."
  std::string profile;  ///< its id or the end of its id: "stig"; empty: the content's own rules
  Path tailoring;       ///< a tailoring file here; empty: none
  /// Installs the scanner with the machine's package manager if it is missing. The machine is
  /// thrown away, so it never gets into an image.
  bool install = false;
  bool fetch_remote_resources = false;  ///< what the content refers to on other hosts
  /// Fewer rules that passed or failed mean that the content is not for this system.
  int min_evaluated = 1;
  OpenscapLimits limits;
};

/// Throws `usage` for a configuration that cannot work. `clock` outlives the scanner.
std::unique_ptr<OutsideScanner> make_openscap_scanner(OpenscapConfig config,
                                                      MachineCommands commands, Clock& clock);

}  // namespace hallmark::scan
