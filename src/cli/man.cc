#include "cli/man.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/help_rows.h"

namespace hallmark::cli {

namespace {

/// Text as it is meant: hyphens that can be copied, no line that roff takes for a request.
std::string roff(std::string text) {
  text = replace_all(std::move(text), "\\", "\\e");
  text = replace_all(std::move(text), "-", "\\-");
  if (text.starts_with('.') || text.starts_with('\'')) text.insert(0, "\\&");
  return replace_all(replace_all(std::move(text), "\n.", "\n\\&."), "\n'", "\n\\&'");
}

/// No date: two builds of one version are to be the same.
std::string head(const std::string& name, const std::string& summary) {
  return fmt::format(".TH \"{}\" 1 \"\" \"Hallmark\" \"Hallmark\"\n.SH NAME\n{} \\- {}\n",
                     roff(name), roff(name), roff(summary));
}

std::string list(const Rows& rows) {
  std::string text;
  for (const auto& [name, meaning] : rows) {
    text += fmt::format(".TP\n.B {}\n{}\n", roff(name), roff(meaning));
  }
  return text;
}

std::string examples(const std::vector<Example>& all) {
  std::string text;
  for (const Example& example : all) {
    text += fmt::format(".PP\n.EX\n{}\n.EE\n.RS\n{}\n.RE\n", roff(example.command),
                        roff(example.meaning));
  }
  return text;
}

std::string labelled(const std::string& label, const std::string& text) {
  return text.empty() ? "" : fmt::format(".PP\n.I {}\n{}", label, text);
}

std::string command_section(const Command& command) {
  std::string text = fmt::format(".SS \"{}\"\n{}\n.PP\n.EX\n{}\n.EE\n", roff(title(command)),
                                 roff(command.summary), roff(usage(command)));
  if (!command.description.empty()) text += ".PP\n" + roff(command.description) + "\n";
  text += labelled("Arguments", list(argument_rows(command)));
  text += labelled("Options", list(option_rows(command.options)));
  text += labelled("Examples", examples(command.examples));
  return text + labelled("Exit codes", list(exit_rows(command)));
}

std::string page_of(const Noun& noun) { return "hallmark-" + noun.name; }

std::string see_also(const CommandTable& table) {
  std::string text = ".SH SEE ALSO\n";
  for (std::size_t i = 0; i < table.nouns.size(); ++i) {
    text += fmt::format(".BR {} (1){}\n", roff(page_of(table.nouns[i])),
                        i + 1 < table.nouns.size() ? "," : "");
  }
  return text;
}

std::string program_page(const CommandTable& table) {
  std::string text = head("hallmark", "golden machine images, from source to retirement") +
                     ".SH SYNOPSIS\n.EX\nhallmark NOUN VERB [arguments] [options]\n.EE\n";
  text += ".SH EXAMPLES\n" + examples(program_examples()) + ".SH COMMANDS\n";
  for (const Noun& noun : table.nouns) {
    Rows rows;
    for (const Command* command : table.of(noun.name)) {
      rows.emplace_back(command->verb.empty() ? noun.name : noun.name + " " + command->verb,
                        command->summary);
    }
    text += fmt::format(".SS \"{}\"\n", roff(noun.summary)) + list(rows);
  }
  text += ".SH OPTIONS OF EVERY COMMAND\n" + list(option_rows(global_options()));
  text += ".SH EXIT STATUS\n" + list(all_exit_rows());
  return text + see_also(table);
}

std::string noun_page(const CommandTable& table, const Noun& noun) {
  std::string text =
      head(page_of(noun), to_lower(noun.summary) + " of hallmark") + ".SH COMMANDS\n";
  for (const Command* command : table.of(noun.name)) text += command_section(*command);
  text += ".SH OPTIONS OF EVERY COMMAND\n" + list(option_rows(global_options()));
  return text + ".SH SEE ALSO\n.BR hallmark (1)\n";
}

}  // namespace

std::vector<ManPage> man_pages(const CommandTable& table) {
  std::vector<ManPage> pages = {{"hallmark.1", program_page(table)}};
  for (const Noun& noun : table.nouns) {
    pages.push_back({page_of(noun) + ".1", noun_page(table, noun)});
  }
  return pages;
}

Command man_command(const CommandTable& (*table)()) {
  return {.noun = "internal",
          .verb = "man",
          .summary = "Write the man pages.",
          .examples = {},
          .arguments = {{"DIR", "where to"}},
          .run = [table](App&, const Arguments& arguments) -> Outcome {
            const Path directory = arguments.value_or("DIR", "");
            Json files = Json::array();
            make_directories(directory, 0755);
            for (const ManPage& page : man_pages(table())) {
              write_file(directory / page.file, page.text);
              files.push_back(page.file);
            }
            return {{{"files", files}}};
          },
          .render = [](const Json&, App&) {}};
}

}  // namespace hallmark::cli
