#include "aws/jmespath.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

Value field(const Value& value, const std::string& name) {
  if (!value.is_object()) return nullptr;
  auto found = value.find(name);
  return found == value.end() ? Value(nullptr) : *found;
}

Value element(const Value& value, long index) {
  if (!value.is_array()) return nullptr;
  long size = static_cast<long>(value.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return nullptr;
  return value[static_cast<std::size_t>(index)];
}

Value flattened(const Value& value) {
  if (!value.is_array()) return nullptr;
  Value out = Value::array();
  for (const Value& each : value) {
    if (each.is_array()) {
      out.insert(out.end(), each.begin(), each.end());
    } else {
      out.push_back(each);
    }
  }
  return out;
}

/// Evaluates while it parses: these expressions are short and their results small.
class Evaluation {
 public:
  Evaluation(std::string_view text, const Value& input) : text_(text), input_(input) {}

  Value run() {
    Value result = alternatives();
    skip_space();
    if (at_ != text_.size()) throw refused();
    return result;
  }

 private:
  Value alternatives() {
    Value result = comparison();
    while (take("||")) {
      Value other = comparison();
      if (!is_truth(result)) result = std::move(other);
    }
    return result;
  }

  Value comparison() {
    Value left = operand();
    // Longer ones first, so that ">=" is not read as ">".
    for (std::string_view sign : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!take(sign)) continue;
      Value right = operand();
      if (sign == "==") return left == right;
      if (sign == "!=") return left != right;
      if (!left.is_number() || !right.is_number()) return nullptr;
      double a = left.get<double>();
      double b = right.get<double>();
      if (sign == "<") return a < b;
      if (sign == ">") return a > b;
      return sign == "<=" ? a <= b : a >= b;
    }
    return left;
  }

  Value operand() {
    if (take("`")) return literal();
    if (take("'")) return std::string(until('\''));
    if (take("length(")) {
      Value of = alternatives();
      if (!take(")")) throw refused();
      if (of.is_string()) return of.get_ref<const std::string&>().size();
      return of.is_structured() ? Value(of.size()) : Value(nullptr);
    }
    return path();
  }

  Value literal() {
    std::string_view json = until('`');
    Value value = Value::parse(json, nullptr, false);
    return value.is_discarded() ? Value(std::string(json)) : value;
  }

  Value path() {
    Value value = take("@") ? input_ : field(input_, name());
    bool each = false;  // from the first [] on, what follows is done to each element
    auto step = [&](auto function) {
      if (!each) {
        value = function(value);
        return;
      }
      Value out = Value::array();
      for (const Value& item : value) {
        Value result = function(item);
        if (!result.is_null()) out.push_back(std::move(result));
      }
      value = std::move(out);
    };
    while (true) {
      if (take(".")) {
        std::string member = name();
        step([&](const Value& item) { return field(item, member); });
      } else if (take("[]")) {
        value = flattened(value);
        if (value.is_null()) return skip_steps();
        each = true;
      } else if (take("[")) {
        long index = number();
        step([&](const Value& item) { return element(item, index); });
      } else {
        return value;
      }
    }
  }

  /// Nothing to flatten: the rest of the path finds nothing either, and is read all the same.
  Value skip_steps() {
    while (true) {
      if (take(".")) {
        name();
      } else if (take("[")) {
        if (!take("]")) number();
      } else {
        return nullptr;
      }
    }
  }

  std::string name() {
    skip_space();
    if (take("\"")) return std::string(until('"'));
    std::size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
      ++at_;
    }
    if (begin == at_) throw refused();
    return std::string(text_.substr(begin, at_ - begin));
  }

  long number() {
    long value = 0;
    auto [end, failure] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (failure != std::errc()) throw refused();
    at_ = static_cast<std::size_t>(end - text_.data());
    if (!take("]")) throw refused();
    return value;
  }

  std::string_view until(char quote) {
    std::size_t end = text_.find(quote, at_);
    if (end == text_.npos) throw refused();
    std::string_view inner = text_.substr(at_, end - at_);
    at_ = end + 1;
    return inner;
  }

  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  Error refused() const {
    return Error(ErrorKind::corrupt, "cannot read the expression \"{}\" from place {} on", text_,
                 at_);
  }

  std::string_view text_;
  const Value& input_;
  std::size_t at_ = 0;
};

}  // namespace

Value find_by_path(std::string_view expression, const Value& value) {
  return Evaluation(expression, value).run();
}

bool is_truth(const Value& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.is_structured() || !value.empty();
}

}  // namespace hallmark::aws
