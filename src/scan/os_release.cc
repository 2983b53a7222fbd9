#include "scan/os_release.h"

#include <string>

#include "base/text.h"

namespace hallmark::scan {
namespace {

/// The shell's quoting, as far as os-release(5) allows it.
std::string unquoted(std::string_view value) {
  std::string text;
  char quote = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    char c = value[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < value.size()) {
      text += value[++i];
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

model::Distribution parse_os_release(std::string_view text) {
  model::Distribution found;
  found.id = "linux";
  for (const std::string& raw : split(text, '\n')) {
    std::string_view line = trim(raw);
    std::size_t equals = line.find('=');
    if (line.empty() || line[0] == '#' || equals == line.npos) continue;
    std::string_view key = line.substr(0, equals);
    std::string value = unquoted(line.substr(equals + 1));
    if (key == "ID" && !value.empty()) found.id = value;
    if (key == "VERSION_ID") found.version_id = value;
    if (key == "VERSION_CODENAME") found.codename = value;
    if (key == "PRETTY_NAME") found.pretty_name = value;
    if (key == "ID_LIKE") found.id_like = value;
    if (key == "SUPPORT_END") found.end_of_support = value;
  }
  return found;
}

}  // namespace hallmark::scan
