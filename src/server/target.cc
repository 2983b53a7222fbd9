#include "server/target.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::server {

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

std::string decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const bool whole = text.size() - i > 2;
      const int high = whole ? digit_of(text[i + 1]) : -1;
      const int low = whole ? digit_of(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        throw Error(ErrorKind::usage, "the address has a % without two digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out += c;
  }
  if (!is_utf8(out)) throw Error(ErrorKind::usage, "the address is no UTF-8");
  return out;
}

}  // namespace

Target parse_target(std::string_view text) {
  const std::size_t mark = text.find('?');
  Target target{.path = decoded(text.substr(0, mark), false)};
  if (!target.path.starts_with('/')) throw Error(ErrorKind::usage, "the address has no path");
  for (const std::string& part : split(target.path, '/')) {
    if (part == "." || part == "..") throw Error(ErrorKind::usage, "the path has dots in it");
  }
  const bool plain = std::none_of(target.path.begin(), target.path.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
  });
  if (!plain) throw Error(ErrorKind::usage, "the path has control characters in it");
  if (mark == text.npos) return target;
  for (const std::string& pair : split(text.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string name = decoded(std::string_view(pair).substr(0, equals), true);
    const std::string value =
        equals == pair.npos ? "" : decoded(std::string_view(pair).substr(equals + 1), true);
    Json& known = target.query[name];
    if (known.is_null()) {
      known = value;
    } else if (known.is_array()) {
      known.push_back(value);
    } else {
      known = Json::array({known, value});
    }
  }
  return target;
}

}  // namespace hallmark::server
