#include "cli/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "base/text.h"

namespace hallmark::cli {

namespace {

/// Global options may stand before the noun, between, or after the verb.
struct Globals {
  std::vector<std::string> state;
  std::vector<std::string> server;
  std::vector<std::string> database;
  bool json = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
};

void add_globals(CLI::App& app, Globals& globals) {
  app.set_help_flag("");
  // What is left over is reported by us, with a suggestion.
  app.allow_extras();
  app.add_option("--state", globals.state)->allow_extra_args(false);
  app.add_option("--server", globals.server)->allow_extra_args(false);
  app.add_option("--db", globals.database)->allow_extra_args(false);
  app.add_flag("--json", globals.json);
  app.add_flag("-v,--verbose", globals.verbose);
  app.add_flag("-h,--help", globals.help);
}

std::vector<std::string> verbs_of(const CommandTable& table, const std::string& noun) {
  std::vector<std::string> verbs;
  for (const Command* command : table.of(noun)) {
    if (!command->verb.empty()) verbs.push_back(command->verb);
  }
  return verbs;
}

std::vector<std::string> option_names(const Command* command) {
  std::vector<std::string> names;
  if (command != nullptr) {
    for (const OptionSpec& option : command->options) names.push_back(option.name);
  }
  for (const OptionSpec& option : global_options()) names.push_back(option.name);
  return names;
}

Error unknown(const std::string& what, const std::string& word,
              const std::vector<std::string>& known, const std::string& help) {
  Error error(ErrorKind::usage, "unknown {} \"{}\"", what, word);
  if (auto close = suggestion(word, known)) return error.hint("did you mean \"" + *close + "\"?");
  return error.hint("see: " + help);
}

/// "--forse=yes" -> "--forse".
std::string flag_of(const std::string& word) { return word.substr(0, word.find('=')); }

void refuse_extra(const Command& command, const std::vector<std::string>& extras) {
  for (const std::string& word : extras) {
    if (word.size() > 1 && word[0] == '-') {
      throw unknown("option", flag_of(word), option_names(&command), title(command) + " --help");
    }
  }
  if (!extras.empty()) {
    throw Error(ErrorKind::usage, "unexpected argument \"{}\"", extras.front())
        .hint("see: " + title(command) + " --help");
  }
}

/// A command while it is being parsed.
struct Candidate {
  const Command* command;
  CLI::App* app;
  // One text each: a list would take the words of the arguments after it as well.
  std::vector<std::string> arguments;
  std::vector<CLI::Option*> given;
  std::vector<std::vector<std::string>> options;
  std::vector<char> flags;
};

void declare(Candidate& candidate, Globals& globals) {
  const Command& command = *candidate.command;
  add_globals(*candidate.app, globals);
  candidate.arguments.resize(command.arguments.size());
  candidate.options.resize(command.options.size());
  candidate.flags.resize(command.options.size());
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    candidate.given.push_back(
        candidate.app->add_option(command.arguments[i].name, candidate.arguments[i]));
  }
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    const OptionSpec& option = command.options[i];
    if (option.value.empty()) {
      candidate.app->add_flag(option.name,
                              [&flag = candidate.flags[i]](std::int64_t) { flag = 1; });
    } else {
      candidate.app->add_option(option.name, candidate.options[i])->allow_extra_args(false);
    }
  }
}

Arguments arguments_of(const Candidate& candidate) {
  const Command& command = *candidate.command;
  Arguments arguments;
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const ArgumentSpec& argument = command.arguments[i];
    arguments.declare(argument.name);
    if (candidate.given[i]->count() > 0) {
      check_choice(argument.name, argument.choices, candidate.arguments[i]);
      arguments.add(argument.name, candidate.arguments[i]);
    } else if (argument.required) {
      throw Error(ErrorKind::usage, "{} is missing: {}", argument.name, argument.help)
          .hint("see: " + title(command) + " --help");
    }
  }
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    const OptionSpec& option = command.options[i];
    arguments.declare(option.name);
    if (candidate.flags[i] != 0) arguments.add(option.name, "yes");
    if (!option.repeats && candidate.options[i].size() > 1) {
      throw Error(ErrorKind::usage, "{} is given {} times", option.name,
                  candidate.options[i].size());
    }
    for (const std::string& value : candidate.options[i]) {
      check_choice(option.name, option.choices, value);
      arguments.add(option.name, value);
    }
  }
  return arguments;
}

