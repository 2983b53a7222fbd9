#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <cmath>

#include "aws/place.h"
#include "aws/protocol/readers.h"
#include "aws/protocol/scalar.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

using Node = rapidjson::Value;

std::string_view text(const Node& node) { return {node.GetString(), node.GetStringLength()}; }

std::string_view kind_of(const Node& node) {
  switch (node.GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "a boolean";
    case rapidjson::kObjectType:
      return "an object";
    case rapidjson::kArrayType:
      return "an array";
    case rapidjson::kStringType:
      return "a string";
    default:
      return "a number";
  }
}

[[noreturn]] void mismatch(const Place& place, std::string_view wanted, const Node& node) {
  throw Error(ErrorKind::corrupt, "{}: should be {}, is {}", place.text(), wanted, kind_of(node));
}

Value number_of(const Node& node) {
  if (node.IsInt64()) return node.GetInt64();
  if (node.IsUint64()) return node.GetUint64();
  return node.GetDouble();
}

/// Whatever it is: documents, and values of the wrong type that are better shown than refused.
/// Depth has been checked.
Value any_value(const Node& node) {
  switch (node.GetType()) {
    case rapidjson::kNullType:
      return nullptr;
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return node.GetBool();
    case rapidjson::kStringType:
      return std::string(text(node));
    case rapidjson::kNumberType:
      return number_of(node);
    case rapidjson::kArrayType: {
      Value list = Value::array();
      for (const Node& item : node.GetArray()) list.push_back(any_value(item));
      return list;
    }
    default: {
      Value object = object_with_room(node.MemberCount());
      for (const auto& row : node.GetObject()) append(object, text(row.name), any_value(row.value));
      return object;
    }
  }
}

Value read_value(const Member& member, const Node& node, const Place& place);

Value read_structure(const Shape& shape, const Node& node, const Place& place) {
  if (!node.IsObject()) mismatch(place, "an object", node);
  Value structure =
      object_with_room(std::min<std::size_t>(node.MemberCount(), shape.members.size()));
  for (const Member& member : shape.members) {
    if (member.location != Location::body) continue;
    std::string_view name = member.wire_name();
    auto it = node.FindMember(Node(rapidjson::StringRef(name.data(), name.size())));
    if (it == node.MemberEnd() || it->value.IsNull()) continue;
    append(structure, member.name, read_value(member, it->value, {&place, member.name, 0}));
  }
  if (shape.is_union && structure.empty()) {
    for (const auto& row : node.GetObject()) {
      if (text(row.name) == "__type" || row.value.IsNull()) continue;
      return {{"SDK_UNKNOWN_MEMBER", {{"name", std::string(text(row.name))}}}};
    }
  }
  return structure;
}

Value read_scalar(const Member& member, const Node& node, const Place& place) {
  Type type = member.shape->type;
  if (type == Type::string) return any_value(node);
  if (node.IsString()) {
    try {
      return scalar_value(member, text(node));
    } catch (Error& error) {
      throw Error(ErrorKind::corrupt, "{}: {}", place.text(), error.message());
    }
  }
  switch (type) {
    case Type::boolean:
      if (!node.IsBool()) mismatch(place, "a boolean", node);
      return node.GetBool();
    case Type::integer: {
      if (!node.IsNumber()) mismatch(place, "an integer", node);
      if (node.IsInt64() || node.IsUint64()) return number_of(node);
      double number = node.GetDouble();
      // Beyond, a double has no exact integers that int64 could hold.
      if (std::fabs(number) > 9.0e15) mismatch(place, "an integer", node);
      return static_cast<std::int64_t>(number);
    }
    case Type::real:
      if (!node.IsNumber()) mismatch(place, "a number", node);
      return number_of(node);
    case Type::timestamp: {
      auto instant = node.IsNumber() ? instant_of(number_of(node)) : std::nullopt;
      if (!instant) mismatch(place, "a timestamp", node);
      return to_value(*instant);
    }
    default:
      mismatch(place, "base64 text", node);
  }
}

Value read_value(const Member& member, const Node& node, const Place& place) {
  // Lists and maps may be sparse.
  if (node.IsNull()) return nullptr;
  const Shape& shape = *member.shape;
  switch (shape.type) {
    case Type::structure:
      return shape.is_document ? any_value(node) : read_structure(shape, node, place);
    case Type::list: {
      if (!node.IsArray()) mismatch(place, "an array", node);
      Value list = Value::array();
      std::size_t index = 0;
      for (const Node& item : node.GetArray()) {
        list.push_back(read_value(shape.element, item, {&place, {}, index}));
        ++index;
      }
      return list;
    }
    case Type::map: {
      if (!node.IsObject()) mismatch(place, "an object", node);
      Value map = Value::object();
      for (const auto& row : node.GetObject()) {
        append(map, text(row.name),
               read_value(shape.element, row.value, {&place, text(row.name), 0}));
      }
      return map;
    }
    default:
      return read_scalar(member, node, place);
  }
}

/// Counts brackets outside of strings, before anything is built from them.
void check_depth(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        throw Error(ErrorKind::corrupt, "the answer is nested more than {} levels deep", kMaxDepth);
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

}  // namespace

struct JsonDocument::Tree {
  std::string buffer;  ///< what the strings of the document point into
  rapidjson::Document document;
};

JsonDocument::JsonDocument(std::string_view json) : tree_(std::make_unique<Tree>()) {
  if (json.size() > kMaxDocumentBytes) {
    throw Error(ErrorKind::corrupt, "the answer is longer than {}", format_size(kMaxDocumentBytes));
  }
  tree_->buffer = trim(json).empty() ? "{}" : std::string(json);
  check_depth(tree_->buffer);
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag |
                              rapidjson::kParseValidateEncodingFlag;
  tree_->document.ParseInsitu<kFlags>(tree_->buffer.data());
  if (!tree_->document.HasParseError()) return;
  bool html = to_lower(trim(json.substr(0, 512))).starts_with("<");
  throw Error(ErrorKind::corrupt, "the answer is {}: {} at byte {} of {}",
              html ? "HTML or XML, not JSON" : "not JSON, or cut off",
              rapidjson::GetParseError_En(tree_->document.GetParseError()),
              tree_->document.GetErrorOffset(), json.size());
}

JsonDocument::~JsonDocument() = default;

Value JsonDocument::read(const Member& member) const {
  return read_value(member, tree_->document, {});
}

ErrorDocument JsonDocument::error(Protocol protocol) const {
  ErrorDocument out;
  if (!tree_->document.IsObject()) return out;
  auto take = [&](std::string& to, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      auto it = tree_->document.FindMember(name);
      if (it == tree_->document.MemberEnd() || !to.empty()) continue;
      if (it->value.IsString()) to = text(it->value);
      if (it->value.IsNumber()) to = number_of(it->value).dump();
    }
  };
  if (protocol == Protocol::json) take(out.code, {"__type"});
  take(out.code, {"code", "Code", "__type"});
  take(out.message, {"message", "Message", "errorMessage"});
  take(out.request_id, {"RequestId", "requestId"});
  return out;
}

}  // namespace hallmark::aws
