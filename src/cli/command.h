#pragma once
/// What a command is. The list of commands (app/commands.cc) is where parsing, help, completion and
/// docs/cli.md all come from.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/app.h"

namespace hallmark::cli {

struct OptionSpec {
  std::string name;   ///< "--region"
  std::string value;  ///< "REGION"; empty: a flag
  std::string help;
  bool repeats = false;
  std::vector<std::string> choices = {};  ///< if not empty, the only values
};

struct ArgumentSpec {
  std::string name;  ///< "FILE"
  std::string help;
  bool required = true;
  std::vector<std::string> choices = {};
};

/// What was given on the command line. Asking for what the command does not declare throws
/// `internal`.
class Arguments {
 public:
  void declare(const std::string& name) { values_[name]; }
  void add(const std::string& name, std::string value) {
    values_[name].push_back(std::move(value));
  }
  /// Forgets what was given.
  void clear(const std::string& name) { values_[name].clear(); }

  bool has(const std::string& name) const { return !values(name).empty(); }
  const std::vector<std::string>& values(const std::string& name) const;
  /// The last one given.
  std::optional<std::string> value(const std::string& name) const;
  std::string value_or(const std::string& name, const std::string& otherwise) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

struct Example {
  std::string command;
  std::string meaning;
};

/// What a command answers. The text for people is rendered from the record, so that --json never
/// lags.
struct Outcome {
  Json record;
  int exit_code = 0;
};

/// Runs another command at the server and gives its record.
using AskServer =
    std::function<Json(const std::string& noun, const std::string& verb, const Arguments&)>;

struct Command {
  std::string noun;
  std::string verb;  ///< empty: the noun alone is the command
  std::string summary;
  std::vector<Example> examples;
  std::vector<ArgumentSpec> arguments = {};
  std::vector<OptionSpec> options = {};
  std::string description = {};  ///< more than the summary; may be empty
  /// Exit codes besides 0 and 2 that callers should expect, with their meaning here if it is
  /// special.
  std::vector<std::pair<ErrorKind, std::string>> exits = {};
  bool streams = false;  ///< with --json: JSON Lines with a "type", the record last as "result"
  std::function<Outcome(App&, const Arguments&)> run;
  std::function<void(const Json& record, App&)> render;
  /// With --server: what must happen here, such as signing with a key that goes nowhere. Gives the
  /// arguments that are sent.
  std::function<Arguments(App&, const Arguments&, const AskServer&)> before_sending = {};
};

struct Noun {
  std::string name;
  std::string summary;
};

struct CommandTable {
  std::vector<Noun> nouns;  ///< in the order of the help
  std::vector<Command> commands;

  std::vector<const Command*> of(const std::string& noun) const;
  /// Nothing if there is no such command.
  const Command* find(const std::string& noun, const std::string& verb) const;
};

/// Options that every command takes.
const std::vector<OptionSpec>& global_options();

/// "hallmark image build".
std::string title(const Command& command);

/// Throws `usage` if there are choices and the value is none of them.
void check_choice(const std::string& name, const std::vector<std::string>& choices,
                  const std::string& value);

}  // namespace hallmark::cli
