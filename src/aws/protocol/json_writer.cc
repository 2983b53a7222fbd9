#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "aws/protocol/scalar.h"
#include "aws/protocol/writers.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

class JsonWriter {
 public:
  void write(const Member& member, const Value& value, bool body_members_only = false) {
    const Shape& shape = *member.shape;
    if (value.is_null()) {
      out_.Null();
      return;
    }
    switch (shape.type) {
      case Type::structure:
        if (shape.is_document) {
          write_any(value);
        } else {
          write_structure(shape, value, body_members_only);
        }
        break;
      case Type::list:
        out_.StartArray();
        for (const Value& item : value) write(shape.element, item);
        out_.EndArray();
        break;
      case Type::map:
        out_.StartObject();
        for (const auto& [key, item] : value.items()) {
          write_key(key);
          write(shape.element, item);
        }
        out_.EndObject();
        break;
      case Type::timestamp:
        write_timestamp(member, value);
        break;
      case Type::blob:
        write_text(base64_encode(bytes_of(value)));
        break;
      case Type::string:
        // A member that holds JSON may be given as JSON.
        write_text(value.is_string() ? value.get_ref<const std::string&>() : value.dump());
        break;
      default:
        write_any(value);
    }
  }

  std::string text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  void write_structure(const Shape& shape, const Value& value, bool body_members_only) {
    out_.StartObject();
    for (const auto& [name, item] : value.items()) {
      const Member* member = shape.member(name);
      if (member == nullptr || item.is_null()) continue;
      if (body_members_only && member->location != Location::body) continue;
      write_key(member->wire_name());
      write(*member, item);
    }
    out_.EndObject();
  }

  void write_timestamp(const Member& member, const Value& value) {
    TimestampFormat format = member.timestamp_format;
    if (format != TimestampFormat::unset && format != TimestampFormat::unix_seconds) {
      write_text(scalar_text(member, value, TimestampFormat::unix_seconds));
      return;
    }
    std::string number = scalar_text(member, value, TimestampFormat::unix_seconds);
    out_.RawValue(number.data(), number.size(), rapidjson::kNumberType);
  }

  /// Documents, numbers and booleans stand in JSON as they were given.
  void write_any(const Value& value) {
    if (value.is_object()) {
      out_.StartObject();
      for (const auto& [key, item] : value.items()) {
        write_key(key);
        write_any(item);
      }
      out_.EndObject();
    } else if (value.is_array()) {
      out_.StartArray();
      for (const Value& item : value) write_any(item);
      out_.EndArray();
    } else if (value.is_string()) {
      write_text(value.get_ref<const std::string&>());
    } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
      double number = value.get<double>();
      write_text(std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    } else {
      std::string text = value.dump();
      out_.RawValue(text.data(), text.size(), rapidjson::kNumberType);
    }
  }

  void write_key(std::string_view key) {
    out_.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  }
  void write_text(std::string_view text) {
    out_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> out_{buffer_};
};

}  // namespace

std::string json_text(const Member& member, const Value& value, bool body_members_only) {
  JsonWriter writer;
  writer.write(member, value, body_members_only);
  return writer.text();
}

void write_json_rpc(const Model& model, const Operation& operation, const Value& input,
                    Request& request) {
  const Metadata& metadata = model.metadata();
  request.path = "/";
  request.headers.emplace_back(
      "X-Amz-Target", std::string(metadata.target_prefix) + "." + std::string(operation.name));
  request.headers.emplace_back("Content-Type",
                               "application/x-amz-json-" + std::string(metadata.json_version));
  request.body = "{}";
  if (operation.input != nullptr) {
    Member top;
    top.shape = operation.input;
    request.body = json_text(top, input, false);
  }
}

}  // namespace hallmark::aws
