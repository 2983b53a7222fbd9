#include "aws/printable.h"

#include "aws/place.h"
#include "aws/protocol/scalar.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

void convert(const Shape& shape, Value& value, const Place& place) {
  // Deeper inputs are refused when they are validated.
  if (place.depth() > kMaxDepth) return;
  switch (shape.type) {
    case Type::structure:
      if (!value.is_object()) return;
      for (auto& [name, item] : value.items()) {
        if (const Member* member = shape.member(name)) {
          convert(*member->shape, item, {&place, name, 0});
        }
      }
      break;
    case Type::list: {
      if (!value.is_array()) return;
      std::size_t index = 0;
      for (Value& item : value) convert(*shape.element.shape, item, {&place, {}, index++});
      break;
    }
    case Type::map:
      if (!value.is_object()) return;
      for (auto& [key, item] : value.items()) {
        convert(*shape.element.shape, item, {&place, key, 0});
      }
      break;
    case Type::blob:
      if (value.is_object() && value.size() == 1 && value.contains("base64") &&
          value["base64"].is_string()) {
        try {
          value = to_blob(decode_base64(value["base64"].get<std::string>()));
        } catch (const Error&) {
          throw Error(ErrorKind::usage, "{}: not valid base64", place.text("the input"));
        }
      }
      break;
    default:
      break;
  }
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    auto lead = static_cast<unsigned char>(bytes[i]);
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return false;
    std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (more >= bytes.size() - i) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(bytes[i + k]) & 0xc0) != 0x80) return false;
    }
    auto second = static_cast<unsigned char>(more == 0 ? 0 : bytes[i + 1]);
    // Overlong forms, surrogates, and what lies beyond Unicode.
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

Value printable(const Value& value) {
  if (value.is_binary()) {
    std::string bytes = bytes_of(value);
    if (is_utf8(bytes)) return bytes;
    return {{"base64", base64_encode(bytes)}};
  }
  if (value.is_array()) {
    Value list = Value::array();
    for (const Value& item : value) list.push_back(printable(item));
    return list;
  }
  if (value.is_object()) {
    Value object = Value::object();
    for (const auto& [name, item] : value.items()) append(object, name, printable(item));
    return object;
  }
  return value;
}

Value from_printable(const Shape& shape, Value value) {
  convert(shape, value, {});
  return value;
}

}  // namespace hallmark::aws
