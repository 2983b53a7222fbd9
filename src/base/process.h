#pragma once
/// Child processes: no shell in between, output as it comes, a deadline, and nothing left behind.

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"

namespace hallmark {

struct ProcessSpec {
  std::vector<std::string> argv;  ///< argv[0] is looked up in PATH
  std::string stdin_text;         ///< fed to the child, then closed; empty means /dev/null
  /// Set in addition to our own environment.
  std::map<std::string, std::string> environment;
  Path directory;                      ///< working directory; empty means ours
  std::optional<Duration> time_limit;  ///< then SIGTERM, and SIGKILL 5 s later, to its whole group
  /// Bytes kept of each stream; the rest is still read and passed to `on_output`, so that the
  /// child never blocks, and `truncated` is set.
  std::size_t keep_bytes = 1 << 20;
  /// Called with each piece of output (stdout and stderr alike) from the calling thread.
  std::function<void(std::string_view)> on_output;
};

struct ProcessResult {
  int exit_code = -1;  ///< 128 + n if ended by signal n, as a shell says it
  std::string out;
  std::string err;
  bool truncated = false;
};

/// Runs to the end. Throws `not_found` if the program is not there, `timeout`, or `cancelled` when
/// `stop` is requested; in both the process group has been killed. A non-zero exit is a result.
/// Credentials never go in argv: it is world-readable in the process list.
ProcessResult run_process(const ProcessSpec& spec, std::stop_token stop = {});

/// Like run_process, but a non-zero exit throws `failed` with the end of stderr.
ProcessResult check_process(const ProcessSpec& spec, std::stop_token stop = {});

/// Whether `program` is in PATH (or, with a slash, executable); returns where.
std::optional<Path> find_program(std::string_view program);

}  // namespace hallmark
