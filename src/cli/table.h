#pragma once
/// The one table of the command line: columns as wide as what is in them, two spaces between.

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace hallmark::cli {

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
  Cell(std::string words, Tone meaning = Tone::plain) : text(std::move(words)), tone(meaning) {}
  Cell(const char* words) : text(words) {}
};

/// A cell that shows a state in its tone.
Cell state_cell(const std::string& state);

/// Prints the heading and the rows, each with as many cells as the heading.
void print_table(const Terminal& terminal, const std::vector<std::string>& heading,
                 const std::vector<std::vector<Cell>>& rows);

/// Prints "name: value" lines with the values under each other. Pairs without value are left out.
void print_fields(const Terminal& terminal,
                  const std::vector<std::pair<std::string, Cell>>& fields);

}  // namespace hallmark::cli
