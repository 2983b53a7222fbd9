#include "notify/receiver.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace hallmark::notify {

namespace {

bool fits(const std::vector<std::string>& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches_pattern(text, pattern); });
}

}  // namespace

std::string way_of(const Receiver& receiver) {
  constexpr std::array<const char*, 4> kWays = {"webhook", "email", "sns", "eventbridge"};
  return kWays.at(receiver.way.index());
}

bool wants(const Receiver& receiver, const Event& event) {
  if (!fits(receiver.kinds, event.kind)) return false;
  if (receiver.products.empty()) return true;
  const std::string product = product_of(event);
  return !product.empty() && fits(receiver.products, product);
}

}  // namespace hallmark::notify
