#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/text.h"
#include "model/finding.h"
#include "pipeline/ancestry.h"

namespace hallmark::pipeline {

namespace {

/// Deeper ones are a line of versions, each built on the one before, and not a tree to be seen.
constexpr std::size_t kDrawnLevels = 12;

constexpr int kRowHeight = 30;
constexpr int kIndent = 24;
constexpr int kMargin = 16;
/// Of a character in the picture's font, on average; the widest row makes the picture's width.
constexpr int kCharacterWidth = 8;
/// Marks list findings' counts and more; the rest is in the tooltip.
constexpr std::size_t kMarkLimit = 120;
constexpr std::size_t kNameLimit = 200;

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark}
svg{--page:#fff;--text:#1c2024;--soft:#60646c;--line:#b9bec5;--good:#2f7d4f;--bad:#b3261e;--outside:#5f6b7a}
@media (prefers-color-scheme:dark){svg{--page:#17191c;--text:#e8eaed;--soft:#a4a9b1;--line:#555b64;
--good:#62c08a;--bad:#ef6b62;--outside:#93a1b3}}
text{font:14px system-ui,sans-serif;fill:var(--text)}.soft{fill:var(--soft)}.bad{fill:var(--bad)}
.good{fill:var(--good)}.page{fill:var(--page)}.outside{fill:var(--outside)}path{fill:none;stroke:var(--line)}
)css";

/// Text from outside, on one line.
std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : model::safe_text(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += ' ';
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

/// What is said of it after its name.
std::string words_of(const AncestryNode& node, TimePoint now) {
  std::vector<std::string> words;
  if (node.outside) {
    words.emplace_back("outside source");
    if (!node.name.empty()) words.push_back(node.image_id);
  } else {
    words.emplace_back(to_string(node.state));
    const std::string age = age_of(node.created_at, now);
    if (!age.empty()) words.push_back(age);
  }
  return join(words, ", ");
}

std::string_view tone_of(const AncestryNode& node) {
  if (node.retired || node.vulnerable || !node.marks.empty()) return "bad";
  if (node.outside) return "outside";
  return node.state == GoldenState::active ? "good" : "soft";
}

/// Shapes differ as well as colours do.
std::string shape_of(const AncestryNode& node, int x, int y) {
  if (node.outside) {
    return fmt::format(R"(<rect class="outside" x="{}" y="{}" width="10" height="10"/>)", x - 5,
                       y - 5);
  }
  if (tone_of(node) == "bad") {
    return fmt::format(R"(<polygon class="bad" points="{},{} {},{} {},{}"/>)", x, y - 7, x - 7,
                       y + 6, x + 7, y + 6);
  }
  return fmt::format(R"(<circle class="{}" cx="{}" cy="{}" r="6"/>)", tone_of(node), x, y);
}

const std::string& shown_name(const AncestryNode& node) {
  return node.name.empty() ? node.image_id : node.name;
}

}  // namespace

std::vector<std::string> tree_rails(const std::vector<std::size_t>& depths) {
  std::vector<std::string> rails(depths.size());
  // From the last line up: at each level, whether a sibling comes further down.
  std::vector<bool> more;
  for (std::size_t i = depths.size(); i-- > 0;) {
    const std::size_t depth = depths[i];
    more.resize(depth + 1);
    const std::size_t first = depth > kDrawnLevels ? depth - kDrawnLevels + 1 : 1;
    std::string& rail = rails[i];
    if (first > 1) rail = fmt::format("({}) ", depth);
    for (std::size_t level = first; level < depth; ++level) rail += more[level] ? "│  " : "   ";
    if (depth > 0) rail += more[depth] ? "├─ " : "└─ ";
    more[depth] = true;
  }
  return rails;
}

std::string age_of(const std::string& created_at, TimePoint now) {
  TimePoint created;
  try {
    created = from_rfc3339(created_at);
  } catch (const Error&) {
    return "";
  }
  const auto days = std::chrono::duration_cast<std::chrono::days>(now - created).count();
  if (days <= 0) return "today";
  return fmt::format("{} day{}", days, days == 1 ? "" : "s");
}

std::string ancestry_svg(const Ancestry& ancestry, TimePoint now) {
  std::string lines;
  std::string rows;
  std::vector<int> last_child_y(ancestry.nodes.size(), 0);
  std::size_t widest = 0;
  auto x_of = [](const AncestryNode& node) {
    return kMargin + static_cast<int>(node.depth) * kIndent;
  };
  auto y_of = [](std::size_t i) { return kMargin + static_cast<int>(i) * kRowHeight; };
  for (std::size_t i = 0; i < ancestry.nodes.size(); ++i) {
    const AncestryNode& node = ancestry.nodes[i];
    const int x = x_of(node);
    const int y = y_of(i);
    if (node.parent) {
      last_child_y[*node.parent] = y;
      lines += fmt::format("M{} {}H{}", x - kIndent, y, x - 8);
    }
    const std::string name = model::safe_text(shown_name(node), kNameLimit);
    const std::string words = words_of(node, now);
    const std::string marks = model::safe_text(join(node.marks, "; "), kMarkLimit);
    std::string title = name + ": " + words;
    if (!node.marks.empty()) title += "; " + join(node.marks, "; ");
    rows += fmt::format(R"(<g role="listitem"><title>{}</title>{}<text x="{}" y="{}">{} )"
                        R"(<tspan class="soft">{}</tspan>)",
                        escape_xml(title), shape_of(node, x, y), x + 14, y + 5, escape_xml(name),
                        escape_xml(words));
    if (!marks.empty()) {
      rows += fmt::format(R"( <tspan class="bad">! {}</tspan>)", escape_xml(marks));
    }
    rows += "</text></g>\n";
    widest = std::max(widest, static_cast<std::size_t>(x) +
                                  kCharacterWidth * (name.size() + words.size() + marks.size()));
  }
  for (std::size_t i = 0; i < ancestry.nodes.size(); ++i) {
    if (last_child_y[i] == 0) continue;
    lines += fmt::format("M{} {}V{}", x_of(ancestry.nodes[i]), y_of(i) + 8, last_child_y[i]);
  }
  // Shapes, spaces and the mark's sign come to a margin's width or two.
  const std::size_t width = widest + 4 * kMargin;
  const std::size_t height = ancestry.nodes.size() * kRowHeight + kMargin;
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="list" aria-labelledby="title">
<title id="title">Ancestry of golden images</title>
<style>{2}</style>
<rect class="page" width="100%" height="100%"/>
<path d="{3}"/>
{4}</svg>
)",
      width, height, kStyle, lines, rows);
}

void to_json(Json& json, const Ancestry& value) {
  json = Json::array();
  std::vector<std::vector<std::size_t>> children(value.nodes.size());
  for (std::size_t i = 0; i < value.nodes.size(); ++i) {
    if (value.nodes[i].parent) children[*value.nodes[i].parent].push_back(i);
  }
  auto name_of = [&](std::size_t i) {
    const AncestryNode& node = value.nodes[i];
    return node.outside ? node.image_id : node.name;
  };
  for (std::size_t i = 0; i < value.nodes.size(); ++i) {
    const AncestryNode& node = value.nodes[i];
    Json below = Json::array();
    for (const std::size_t child : children[i]) below.push_back(name_of(child));
    Json image = {{"kind", node.outside ? "outside" : "golden"},
                  {"name", node.name},
                  {"image_id", node.image_id},
                  {"depth", node.depth},
                  {"parent", node.parent ? Json(name_of(*node.parent)) : Json(nullptr)},
                  {"children", std::move(below)},
                  {"marks", node.marks}};
    if (!node.outside) {
      image.update({{"run_id", node.run_id},
                    {"state", to_string(node.state)},
                    {"created_at", node.created_at},
                    {"retired", node.retired},
                    {"vulnerable", node.vulnerable}});
    }
    json.push_back(std::move(image));
  }
}

}  // namespace hallmark::pipeline
