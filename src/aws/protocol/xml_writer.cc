#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aws/protocol/scalar.h"
#include "aws/protocol/writers.h"

namespace hallmark::aws {

namespace {

void append_escaped(std::string& out, std::string_view text, bool attribute) {
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += attribute ? "&quot;" : "\"";
        break;
      case '\r':
        // Readers of XML make a line feed of it otherwise.
        out += "&#xD;";
        break;
      case '\n':
        out += attribute ? "&#xA;" : "\n";
        break;
      case '\t':
        out += attribute ? "&#x9;" : "\t";
        break;
      default:
        out += c;
    }
  }
}

class XmlWriter {
 public:
  void write(const Member& member, const Value& value, std::string_view name,
             XmlNamespace name_space, bool body_members_only = false) {
    const Shape& shape = *member.shape;
    switch (shape.type) {
      case Type::structure:
        write_structure(shape, value, name, name_space, body_members_only);
        break;
      case Type::list:
        write_list(member, value, name, name_space);
        break;
      case Type::map:
        write_map(member, value, name, name_space);
        break;
      default:
        out_ += '<';
        out_ += name;
        declare(name_space);
        out_ += '>';
        append_escaped(out_, scalar_text(member, value, TimestampFormat::iso8601), false);
        close(name);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_structure(const Shape& shape, const Value& value, std::string_view name,
                       XmlNamespace name_space, bool body_members_only) {
    out_ += '<';
    out_ += name;
    declare(name_space);
    for (const auto& [key, item] : value.items()) {
      const Member* member = shape.member(key);
      if (member == nullptr || item.is_null() || !member->xml_attribute) continue;
      out_ += ' ';
      out_ += member->wire_name();
      out_ += "=\"";
      append_escaped(out_, scalar_text(*member, item, TimestampFormat::iso8601), true);
      out_ += '"';
    }
    out_ += '>';
    for (const auto& [key, item] : value.items()) {
      const Member* member = shape.member(key);
      if (member == nullptr || item.is_null() || member->xml_attribute) continue;
      if (body_members_only && member->location != Location::body) continue;
      write(*member, item, member->wire_name(), member->xml_namespace);
    }
    close(name);
  }

  void write_list(const Member& member, const Value& value, std::string_view name,
                  XmlNamespace name_space) {
    const Member& element = member.shape->element;
    std::string_view element_name = name;
    if (!member.flattened) {
      open(name, name_space);
      element_name = element.location_name.empty() ? "member" : element.location_name;
    }
    for (const Value& item : value) {
      if (item.is_null()) continue;
      // A flattened list has no element of its own that could carry its namespace.
      bool own = !member.flattened || !element.xml_namespace.uri.empty();
      write(element, item, element_name, own ? element.xml_namespace : name_space);
    }
    if (!member.flattened) close(name);
  }

  void write_map(const Member& member, const Value& value, std::string_view name,
                 XmlNamespace name_space) {
    const Shape& shape = *member.shape;
    if (!member.flattened) open(name, name_space);
    std::string_view entry = member.flattened ? name : "entry";
    auto name_or = [](const Member& part, std::string_view otherwise) {
      return part.location_name.empty() ? otherwise : part.location_name;
    };
    for (const auto& [key, item] : value.items()) {
      if (item.is_null()) continue;
      open(entry, member.flattened ? name_space : XmlNamespace());
      write(shape.key, Value(key), name_or(shape.key, "key"), shape.key.xml_namespace);
      write(shape.element, item, name_or(shape.element, "value"), shape.element.xml_namespace);
      close(entry);
    }
    if (!member.flattened) close(name);
  }

  void open(std::string_view name, XmlNamespace name_space) {
    out_ += '<';
    out_ += name;
    declare(name_space);
    out_ += '>';
  }

  void declare(XmlNamespace name_space) {
    if (name_space.uri.empty()) return;
    out_ += name_space.prefix.empty() ? " xmlns" : fmt::format(" xmlns:{}", name_space.prefix);
    out_ += "=\"";
    append_escaped(out_, name_space.uri, true);
    out_ += '"';
  }

  void close(std::string_view name) {
    out_ += "</";
    out_ += name;
    out_ += '>';
  }

  std::string out_;
};

}  // namespace

std::string xml_text(const Member& member, const Value& value, std::string_view root,
                     XmlNamespace root_namespace, bool body_members_only) {
  XmlWriter writer;
  writer.write(member, value, root, root_namespace, body_members_only);
  return writer.take();
}

}  // namespace hallmark::aws