void refuse_unknown_at_root(const CommandTable& table, const std::vector<std::string>& extras) {
  std::vector<std::string> nouns;
  for (const Noun& noun : table.nouns) nouns.push_back(noun.name);
  for (const std::string& word : extras) {
    if (word.size() > 1 && word[0] == '-') {
      std::vector<std::string> names = option_names(nullptr);
      names.push_back("--version");
      throw unknown("option", flag_of(word), names, "hallmark --help");
    }
    throw unknown("command", word, nouns, "hallmark --help");
  }
}

}  // namespace

bool wants_json(const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), "--json") != words.end();
}

Call parse_command_line(const CommandTable& table, const std::vector<std::string>& words) {
  CLI::App root;
  Globals globals;
  add_globals(root, globals);
  root.add_flag("--version", globals.version);
  std::map<std::string, CLI::App*> nouns;
  // Options point into the candidates: they must not move.
  std::vector<Candidate> candidates;
  candidates.reserve(table.commands.size());
  for (const Command& command : table.commands) {
    CLI::App*& noun = nouns[command.noun];
    if (noun == nullptr) {
      noun = root.add_subcommand(command.noun);
      if (!command.verb.empty()) add_globals(*noun, globals);
    }
    CLI::App* app = command.verb.empty() ? noun : noun->add_subcommand(command.verb);
    candidates.push_back({&command, app, {}, {}, {}, {}});
    declare(candidates.back(), globals);
  }

  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    root.parse(reversed);
  } catch (const CLI::ParseError& e) {
    throw Error(ErrorKind::usage, "{}", e.what()).hint("see: hallmark --help");
  }

  Call call;
  call.table = &table;
  call.json = globals.json;
  call.verbose = globals.verbose;
  if (!globals.state.empty()) call.state_directory = globals.state.back();
  if (!globals.server.empty()) call.server = globals.server.back();
  if (!globals.database.empty()) call.database = globals.database.back();
  refuse_unknown_at_root(table, root.remaining());
  if (globals.version) {
    call.what = Call::What::version;
    return call;
  }
  for (const Candidate& candidate : candidates) {
    if (!candidate.app->parsed()) continue;
    call.command = candidate.command;
    call.noun = candidate.command->noun;
    if (globals.help) {
      call.what = Call::What::help;
      return call;
    }
    if (!candidate.command->verb.empty()) {
      refuse_extra(*candidate.command, nouns[call.noun]->remaining());
    }
    refuse_extra(*candidate.command, candidate.app->remaining());
    call.arguments = arguments_of(candidate);
    return call;
  }
  call.what = Call::What::help;
  call.incomplete = !globals.help;
  for (const auto& [name, app] : nouns) {
    if (!app->parsed()) continue;
    for (const std::string& word : app->remaining()) {
      bool option = word.size() > 1 && word[0] == '-';
      throw unknown(option ? "option" : "verb", flag_of(word),
                    option ? option_names(nullptr) : verbs_of(table, name),
                    "hallmark " + name + " --help");
    }
    call.noun = name;
  }
  return call;
}

int run_command(App& app, const Call& call) {
  return print_outcome(app, *call.command, call.command->run(app, call.arguments));
}

int print_outcome(App& app, const Command& command, Outcome outcome) {
  if (!app.json) {
    command.render(outcome.record, app);
  } else if (command.streams) {
    outcome.record["type"] = "result";
    app.out.stream << compact(outcome.record) << '\n';
  } else {
    app.out.stream << pretty(outcome.record) << '\n';
  }
  app.out.stream.flush();
  if (!app.out.stream) {
    throw Error(ErrorKind::unavailable, "the answer could not be written to standard output");
  }
  return outcome.exit_code;
}

}  // namespace hallmark::cli
