#pragma once
/// What evaluate.sh prints, taken apart.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::scan::openscap {

struct Part {
  std::string packed;  ///< a gzip file, as long and with the digest that the machine says
};

struct Output {
  bool whole = false;                        ///< its first and last line are there
  std::map<std::string, std::string> facts;  ///< "user", "system", "version", "exit", "started"
  std::vector<std::string> left_out;         ///< what did not fit
  std::string problem;                       ///< why there are no results; empty if it says nothing
  std::map<std::string, Part> parts;         ///< "results", "messages", "arf"
  std::vector<std::string> damage;           ///< parts that are not what the machine says they are
};

/// Never throws for what it reads: lines that are not the script's own are passed over.
Output read_output(std::string_view output, std::string_view mark);

}  // namespace hallmark::scan::openscap
