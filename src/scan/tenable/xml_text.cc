#include "scan/tenable/xml_text.h"

#include <algorithm>

namespace hallmark::scan::tenable {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_plain(char c) { return c >= 0x20 && static_cast<unsigned char>(c) < 0x80; }

enum class Kind { whole, bad, cut_off };

/// What stands at the start of `text`; `length` is that of a whole character. Unicode Standard,
/// table 3-7; XML 1.0, production 2 "Char".
Kind look(std::string_view text, std::size_t& length) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  length = 1;
  if (first < 0x80) {
    const bool allowed = first >= 0x20 || first == '\t' || first == '\n' || first == '\r';
    return allowed ? Kind::whole : Kind::bad;
  }
  if (first < 0xc2 || first > 0xf4) return Kind::bad;
  const std::size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (text.size() > 1) {
    // Overlong forms, surrogates and what is above U+10FFFF show in the second byte.
    const unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < least || byte(1) > most) return Kind::bad;
  }
  for (std::size_t i = 2; i < std::min(wanted, text.size()); ++i) {
    if ((byte(i) & 0xc0) != 0x80) return Kind::bad;
  }
  if (text.size() < wanted) return Kind::cut_off;
  length = wanted;
  const bool not_a_character = wanted == 3 && first == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe;
  return not_a_character ? Kind::bad : Kind::whole;
}

}  // namespace

void XmlText::replace() {
  repaired_ += kReplacement;
  ++replaced_;
}

std::string_view XmlText::repair(std::string_view piece) {
  std::string joined;
  if (!waiting_.empty()) {
    joined = waiting_.append(piece);
    waiting_.clear();
    piece = joined;
  }
  repaired_.clear();
  repaired_.reserve(piece.size());
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t start = at;
    while (at < piece.size() && is_plain(piece[at])) ++at;  // what nearly all of it is
    repaired_.append(piece, start, at - start);
    if (at == piece.size()) break;
    std::size_t length = 0;
    switch (look(piece.substr(at), length)) {
      case Kind::whole:
        repaired_.append(piece, at, length);
        break;
      case Kind::bad:
        replace();
        break;
      case Kind::cut_off:
        waiting_ = piece.substr(at);
        return repaired_;
    }
    at += length;
  }
  return repaired_;
}

std::string_view XmlText::finish() {
  repaired_.clear();
  for (std::size_t i = 0; i < waiting_.size(); ++i) replace();
  waiting_.clear();
  return repaired_;
}

}  // namespace hallmark::scan::tenable
