#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace hallmark::cli {

namespace {

std::string noun_words(const CommandTable& table) {
  std::vector<std::string> words;
  for (const Noun& noun : table.nouns) words.push_back(noun.name);
  return join(words, " ");
}

std::string verb_words(const CommandTable& table, const std::string& noun) {
  std::vector<std::string> words;
  for (const Command* command : table.of(noun)) {
    if (!command->verb.empty()) words.push_back(command->verb);
  }
  return join(words, " ");
}

std::vector<OptionSpec> options_of(const Command& command) {
  std::vector<OptionSpec> options = command.options;
  options.insert(options.end(), global_options().begin(), global_options().end());
  return options;
}

std::string option_words(const Command& command) {
  std::vector<std::string> words;
  for (const OptionSpec& option : options_of(command)) words.push_back(option.name);
  return join(words, " ");
}

bool takes_file(const Command& command) {
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [](const ArgumentSpec& a) { return a.name == "FILE"; });
}

std::string argument_choices(const Command& command) {
  std::vector<std::string> words;
  for (const ArgumentSpec& argument : command.arguments) {
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  }
  return join(words, " ");
}

std::string key_of(const Command& command) {
  return command.noun + (command.verb.empty() ? "" : " " + command.verb);
}

std::string bash_script(const CommandTable& table) {
  std::string text =
      "# bash completion of hallmark: source it, or put it into\n"
      "# ~/.local/share/bash-completion/completions/hallmark\n"
      "_hallmark() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local words=() word skip= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    if [[ -n $skip ]]; then skip=; continue; fi\n"
      "    case $word in --state|--server|--db) skip=yes ;; -*) ;; *) words+=(\"$word\") ;; esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  local verbs= options= values= files= key=\"${words[*]:0:2}\"\n"
      "  case ${words[0]-} in\n";
  for (const Noun& noun : table.nouns) {
    std::string verbs = verb_words(table, noun.name);
    text += verbs.empty() ? fmt::format("    {0}) key={0} ;;\n", noun.name)
                          : fmt::format("    {}) verbs='{}' ;;\n", noun.name, verbs);
  }
  text += "  esac\n  case $key in\n";
  for (const Command& command : table.commands) {
    if (command.noun == "internal") continue;
    text += fmt::format("    '{}')\n      options='{}'", key_of(command), option_words(command));
    if (takes_file(command)) text += " files=yes";
    if (std::string words = argument_choices(command); !words.empty()) {
      text += fmt::format(" values='{}'", words);
    }
    text +=
        "\n      case $previous in\n        --state) COMPREPLY=($(compgen -d -- \"$current\")); "
        "return ;;\n";
    for (const OptionSpec& option : command.options) {
      if (option.value.empty()) continue;
      text += fmt::format("        {}) COMPREPLY=($(compgen -W '{}' -- \"$current\")); return ;;\n",
                          option.name, join(option.choices, " "));
    }
    text += "      esac ;;\n";
  }
  text += fmt::format(
      "    '') values='{}' options='--state --server --db --json --verbose --help --version' ;;\n"
      "    *) values=$verbs options='--state --server --db --json --verbose --help' ;;\n"
      "  esac\n"
      "  if [[ $current == -* ]]; then values=$options files=; fi\n"
      "  COMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n"
      "  [[ -z $files ]] || COMPREPLY+=($(compgen -f -- \"$current\"))\n"
      "}}\n"
      "complete -o filenames -F _hallmark hallmark\n",
      noun_words(table));
  return text;
}

/// Text between single quotes in a zsh specification: colons and brackets have a meaning there.
std::string zsh_text(std::string text) {
  for (const char* special : {"\\", ":", "[", "]"}) {
    text = replace_all(text, special, std::string("\\") + special);
  }
  return replace_all(text, "'", "'\\''");
}

