#include "aws/message.h"

#include "base/text.h"

namespace hallmark::aws {

std::optional<std::string> header(const NamedValues& headers, std::string_view name) {
  std::string wanted = to_lower(name);
  for (const auto& [key, value] : headers) {
    if (key.size() == wanted.size() && to_lower(key) == wanted) return value;
  }
  return std::nullopt;
}

}  // namespace hallmark::aws
