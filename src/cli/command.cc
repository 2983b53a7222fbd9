#include "cli/command.h"

#include <algorithm>

#include "base/text.h"

namespace hallmark::cli {

const std::vector<std::string>& Arguments::values(const std::string& name) const {
  auto found = values_.find(name);
  if (found == values_.end()) {
    throw Error(ErrorKind::internal, "the command asks for {}, which it does not declare", name);
  }
  return found->second;
}

std::optional<std::string> Arguments::value(const std::string& name) const {
  const auto& all = values(name);
  if (all.empty()) return std::nullopt;
  return all.back();
}

std::string Arguments::value_or(const std::string& name, const std::string& otherwise) const {
  return value(name).value_or(otherwise);
}

std::vector<const Command*> CommandTable::of(const std::string& noun) const {
  std::vector<const Command*> found;
  for (const Command& command : commands) {
    if (command.noun == noun) found.push_back(&command);
  }
  return found;
}

const Command* CommandTable::find(const std::string& noun, const std::string& verb) const {
  for (const Command& command : commands) {
    if (command.noun == noun && command.verb == verb) return &command;
  }
  return nullptr;
}

const std::vector<OptionSpec>& global_options() {
  static const std::vector<OptionSpec> options = {
      {"--state", "DIR",
       "where Hallmark keeps runs, images and evidence; default: "
       "$HALLMARK_STATE, else hallmark in the user's data directory"},
      {"--server", "URL",
       "work at that server, with the API token in $HALLMARK_TOKEN; default: $HALLMARK_SERVER, "
       "else "
       "here"},
      {"--db", "URL",
       "the state database: sqlite:///FILE or postgresql://USER@HOST/NAME, without a password; "
       "default: $HALLMARK_DB, else what config.yaml says, else a file in the state directory"},
      {"--json", "", "answer as JSON; long-running commands as JSON Lines"},
      {"--verbose", "", "show the program's own log on stderr"},
      {"--help", "", "show help (also -h)"},
  };
  return options;
}

void check_choice(const std::string& name, const std::vector<std::string>& choices,
                  const std::string& value) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  Error error(ErrorKind::usage, "\"{}\" is not a value for {}", value, name);
  if (auto close = suggestion(value, choices)) {
    throw std::move(error.hint("did you mean \"" + *close + "\"?"));
  }
  throw std::move(error.hint("one of: " + join(choices, ", ")));
}

std::string title(const Command& command) {
  return "hallmark " + command.noun + (command.verb.empty() ? "" : " " + command.verb);
}

}  // namespace hallmark::cli
