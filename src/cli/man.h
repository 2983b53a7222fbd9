#pragma once
/// Man pages, made from the list of commands.

#include <string>
#include <vector>

#include "cli/command.h"

namespace hallmark::cli {

struct ManPage {
  std::string file;  ///< "hallmark-image.1"
  std::string text;  ///< in man(7)'s macros
};

/// hallmark.1, and one for each noun.
std::vector<ManPage> man_pages(const CommandTable& table);

/// `hallmark internal man DIR` writes them; the package is made with it.
Command man_command(const CommandTable& (*table)());

}  // namespace hallmark::cli
