#include "apt/deb822.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace hallmark::apt {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_names(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_field_name(std::string_view name) {
  return !name.empty() && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
}

/// Adds one line to the paragraph; says what is wrong with it.
std::string_view add_line(Paragraph& paragraph, std::string_view line) {
  if (line[0] == ' ' || line[0] == '\t') {
    if (paragraph.fields.empty()) return "continues nothing";
    // The value's lines lie behind one another in the text, so that the view just grows.
    auto& value = paragraph.fields.back().value;
    value = std::string_view(value.data(),
                             static_cast<std::size_t>(line.data() + line.size() - value.data()));
    return "";
  }
  std::size_t colon = line.find(':');
  if (colon == line.npos) return "has no colon";
  std::string_view name = line.substr(0, colon);
  if (!is_field_name(name)) return "has an impossible field name";
  std::string_view problem = paragraph.find(name) ? "repeats a field" : "";
  paragraph.fields.push_back({name, line.substr(colon + 1)});
  return problem;
}

}  // namespace

std::optional<std::string_view> Paragraph::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (equal_names(field.name, name)) return field.value;
  }
  return std::nullopt;
}

void read_paragraphs(std::string_view text, const std::function<void(const Paragraph&)>& each) {
  Paragraph paragraph;
  auto finish = [&] {
    if (paragraph.line == 0) return;
    for (auto& field : paragraph.fields) field.value = trim(field.value);
    each(std::exchange(paragraph, {}));
  };
  std::size_t number = 0;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (trim(line).empty()) {
      finish();
      continue;
    }
    if (line[0] == '#') continue;
    if (paragraph.line == 0) paragraph.line = number;
    std::string_view problem = add_line(paragraph, line);
    if (!problem.empty() && paragraph.problem.empty()) {
      paragraph.problem = fmt::format("line {} {}", number, problem);
    }
  }
  finish();
}

std::vector<std::string_view> words(std::string_view value) {
  std::vector<std::string_view> found;
  constexpr std::string_view kSpace = " \t\r\n";
  for (std::size_t at = value.find_first_not_of(kSpace); at != value.npos;) {
    std::size_t end = std::min(value.find_first_of(kSpace, at), value.size());
    found.push_back(value.substr(at, end - at));
    at = value.find_first_not_of(kSpace, end);
  }
  return found;
}

}  // namespace hallmark::apt
