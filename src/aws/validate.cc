#include "aws/validate.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "aws/place.h"
#include "aws/protocol/scalar.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

constexpr std::size_t kMaxShown = 10;

std::string_view kind_of(const Value& value) {
  if (value.is_null()) return "null";
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number_float()) return "a fraction";
  if (value.is_number()) return "an integer";
  return "bytes";
}

/// Services count code points.
std::size_t length_of(const std::string& text) {
  std::size_t count = 0;
  for (unsigned char c : text) count += (c & 0xc0) != 0x80;
  return count;
}

class Validator {
 public:
  void check(const Member& member, const Value& value, const Place& place) {
    if (place.depth() > kMaxDepth) {
      problem(place, fmt::format("is nested more than {} levels deep", kMaxDepth));
      return;
    }
    const Shape& shape = *member.shape;
    switch (shape.type) {
      case Type::structure:
        if (!shape.is_document) check_structure(shape, value, place);
        break;
      case Type::list:
        check_list(shape, value, place);
        break;
      case Type::map:
        check_map(shape, value, place);
        break;
      default:
        check_scalar(member, value, place);
    }
  }

  void check_structure(const Shape& shape, const Value& value, const Place& place) {
    if (!value.is_object()) {
      wants(place, "an object", value);
      return;
    }
    std::size_t given = 0;
    for (const auto& [name, item] : value.items()) {
      const Member* member = shape.member(name);
      if (member == nullptr) {
        unknown(shape, name, {&place, name, 0});
      } else if (!item.is_null()) {
        ++given;
        check(*member, item, {&place, name, 0});
      }
    }
    for (const Member& member : shape.members) {
      if (!member.required || member.idempotency_token) continue;
      auto it = value.find(member.name);
      if (it == value.end() || it->is_null()) problem({&place, member.name, 0}, "is missing");
    }
    if (shape.is_union && given != 1) {
      problem(place, fmt::format("takes exactly one of {}, not {}", names_of(shape), given));
    }
  }

  /// Throws what was found.
  void report() const {
    if (problems_.empty()) return;
    std::vector<std::string> shown(
        problems_.begin(),
        problems_.begin() + static_cast<std::ptrdiff_t>(std::min(problems_.size(), kMaxShown)));
    std::string text = join(shown, "\n");
    if (problems_.size() > kMaxShown) {
      text += fmt::format("\nand {} more", problems_.size() - kMaxShown);
    }
    throw Error(ErrorKind::usage, "{}", text);
  }

 private:
  void problem(const Place& place, std::string_view what) {
    problems_.push_back(place.text("the input") + ": " + std::string(what));
  }

  void wants(const Place& place, std::string_view wanted, const Value& value) {
    problem(place, fmt::format("wants {}, not {}", wanted, kind_of(value)));
  }

  static std::string names_of(const Shape& shape) {
    std::vector<std::string> names;
    for (const Member& member : shape.members) names.emplace_back(member.name);
    return join(names, ", ");
  }

  void unknown(const Shape& shape, std::string_view name, const Place& place) {
    std::vector<std::string> known;
    for (const Member& member : shape.members) known.emplace_back(member.name);
    auto close = suggestion(name, known);
    // Letters of another case are the commonest slip: services write some names either way.
    for (const std::string& candidate : known) {
      if (to_lower(candidate) == to_lower(name)) close = candidate;
    }
    if (close) {
      problem(place, "is unknown; did you mean \"" + *close + "\"?");
    } else if (known.empty()) {
      problem(place, "is unknown; nothing can be given here");
    } else {
      problem(place, "is unknown; known are " + join(known, ", "));
    }
  }

  void check_size(const Shape& shape, double size, std::string_view unit, const Place& place) {
    if (shape.min && size < *shape.min) {
      problem(place, fmt::format("is too small: {}{}, at least {}", size, unit, *shape.min));
    } else if (shape.max && size > *shape.max) {
      problem(place, fmt::format("is too large: {}{}, at most {}", size, unit, *shape.max));
    }
  }

  void check_list(const Shape& shape, const Value& value, const Place& place) {
    if (!value.is_array()) {
      wants(place, "an array", value);
      return;
    }
    check_size(shape, static_cast<double>(value.size()), " elements", place);
    std::size_t index = 0;
    for (const Value& item : value) {
      if (!item.is_null()) check(shape.element, item, {&place, {}, index});
      ++index;
    }
  }

  void check_map(const Shape& shape, const Value& value, const Place& place) {
    if (!value.is_object()) {
      wants(place, "an object", value);
      return;
    }
    check_size(shape, static_cast<double>(value.size()), " entries", place);
    for (const auto& [key, item] : value.items()) {
      Place here{&place, key, 0};
      check(shape.key, Value(key), here);
      if (!item.is_null()) check(shape.element, item, here);
    }
  }

  void check_scalar(const Member& member, const Value& value, const Place& place) {
    const Shape& shape = *member.shape;
    switch (shape.type) {
      case Type::string:
        if (value.is_string()) {
          check_size(shape, static_cast<double>(length_of(value.get_ref<const std::string&>())),
                     " characters", place);
        } else if (!member.json_value) {
          wants(place, "a string", value);
        }
        break;
      case Type::blob:
        if (!value.is_string() && !value.is_binary()) {
          wants(place, "text or {\"base64\": ..}", value);
        } else {
          std::size_t size = value.is_binary() ? value.get_binary().size()
                                               : value.get_ref<const std::string&>().size();
          check_size(shape, static_cast<double>(size), " bytes", place);
        }
        break;
      case Type::boolean:
        if (!value.is_boolean()) wants(place, "true or false", value);
        break;
      case Type::integer:
        if (!value.is_number_integer()) {
          wants(place, "an integer", value);
        } else {
          check_size(shape, value.get<double>(), "", place);
        }
        break;
      case Type::real:
        if (value.is_number()) {
          check_size(shape, value.get<double>(), "", place);
        } else if (!value.is_string() || !is_special_number(value.get_ref<const std::string&>())) {
          wants(place, "a number", value);
        }
        break;
      default:
        if (!instant_of(value)) {
          wants(place, "a time: seconds since 1970 or like 2026-11-22T17:05:01Z", value);
        }
    }
  }

  std::vector<std::string> problems_;
};

}  // namespace

void validate_input(const Operation& operation, const Value& input) {
  static const Shape kNothing;
  Validator validator;
  const Shape& shape = operation.input == nullptr ? kNothing : *operation.input;
  validator.check_structure(shape, input.is_null() ? Value::object() : input, {});
  validator.report();
}

}  // namespace hallmark::aws
