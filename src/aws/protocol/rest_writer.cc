#include <algorithm>
#include <nlohmann/json.hpp>

#include "aws/protocol/scalar.h"
#include "aws/protocol/writers.h"
#include "aws/url.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

std::string header_text(const Member& member, const Value& value) {
  if (member.shape->type == Type::list) {
    const Member& element = member.shape->element;
    std::vector<std::string> parts;
    for (const Value& item : value) {
      if (item.is_null()) continue;
      std::string text = header_text(element, item);
      if (element.shape->type == Type::string && text.find_first_of("\",") != std::string::npos) {
        text = '"' + replace_all(std::move(text), "\"", "\\\"") + '"';
      }
      parts.push_back(std::move(text));
    }
    return join(parts, ",");
  }
  // Headers carry no line breaks, so JSON goes in base64.
  if (member.json_value) return base64_encode(value.dump());
  return scalar_text(member, value, TimestampFormat::rfc822);
}

std::string query_text(const Member& member, const Value& value) {
  return scalar_text(member, value, TimestampFormat::iso8601);
}

/// A member that the query string takes, as often as it takes it.
void add_query(const Member& member, const Value& value, const Shape& shape, const Value& input,
               NamedValues& query) {
  if (member.shape->type == Type::list) {
    for (const Value& item : value) {
      if (item.is_null()) continue;
      query.emplace_back(member.wire_name(), query_text(member.shape->element, item));
    }
    return;
  }
  if (member.shape->type != Type::map) {
    query.emplace_back(member.wire_name(), query_text(member, value));
    return;
  }
  for (const auto& [key, item] : value.items()) {
    // A name that a member of its own stands for is that member's.
    bool taken = std::any_of(shape.members.begin(), shape.members.end(), [&, &name = key](auto& m) {
      return m.location == Location::query && m.shape->type != Type::map && m.wire_name() == name &&
             input.contains(m.name);
    });
    if (taken || item.is_null()) continue;
    const Member& element = member.shape->element;
    if (element.shape->type != Type::list) {
      query.emplace_back(key, query_text(element, item));
      continue;
    }
    for (const Value& one : item) {
      if (!one.is_null()) query.emplace_back(key, query_text(element.shape->element, one));
    }
  }
}

std::string label_text(const Operation& operation, const Value& input, std::string_view label,
                       bool greedy) {
  if (operation.input != nullptr) {
    for (const Member& member : operation.input->members) {
      if (member.location != Location::uri || member.wire_name() != label) continue;
      auto it = input.find(member.name);
      std::string text = it == input.end() || it->is_null() ? "" : query_text(member, *it);
      if (text.empty()) {
        throw Error(ErrorKind::usage, "{}: must not be empty, because it is part of the URL",
                    member.name);
      }
      return percent_encode(text, greedy);
    }
  }
  throw Error(ErrorKind::corrupt, "the model of {} has no member for \"{}\" in its path",
              operation.name, label);
}

/// Fills the labels of "/{Bucket}/{Key+}?acl" and splits off its fixed query.
void write_target(const Operation& operation, const Value& input, Request& request) {
  std::string_view uri = operation.uri;
  std::string_view fixed;
  if (auto mark = uri.find('?'); mark != std::string_view::npos) {
    fixed = uri.substr(mark + 1);
    uri = uri.substr(0, mark);
  }
  std::string path;
  while (!uri.empty()) {
    auto open = uri.find('{');
    auto close = open == std::string_view::npos ? open : uri.find('}', open);
    if (close == std::string_view::npos) break;
    path += uri.substr(0, open);
    std::string_view label = uri.substr(open + 1, close - open - 1);
    bool greedy = label.ends_with('+');
    if (greedy) label.remove_suffix(1);
    path += label_text(operation, input, label, greedy);
    uri.remove_prefix(close + 1);
  }
  path += uri;
  request.path = path.starts_with('/') ? path : "/" + path;
  if (fixed.empty()) return;
  for (const std::string& pair : split(fixed, '&')) {
    auto equals = pair.find('=');
    bool bare = equals == std::string::npos;
    request.query.emplace_back(percent_decode(pair.substr(0, equals)),
                               bare ? "" : percent_decode(pair.substr(equals + 1)));
  }
}

void write_headers(const Member& member, const Value& value, Request& request) {
  if (member.location == Location::headers) {
    for (const auto& [key, item] : value.items()) {
      if (item.is_null()) continue;
      request.headers.emplace_back(std::string(member.location_name) + key,
                                   header_text(member.shape->element, item));
    }
    return;
  }
  if (member.shape->type == Type::list && value.empty()) return;
  request.headers.emplace_back(member.wire_name(), header_text(member, value));
}

void set_content_type(Request& request, std::string type) {
  if (!header(request.headers, "Content-Type")) {
    request.headers.emplace_back("Content-Type", std::move(type));
  }
}

void write_payload(const Member& payload, const Value& input, bool json, Request& request) {
  auto it = input.find(payload.name);
  bool given = it != input.end() && !it->is_null();
  Type type = payload.shape->type;
  if (type == Type::blob || type == Type::string) {
    if (!given) return;
    request.body = bytes_of(*it);
    set_content_type(request, type == Type::blob ? "application/octet-stream" : "text/plain");
    return;
  }
  if (json) {
    request.body = given ? json_text(payload, *it, false) : "{}";
    set_content_type(request, "application/json");
  } else if (given) {
    std::string_view root =
        payload.location_name.empty() ? payload.shape->name : payload.location_name;
    request.body = xml_text(payload, *it, root, payload.xml_namespace, false);
    set_content_type(request, "application/xml");
  }
}

void write_body(const Model& model, const Operation& operation, const Value& input,
                Request& request) {
  const Shape& shape = *operation.input;
  bool json = model.metadata().protocol == Protocol::rest_json;
  if (shape.payload != nullptr) {
    write_payload(*shape.payload, input, json, request);
    return;
  }
  Member top;
  top.shape = &shape;
  if (json) {
    if (!shape.has_body_members()) return;
    request.body = json_text(top, input, true);
    set_content_type(request, "application/json");
    return;
  }
  bool any = false;
  for (const auto& [name, value] : input.items()) {
    const Member* member = shape.member(name);
    any = any || (member != nullptr && member->location == Location::body && !value.is_null());
  }
  if (!any) return;
  std::string_view root = operation.input_name;
  if (root.empty()) root = shape.location_name.empty() ? shape.name : shape.location_name;
  bool own = !operation.input_namespace.uri.empty();
  request.body =
      xml_text(top, input, root, own ? operation.input_namespace : shape.xml_namespace, true);
  set_content_type(request, "application/xml");
}

}  // namespace

void write_rest(const Model& model, const Operation& operation, const Value& input,
                Request& request) {
  write_target(operation, input, request);
  if (operation.input == nullptr) return;
  const Shape& shape = *operation.input;
  for (const auto& [name, value] : input.items()) {
    const Member* member = shape.member(name);
    if (member == nullptr || value.is_null()) continue;
    switch (member->location) {
      case Location::query:
        add_query(*member, value, shape, input, request.query);
        break;
      case Location::header:
      case Location::headers:
        write_headers(*member, value, request);
        break;
      default:
        break;
    }
  }
  write_body(model, operation, input, request);
}

}  // namespace hallmark::aws
