#include "server/message.h"

namespace hallmark::server {

std::string Request::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return "";
}

}  // namespace hallmark::server
