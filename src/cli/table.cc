#include "cli/table.h"

#include <algorithm>

namespace hallmark::cli {

Cell state_cell(const std::string& state) { return {state, tone_of_state(state)}; }

void print_table(const Terminal& terminal, const std::vector<std::string>& heading,
                 const std::vector<std::vector<Cell>>& rows) {
  std::vector<std::size_t> widths;
  for (const std::string& name : heading) widths.push_back(columns(name));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], columns(one_line(row[i].text)));
    }
  }
  auto print_row = [&](const std::vector<Cell>& row) {
    std::string line;
    std::size_t owed = 0;  // padding, written only if another cell follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string text = one_line(row[i].text);
      if (!text.empty()) {
        line += std::string(owed, ' ') + paint(terminal, row[i].tone, text);
        owed = 0;
      }
      owed += widths[i] - columns(text) + 2;
    }
    terminal.stream << line << '\n';
  };
  std::vector<Cell> titles;
  for (const std::string& name : heading) titles.emplace_back(name, Tone::faint);
  print_row(titles);
  for (const auto& row : rows) print_row(row);
}

void print_fields(const Terminal& terminal,
                  const std::vector<std::pair<std::string, Cell>>& fields) {
  std::size_t width = 0;
  for (const auto& [name, cell] : fields) {
    if (!cell.text.empty()) width = std::max(width, columns(name));
  }
  for (const auto& [name, cell] : fields) {
    if (cell.text.empty()) continue;
    terminal.stream << name << ":" << std::string(width - columns(name) + 2, ' ')
                    << paint(terminal, cell.tone, cell.text) << '\n';
  }
}

}  // namespace hallmark::cli
