#include "aws/protocol/headers.h"

#include <nlohmann/json.hpp>

#include "aws/protocol/readers.h"
#include "aws/protocol/scalar.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

/// Splits at commas outside of quotes. An HTTP date has a comma of its own.
std::vector<std::string> split_header(std::string_view text, bool dates) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  int commas = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      parts.back() += text[++i];
    } else if (c == '"' && (quoted || trim(parts.back()).empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted && (!dates || ++commas % 2 == 0)) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (std::string& part : parts) part = std::string(trim(part));
  return parts;
}

Value read_list(const Member& member, std::string_view text) {
  const Member& element = member.shape->element;
  bool dates = element.shape->type == Type::timestamp &&
               (element.timestamp_format == TimestampFormat::unset ||
                element.timestamp_format == TimestampFormat::rfc822);
  Value list = Value::array();
  for (const std::string& part : split_header(text, dates)) {
    list.push_back(scalar_value(element, part));
  }
  return list;
}

Value read_header(const Member& member, std::string_view text) {
  if (member.shape->type == Type::list) return read_list(member, text);
  if (member.json_value) {
    // Wrapped so that the reader of documents takes any JSON.
    Shape document;
    document.is_document = true;
    Member any;
    any.shape = &document;
    return JsonDocument(decode_base64(text)).read(any);
  }
  return scalar_value(member, text);
}

}  // namespace

Value read_header_members(const Shape& shape, const Response& response) {
  Value members = Value::object();
  for (const Member& member : shape.members) {
    if (member.location == Location::status_code) append(members, member.name, response.status);
    if (member.location == Location::headers) {
      std::string prefix = to_lower(member.location_name);
      Value map = Value::object();
      for (const auto& [name, value] : response.headers) {
        if (to_lower(name).starts_with(prefix)) map[name.substr(prefix.size())] = value;
      }
      append(members, member.name, std::move(map));
    }
    if (member.location != Location::header) continue;
    auto text = header(response.headers, member.wire_name());
    if (!text) continue;
    try {
      append(members, member.name, read_header(member, *text));
    } catch (const Error& error) {
      throw Error(ErrorKind::corrupt, "header {}: {}", member.wire_name(), error.message());
    }
  }
  return members;
}

}  // namespace hallmark::aws
