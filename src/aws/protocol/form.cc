#include <nlohmann/json.hpp>

#include "aws/protocol/scalar.h"
#include "aws/protocol/writers.h"
#include "aws/url.h"

namespace hallmark::aws {

namespace {

class FormWriter {
 public:
  FormWriter(Protocol protocol, NamedValues& out) : ec2_(protocol == Protocol::ec2), out_(out) {}

  void write(const Member& member, const Value& value, const std::string& prefix) {
    switch (member.shape->type) {
      case Type::structure:
        write_structure(*member.shape, value, prefix);
        break;
      case Type::list:
        write_list(member, value, prefix);
        break;
      case Type::map:
        write_map(member, value, prefix);
        break;
      default:
        out_.emplace_back(prefix, scalar_text(member, value, TimestampFormat::iso8601));
    }
  }

  void write_structure(const Shape& shape, const Value& value, const std::string& prefix) {
    for (const auto& [name, child] : value.items()) {
      const Member* member = shape.member(name);
      if (member == nullptr || child.is_null()) continue;
      std::string own = name_of(*member, name);
      write(*member, child, prefix.empty() ? own : prefix + "." + own);
    }
  }

 private:
  std::string name_of(const Member& member, std::string_view otherwise) const {
    if (ec2_ && !member.query_name.empty()) return std::string(member.query_name);
    if (member.location_name.empty()) return std::string(otherwise);
    std::string name(member.location_name);
    if (ec2_ && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
    return name;
  }

  void write_list(const Member& member, const Value& value, const std::string& prefix) {
    const Member& element = member.shape->element;
    std::string list_prefix = prefix;
    if (!ec2_) {
      if (value.empty()) {
        // query can say "none at all"; ec2 cannot.
        out_.emplace_back(prefix, "");
        return;
      }
      if (!member.flattened) {
        list_prefix += "." + name_of(element, "member");
      } else if (!element.location_name.empty()) {
        // The element's name takes the place of the list's.
        auto dot = prefix.rfind('.');
        list_prefix = dot == std::string::npos ? "" : prefix.substr(0, dot + 1);
        list_prefix += element.location_name;
      }
    }
    std::size_t index = 0;
    for (const Value& item : value) {
      ++index;
      if (!item.is_null()) write(element, item, list_prefix + "." + std::to_string(index));
    }
  }

  void write_map(const Member& member, const Value& value, const std::string& prefix) {
    const Shape& shape = *member.shape;
    std::string full = member.flattened ? prefix : prefix + ".entry";
    std::size_t index = 0;
    for (const auto& [key, item] : value.items()) {
      if (item.is_null()) continue;
      std::string entry = full + "." + std::to_string(++index) + ".";
      out_.emplace_back(entry + name_of(shape.key, "key"), key);
      write(shape.element, item, entry + name_of(shape.element, "value"));
    }
  }

  bool ec2_;
  NamedValues& out_;
};

}  // namespace

void write_form(const Model& model, const Operation& operation, const Value& input,
                Request& request) {
  const Metadata& metadata = model.metadata();
  NamedValues form = {{"Action", std::string(operation.name)},
                      {"Version", std::string(metadata.api_version)}};
  if (operation.input != nullptr) {
    FormWriter(metadata.protocol, form).write_structure(*operation.input, input, "");
  }
  request.path = "/";
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = encoded_query(form);
}

}  // namespace hallmark::aws