std::string zsh_script(const CommandTable& table) {
  std::string text =
      "#compdef hallmark\n"
      "_hallmark() {\n"
      "  local -a words_given candidates\n"
      "  local word\n"
      "  for word in ${words[2,CURRENT-1]}; do\n"
      "    [[ $word == -* ]] || words_given+=($word)\n"
      "  done\n"
      "  case \"${words_given[1,2]}\" in\n";
  for (const Command& command : table.commands) {
    if (command.noun == "internal") continue;
    text += fmt::format("    '{}'*)\n      _arguments '*: :{}'", key_of(command),
                        takes_file(command) ? "_files" : "(" + argument_choices(command) + ")");
    for (const OptionSpec& option : options_of(command)) {
      std::string action;
      if (!option.value.empty()) {
        action = ":" + zsh_text(option.value) + ":" +
                 (option.name == "--state" ? "_files -/" : "(" + join(option.choices, " ") + ")");
      }
      text += fmt::format(" \\\n        '{}{}[{}]{}'", option.repeats ? "*" : "", option.name,
                          zsh_text(option.help), action);
    }
    text += " ;;\n";
  }
  for (const Noun& noun : table.nouns) {
    std::string verbs = verb_words(table, noun.name);
    if (verbs.empty()) continue;
    text += fmt::format("    '{}')\n      candidates=(", noun.name);
    for (const Command* command : table.of(noun.name)) {
      text += fmt::format("'{}:{}' ", command->verb, zsh_text(command->summary));
    }
    text += ")\n      _describe verb candidates ;;\n";
  }
  text += "    '')\n      candidates=(";
  for (const Noun& noun : table.nouns) {
    text += fmt::format("'{}:{}' ", noun.name, zsh_text(noun.summary));
  }
  return text + ")\n      _describe noun candidates ;;\n  esac\n}\n_hallmark \"$@\"\n";
}

std::string fish_quote(const std::string& text) {
  return "'" + replace_all(replace_all(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_script(const CommandTable& table) {
  std::string nouns = noun_words(table);
  std::string text =
      "# fish completion of hallmark: put it into ~/.config/fish/completions/hallmark.fish\n"
      "complete -c hallmark -f\n";
  for (const Noun& noun : table.nouns) {
    text +=
        fmt::format("complete -c hallmark -n 'not __fish_seen_subcommand_from {}' -a {} -d {}\n",
                    nouns, noun.name, fish_quote(noun.summary));
  }
  for (const OptionSpec& option : global_options()) {
    text += fmt::format("complete -c hallmark -l {} {}-d {}\n", option.name.substr(2),
                        option.value.empty() ? "" : "-r ", fish_quote(option.help));
  }
  for (const Command& command : table.commands) {
    if (command.noun == "internal") continue;
    std::string seen = "__fish_seen_subcommand_from " + command.noun;
    std::string verbs = verb_words(table, command.noun);
    if (!command.verb.empty()) {
      text += fmt::format(
          "complete -c hallmark -n '{}; and not __fish_seen_subcommand_from {}' -a {} -d {}\n",
          seen, verbs, command.verb, fish_quote(command.summary));
      seen += "; and __fish_seen_subcommand_from " + command.verb;
    }
    if (takes_file(command)) text += fmt::format("complete -c hallmark -n '{}' -F\n", seen);
    if (std::string words = argument_choices(command); !words.empty()) {
      text += fmt::format("complete -c hallmark -n '{}' -a '{}'\n", seen, words);
    }
    for (const OptionSpec& option : command.options) {
      text += fmt::format(
          "complete -c hallmark -n '{}' -l {} {}-d {}\n", seen, option.name.substr(2),
          option.value.empty() ? "" : fmt::format("-x -a '{}' ", join(option.choices, " ")),
          fish_quote(option.help));
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const CommandTable& table, const std::string& shell) {
  if (shell == "bash") return bash_script(table);
  if (shell == "zsh") return zsh_script(table);
  return fish_script(table);
}

Command completion_command(const CommandTable& (*table)()) {
  return {.noun = "completion",
          .verb = "",
          .summary = "Print the completion script of a shell.",
          .examples = {{"source <(hallmark completion bash)", "Completes in this shell."},
                       {"hallmark completion fish > ~/.config/fish/completions/hallmark.fish",
                        "Completes in every new fish."}},
          .arguments = {{"SHELL", "whose script", true, {"bash", "zsh", "fish"}}},
          .run = [table](App&, const Arguments& arguments) -> Outcome {
            std::string shell = arguments.value_or("SHELL", "");
            return {{{"shell", shell}, {"script", completion_script(table(), shell)}}};
          },
          .render = [](const Json& record,
                       App& app) { app.out.stream << record.at("script").get<std::string>(); }};
}

}  // namespace hallmark::cli
