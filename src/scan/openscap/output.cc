#include "scan/openscap/output.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/finding.h"

namespace hallmark::scan::openscap {
namespace {

// Facts are versions and names; a hostile one must not become a page.
constexpr std::size_t kFact = 500;

std::string_view take_word(std::string_view& text) {
  std::size_t end = std::min(text.find(' '), text.size());
  std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::string_view take_line(std::string_view& text) {
  std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// What the machine says after the mark, or nothing if the line is not the script's.
std::optional<std::string_view> said(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) return {};
  line.remove_prefix(mark.size());
  if (line.empty() || line[0] != ' ') return {};
  return trim(line);
}

struct Announced {
  std::string name;
  std::string bytes;
  std::string digest;
};

std::optional<std::string> unpack_part(const Announced& announced, const std::string& base64) {
  try {
    std::string packed = base64_decode(base64);
    if (std::to_string(packed.size()) != announced.bytes) return {};
    if (sha256_hex(packed) != announced.digest) return {};
    return packed;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

Output read_output(std::string_view output, std::string_view mark) {
  Output result;
  bool begun = false;
  std::optional<Announced> open;
  std::string base64;
  auto shown = [](std::string_view text) { return model::safe_text(text, kFact); };
  while (!output.empty()) {
    std::string_view line = take_line(output);
    auto words = said(line, mark);
    if (!words) {
      if (open) base64 += line;
      continue;
    }
    std::string_view word = take_word(*words);
    if (word == "begin") {
      // A machine that came up again may have run the script once more: the last run counts.
      result = {};
      open.reset();
      begun = true;
    }
    if (!begun) continue;
    if (word == "part") {
      if (open) result.damage.push_back(open->name);
      std::string_view name = take_word(*words), bytes = take_word(*words);
      open = Announced{shown(name), std::string(bytes), std::string(*words)};
      base64.clear();
    } else if (word == "end" && open) {
      auto packed = unpack_part(*open, base64);
      if (packed && *words == open->name) {
        result.parts[open->name] = {std::move(*packed)};
      } else {
        result.damage.push_back(open->name);
      }
      open.reset();
    } else if (word == "fact") {
      std::string_view name = take_word(*words);
      if (name == "left_out") {
        result.left_out.push_back(shown(*words));
      } else {
        result.facts[shown(name)] = shown(*words);
      }
    } else if (word == "problem") {
      result.problem = shown(*words);
    } else if (word == "finished") {
      result.whole = !open;
    }
  }
  if (open) result.damage.push_back(open->name);
  return result;
}

}  // namespace hallmark::scan::openscap
