#pragma once
/// From argv to a command and its arguments, with "did you mean" for slips of the hand.

#include <string>
#include <vector>

#include "cli/command.h"

namespace hallmark::cli {

/// What was asked for.
struct Call {
  enum class What { run, help, version };
  What what = What::run;
  const CommandTable* table = nullptr;
  const Command* command = nullptr;  ///< with `run`; with `help` if a command was named
  std::string noun;                  ///< with `help`: whose, empty: the program's
  bool incomplete = false;           ///< `help` because the verb or noun is missing: a usage error
  Arguments arguments;
  std::string state_directory;  ///< --state, empty if not given
  std::string server;           ///< --server, empty if not given
  std::string database;         ///< --db, empty if not given
  bool json = false;
  bool verbose = false;
};

/// `words` are argv without the program. Throws `usage`. `table` must outlive the call.
Call parse_command_line(const CommandTable& table, const std::vector<std::string>& words);

/// A command line is for everybody on the machine to read: throws `usage` if there is a password in
/// the URL that `option` was given.
void refuse_password(const std::string& option, const std::string& url);

/// Whether --json is among the words: for reporting an error of parsing itself.
bool wants_json(const std::vector<std::string>& words);

/// Runs the command and prints its answer; returns the exit code. Errors pass.
int run_command(App& app, const Call& call);

/// The second half of it.
int print_outcome(App& app, const Command& command, Outcome outcome);

}  // namespace hallmark::cli
