#include "server/caller.h"

#include <algorithm>

#include "base/text.h"

namespace hallmark::server {

Right parse_right(const std::string& text) {
  const std::size_t colon = text.find(':');
  Right right{.role = cli::role_named(text.substr(0, colon))};
  if (colon == text.npos) return right;
  right.product = text.substr(colon + 1);
  if (right.product.empty() || right.product.find('/') != text.npos) {
    throw Error(ErrorKind::usage, "\"{}\" names no product", text)
        .hint("such as builder:Web-1.0, or builder:Web-*");
  }
  return right;
}

std::string to_string(const Right& right) {
  return std::string(cli::to_string(right.role)) +
         (right.product == "*" ? "" : ":" + right.product);
}

void to_json(Json& json, const Right& value) {
  json = {{"role", cli::to_string(value.role)}, {"product", value.product}};
}

void from_json(const Json& json, Right& value) {
  value = {cli::role_named(member<std::string>(json, "role")),
           member<std::string>(json, "product")};
}

void require_caller_name(const std::string& name) {
  constexpr std::size_t kLongestName = 128;
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("._-@:/+=").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (!name.empty() && name.size() <= kLongestName && plain) return;
  throw Error(ErrorKind::usage, "\"{}\" is no name for who asks", name)
      .hint("use letters, digits and . _ - @");
}

bool may(const Caller& caller, cli::Role role, const std::optional<std::string>& product) {
  return std::any_of(caller.rights.begin(), caller.rights.end(), [&](const Right& right) {
    if (!cli::includes(right.role, role)) return false;
    return right.product == "*" || (product && matches_pattern(*product, right.product));
  });
}

bool may_for_some(const Caller& caller, cli::Role role) {
  return std::any_of(caller.rights.begin(), caller.rights.end(),
                     [&](const Right& right) { return cli::includes(right.role, role); });
}

}  // namespace hallmark::server
