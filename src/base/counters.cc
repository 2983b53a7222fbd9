#include "base/counters.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>

#include "base/sync.h"

namespace hallmark {

namespace {

using Counts = std::map<std::string, std::map<std::string, std::uint64_t>>;

Sync<Counts>& counts() {
  static Sync<Counts> all;
  return all;
}

}  // namespace

void count(std::string_view name, std::string_view labels) {
  auto all = counts().lock();
  ++(*all)[std::string(name)][std::string(labels)];
}

std::string counters_text() {
  std::string text;
  auto all = counts().lock();
  for (const auto& [name, by_labels] : *all) {
    text += fmt::format("# TYPE {} counter\n", name);
    for (const auto& [labels, value] : by_labels) {
      text += fmt::format("{}{{{}}} {}\n", name, labels, value);
    }
  }
  return text;
}

}  // namespace hallmark
