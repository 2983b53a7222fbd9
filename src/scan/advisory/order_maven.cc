/// Maven's order, as its ComparableVersion has it:
/// https://maven.apache.org/pom.html#version-order-specification

#include <array>
#include <string>
#include <vector>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

struct Item {
  bool number = false;
  std::string text;  ///< lower case, aliases replaced; "" is the release itself
};

/// A list, whose last item is the next list: a dash, or a change between digits and letters, begins
/// one that lies in the one before.
using Lists = std::vector<std::vector<Item>>;

constexpr int kRelease = 5;

int rank(const std::string& word) {
  constexpr std::array<std::string_view, 7> kKnown = {"alpha",    "beta", "milestone", "rc",
                                                      "snapshot", "",     "sp"};
  return static_cast<int>(std::find(kKnown.begin(), kKnown.end(), word) - kKnown.begin());
}

/// "a1" is "alpha-1"; the release has several names.
std::string qualifier(std::string_view text, bool digit_follows) {
  std::string word(text);
  std::transform(word.begin(), word.end(), word.begin(), lower);
  if (digit_follows && word == "a") return "alpha";
  if (digit_follows && word == "b") return "beta";
  if (digit_follows && word == "m") return "milestone";
  if (word == "final" || word == "ga" || word == "release") return "";
  if (word == "cr") return "rc";
  return word;
}

bool adds_nothing(const Item& item) {
  return item.number ? item.text.find_first_not_of('0') == item.text.npos : item.text.empty();
}

Lists lists_of(std::string_view text) {
  Lists lists(1);
  const auto separate = [&] {
    if (!lists.back().empty()) lists.emplace_back();
  };
  while (!text.empty()) {
    if (text[0] == '.' || text[0] == '-') {
      // Nothing between separators is a zero.
      lists.back().push_back({true, "0"});
    } else if (is_digit(text[0])) {
      lists.back().push_back({true, std::string(take(text, is_digit))});
      if (!text.empty() && text[0] != '.' && text[0] != '-') {
        lists.emplace_back();
        continue;
      }
    } else {
      const auto word = take(text, [](char c) { return !is_digit(c) && c != '.' && c != '-'; });
      const bool digit_follows = !text.empty() && is_digit(text[0]);
      // What is behind a dot is as if it were behind a dash, but for what another separator
      // follows.
      if (digit_follows || text.empty()) separate();
      lists.back().push_back({false, qualifier(word, digit_follows)});
      if (digit_follows) {
        lists.emplace_back();
        continue;
      }
    }
    if (text.empty()) break;
    if (text[0] == '-') lists.emplace_back();
    text.remove_prefix(1);
  }
  for (auto& list : lists) {
    while (!list.empty() && adds_nothing(list.back())) list.pop_back();
  }
  while (lists.size() > 1 && lists.back().empty()) lists.pop_back();
  return lists;
}

/// Against a version that has ended.
int compare_to_nothing(const Item& item) {
  return item.number ? static_cast<int>(!adds_nothing(item)) : sign(rank(item.text) - kRelease);
}

int compare_to_nothing(const Lists& lists, std::size_t from) {
  for (std::size_t list = from; list < lists.size(); ++list) {
    for (const Item& item : lists[list]) {
      if (const int order = compare_to_nothing(item)) return order;
    }
  }
  return 0;
}

int compare_items(const Item& a, const Item& b) {
  if (a.number != b.number) return a.number ? 1 : -1;
  if (a.number) return compare_numbers(a.text, b.text);
  const int order = sign(rank(a.text) - rank(b.text));
  return order != 0 ? order : sign(a.text.compare(b.text));
}

/// An item against what the other version has from the list on: a list is before numbers and behind
/// words.
int compare_to_list(const Item& item, const Lists& lists, std::size_t list) {
  if (list >= lists.size()) return compare_to_nothing(item);
  return item.number ? 1 : -1;
}

}  // namespace

bool is_maven_version(std::string_view version) {
  return std::all_of(version.begin(), version.end(), [](char c) {
    return is_digit(c) || is_letter(c) ||
           std::string_view("._-+~").find(c) != std::string_view::npos;
  });
}

int compare_maven(std::string_view a, std::string_view b) {
  const Lists left = lists_of(a);
  const Lists right = lists_of(b);
  for (std::size_t list = 0; list < left.size() && list < right.size(); ++list) {
    const auto& x = left[list];
    const auto& y = right[list];
    const std::size_t both = std::min(x.size(), y.size());
    for (std::size_t at = 0; at < both; ++at) {
      if (const int order = compare_items(x[at], y[at])) return order;
    }
    if (x.size() == y.size()) continue;
    // Where one's items end, its next list stands against the other's next item; then the other's
    // remain alone.
    const bool longer = x.size() > y.size();
    const auto& rest = longer ? x : y;
    const Lists& own = longer ? left : right;
    const Lists& other = longer ? right : left;
    int order = compare_to_list(rest[both], other, list + 1);
    for (std::size_t at = both + 1; order == 0 && at < rest.size(); ++at)
      order = compare_to_nothing(rest[at]);
    if (order == 0) order = compare_to_nothing(own, list + 1);
    return longer ? order : -order;
  }
  return left.size() > right.size() ? compare_to_nothing(left, right.size())
                                    : -compare_to_nothing(right, left.size());
}

}  // namespace hallmark::scan
