#pragma once
/// Where text goes: a stream and what it can show.

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::cli {

/// What a piece of text means, so that a terminal may colour it.
enum class Tone { plain, strong, good, warning, bad, faint };

struct Terminal {
  std::ostream& stream;
  bool color = false;  ///< a terminal, and NO_COLOR is not set
  bool live = false;   ///< a terminal whose last line may be rewritten
  int width = 100;     ///< columns
};

/// `text` in the tone's colour, or as it is where there is no colour.
std::string paint(const Terminal& terminal, Tone tone, std::string_view text);

/// The tone of a state's name: "active" is good, "failed" is bad, and so on.
Tone tone_of_state(std::string_view state);

/// Columns that the text takes, without control characters in it. Counts code points.
std::size_t columns(std::string_view text);

/// `text` cut to `width` columns, ending in "…" if something was cut.
std::string shorten(std::string_view text, std::size_t width);

/// Without control characters (they become spaces): fit for one line of a terminal.
std::string one_line(std::string_view text);

/// Lines of at most `width` columns, broken at spaces.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace hallmark::cli
