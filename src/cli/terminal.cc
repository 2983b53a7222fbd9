#include "cli/terminal.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace hallmark::cli {

namespace {

const char* code_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::strong:
      return "\x1b[1m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::warning:
      return "\x1b[33m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::faint:
      return "\x1b[2m";
  }
  return "";
}

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string paint(const Terminal& terminal, Tone tone, std::string_view text) {
  if (!terminal.color || tone == Tone::plain || text.empty()) return std::string(text);
  return code_of(tone) + std::string(text) + "\x1b[0m";
}

Tone tone_of_state(std::string_view state) {
  constexpr std::array<std::string_view, 7> kGood = {"succeeded", "active", "available", "running",
                                                     "yes",       "passed", "ok"};
  constexpr std::array<std::string_view, 5> kBad = {"failed", "rejected", "no", "missing",
                                                    "corrupt"};
  constexpr std::array<std::string_view, 8> kWarning = {
      "waiting",         "pending",   "awaiting_approval", "building",
      "decommissioning", "cancelled", "warning",           "deprecated"};
  constexpr std::array<std::string_view, 5> kFaint = {"decommissioned", "disabled", "removed",
                                                      "stopped", "terminated"};
  auto among = [&](const auto& words) {
    return std::find(words.begin(), words.end(), state) != words.end();
  };
  if (among(kGood)) return Tone::good;
  if (among(kBad)) return Tone::bad;
  if (among(kWarning)) return Tone::warning;
  if (among(kFaint)) return Tone::faint;
  return Tone::plain;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_code_point(c); }));
}

std::string shorten(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string cut;
  std::size_t taken = 0;
  for (char c : text) {
    if (!continues_code_point(c) && ++taken == width) break;
    cut += c;
  }
  return cut + "…";
}

std::string one_line(std::string_view text) {
  std::string line(trim(text));
  for (char& c : line) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
  }
  return line;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (const std::string& word : split(text, ' ')) {
    if (!line.empty() && columns(line) + 1 + columns(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  lines.push_back(std::move(line));
  return lines;
}

}  // namespace hallmark::cli
