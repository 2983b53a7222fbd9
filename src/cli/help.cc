#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/exit_codes.h"
#include "cli/help_rows.h"
#include "cli/terminal.h"

namespace hallmark::cli {

namespace {

/// Help is read on terminals of any kind; 96 leaves room in a window of 100 columns.
constexpr std::size_t kWidth = 96;

/// "  name   what it is", names of one width, text wrapped under itself.
std::string rows_text(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [name, help] : rows) width = std::max(width, columns(name));
  std::string text;
  for (const auto& [name, help] : rows) {
    std::string lead = "  " + name + std::string(width - columns(name) + 2, ' ');
    for (const std::string& line : wrap(help, kWidth - width - 4)) {
      text += lead + line + "\n";
      lead = std::string(width + 4, ' ');
    }
  }
  return text;
}

std::string section(const std::string& name, const Rows& rows) {
  return rows.empty() ? "" : "\n" + name + ":\n" + rows_text(rows);
}

std::string choices_text(const std::vector<std::string>& choices) {
  return choices.empty() ? "" : fmt::format(" ({})", fmt::join(choices, ", "));
}

std::string examples_text(const std::vector<Example>& examples) {
  std::string text = "Examples:\n";
  for (const Example& example : examples) {
    text += "  " + example.command + "\n";
    for (const std::string& line : wrap(example.meaning, kWidth - 6))
      text += "      " + line + "\n";
  }
  return text;
}

}  // namespace

Rows option_rows(const std::vector<OptionSpec>& options) {
  Rows rows;
  for (const OptionSpec& option : options) {
    std::string name = option.name + (option.value.empty() ? "" : " " + option.value);
    rows.emplace_back(name, option.help + choices_text(option.choices) +
                                (option.repeats ? "; may be repeated" : ""));
  }
  return rows;
}

Rows argument_rows(const Command& command) {
  Rows rows;
  for (const ArgumentSpec& argument : command.arguments) {
    rows.emplace_back(argument.name, argument.help + choices_text(argument.choices));
  }
  return rows;
}

std::string usage(const Command& command) {
  std::string text = title(command);
  for (const ArgumentSpec& argument : command.arguments) {
    text += argument.required ? " " + argument.name : " [" + argument.name + "]";
  }
  return text + (command.options.empty() ? "" : " [options]");
}

Rows exit_rows(const Command& command) {
  Rows rows = {{"0", "done"}, {"2", meaning_of(ErrorKind::usage)}};
  for (const auto& [kind, meaning] : command.exits) {
    rows.emplace_back(std::to_string(traits(kind).exit_code),
                      meaning.empty() ? meaning_of(kind) : meaning);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::stoi(a.first) < std::stoi(b.first);
  });
  return rows;
}

Rows all_exit_rows() {
  Rows rows;
  for (const auto& [code, meaning] : exit_codes()) rows.emplace_back(std::to_string(code), meaning);
  return rows;
}

const std::vector<Example>& program_examples() {
  static const std::vector<Example> examples = {
      {"hallmark source create", "Makes a bootable Debian source image."},
      {"hallmark image build golden.yaml",
       "Builds, tests and assesses a golden image, then waits for approval."},
      {"hallmark image approve Web-1.0/Debian-12/1",
       "Approves it; it is registered and brought to its targets."},
      {"hallmark compliance check", "Says which machines run from an active golden image."},
  };
  return examples;
}

std::string program_help(const CommandTable& table) {
  std::string text =
      "hallmark: golden machine images, from source to retirement\n\n"
      "Usage: hallmark NOUN VERB [arguments] [options]\n\n" +
      examples_text(program_examples());
  for (const Noun& noun : table.nouns) {
    Rows rows;
    for (const Command* command : table.of(noun.name)) {
      rows.emplace_back(command->verb.empty() ? noun.name : noun.name + " " + command->verb,
                        command->summary);
    }
    text += section(noun.summary, rows);
  }
  text += section("Options of every command", option_rows(global_options()));
  text += section("Other options", {{"--version", "show the version"}});
  text += section("Exit codes", all_exit_rows());
  return text + "\nHelp on one command: hallmark NOUN VERB --help\n";
}

std::string noun_help(const CommandTable& table, const std::string& noun) {
  std::vector<const Command*> commands = table.of(noun);
  std::vector<Example> examples;
  Rows rows;
  for (const Command* command : commands) {
    if (!command->examples.empty()) examples.push_back(command->examples.front());
    rows.emplace_back(command->verb, command->summary);
  }
  return fmt::format("Usage: hallmark {} VERB [arguments] [options]\n\n", noun) +
         examples_text(examples) + section("Verbs", rows) +
         fmt::format("\nHelp on one of them: hallmark {} VERB --help\n", noun);
}

std::string command_help(const Command& command) {
  std::string text = title(command) + ": " + command.summary + "\n\nUsage: " + usage(command) +
                     "\n\n" + examples_text(command.examples);
  if (!command.description.empty()) {
    text += "\n";
    for (const std::string& line : wrap(command.description, kWidth)) text += line + "\n";
  }
  text += section("Arguments", argument_rows(command));
  text += section("Options", option_rows(command.options));
  text += section("Options of every command", option_rows(global_options()));
  text += section("Exit codes", exit_rows(command));
  return text;
}

std::string markdown(const CommandTable& table) {
  std::string text =
      "# The command line\n\n"
      "Generated from the list of commands (`hallmark internal docs`); a test compares the two.\n\n"
      "```text\n" +
      program_help(table) + "```\n";
  for (const Noun& noun : table.nouns) {
    for (const Command* command : table.of(noun.name)) {
      text += "\n## " + title(*command) + "\n\n```text\n" + command_help(*command) + "```\n";
    }
  }
  return text;
}

}  // namespace hallmark::cli
