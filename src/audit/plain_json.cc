#include "audit/plain_json.h"

#include <algorithm>

namespace hallmark::audit {
namespace {

// An entry's detail is nested twice or thrice; the stack must bear it.
constexpr int kDeepest = 16;
// Longer ones may be no 64-bit number.
constexpr std::size_t kMostDigits = 18;

/// Each function takes a value off the front and says whether it was a plain one.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// With its quotes.
  bool string(bool escapes = true) {
    if (!take('"')) return false;
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      const auto c = static_cast<unsigned char>(rest_[at]);
      if (c == '"') {
        rest_.remove_prefix(at + 1);
        return true;
      }
      if (c < 0x20 || c >= 0x7f) return false;
      if (c != '\\') continue;
      if (!escapes || ++at == rest_.size()) return false;
      if (rest_[at] != '"' && rest_[at] != '\\') return false;
    }
    return false;
  }

  bool value(int depth) {
    if (rest_.empty() || depth > kDeepest) return false;
    switch (rest_.front()) {
      case '"':
        return string();
      case '{':
        return list('{', '}', [&] { return string() && take(':') && value(depth + 1); });
      case '[':
        return list('[', ']', [&] { return value(depth + 1); });
      default:
        return word("true") || word("false") || word("null") || number();
    }
  }

  template <typename Item>
  bool list(char open, char close, Item item) {
    if (!take(open)) return false;
    if (take(close)) return true;
    do {
      if (!item()) return false;
    } while (take(','));
    return take(close);
  }

 private:
  bool word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool number() {
    take('-');
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    if (digits == 0 || digits > kMostDigits || (digits > 1 && rest_[0] == '0')) return false;
    rest_.remove_prefix(digits);
    // What else may follow a number makes it another one: 1.5, 1e9.
    return rest_.empty() || rest_[0] == ',' || rest_[0] == '}' || rest_[0] == ']';
  }

  std::string_view rest_;
};

}  // namespace

std::string_view PlainObject::json(std::string_view name) const {
  for (std::size_t i = size_; i > 0; --i) {
    if (members_[i - 1].name == name) return members_[i - 1].json;
  }
  return {};
}

std::optional<std::string> PlainObject::text(std::string_view name) const {
  std::string_view quoted = json(name);
  if (!quoted.starts_with('"')) return std::nullopt;
  quoted = quoted.substr(1, quoted.size() - 2);
  std::string text;
  text.reserve(quoted.size());
  while (!quoted.empty()) {
    const std::size_t plain = std::min(quoted.find('\\'), quoted.size());
    text.append(quoted.substr(0, plain));
    quoted.remove_prefix(plain);
    if (quoted.empty()) break;
    text += quoted[1];
    quoted.remove_prefix(2);
  }
  return text;
}

std::optional<PlainObject> plain_object(std::string_view text) {
  PlainObject object;
  Scanner scanner(text);
  auto member = [&] {
    if (object.size_ == object.members_.size()) return false;
    std::string_view before = scanner.rest();
    if (!scanner.string(/*escapes=*/false)) return false;
    const std::size_t name_size = before.size() - scanner.rest().size();
    const std::string_view name = before.substr(1, name_size - 2);
    if (!scanner.take(':')) return false;
    before = scanner.rest();
    if (!scanner.value(0)) return false;
    object.members_[object.size_++] = {name,
                                       before.substr(0, before.size() - scanner.rest().size())};
    return true;
  };
  if (!scanner.list('{', '}', member) || !scanner.at_end()) return std::nullopt;
  return object;
}

}  // namespace hallmark::audit
