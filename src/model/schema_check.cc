#include "model/schema_check.h"

#include <algorithm>
#include <regex>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "base/text.h"

namespace hallmark::model {

namespace {

std::string article(const std::string& type) {
  if (type == "object") return "a mapping (key: value)";
  if (type == "array") return "a list";
  if (type == "string") return "text";
  if (type == "integer") return "a whole number";
  if (type == "number") return "a number";
  if (type == "boolean") return "true or false";
  return "empty";
}

std::string type_of(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  if (value.is_boolean()) return "boolean";
  return "null";
}

bool has_type(const Json& value, const std::string& type) {
  std::string own = type_of(value);
  return own == type || (type == "number" && own == "integer");
}

std::vector<std::string> types_of(const Json& schema) {
  if (!schema.contains("type")) return {};
  if (schema["type"].is_string()) return {schema["type"].get<std::string>()};
  return schema["type"].get<std::vector<std::string>>();
}

bool matches_pattern(const Json& schema, const std::string& text) {
  return !schema.contains("pattern") ||
         std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
}

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

class Explainer {
 public:
  explicit Explainer(const Json& root) : root_(root) {}

  void check(const Json& unresolved, const Json& value, const Address& address) {
    const Json& schema = resolve(unresolved);
    std::vector<std::string> types = types_of(schema);
    if (!types.empty() && std::none_of(types.begin(), types.end(), [&](const std::string& type) {
          return has_type(value, type);
        })) {
      return wrong_type(schema, types, value, address);
    }
    if (schema.contains("enum")) check_enum(schema, value, address);
    if (schema.contains("anyOf")) check_alternatives(schema["anyOf"], value, address);
    if (value.is_string()) check_text(schema, value.get<std::string>(), address, false);
    if (value.is_number()) check_number(schema, value.get<double>(), address);
    if (value.is_array()) check_list(schema, value, address);
    if (value.is_object()) check_object(schema, value, address);
  }

  std::vector<SchemaProblem> problems;

 private:
  const Json& resolve(const Json& schema) const {
    if (!schema.contains("$ref")) return schema;
    std::string reference = schema["$ref"].get<std::string>();
    return root_.at(Json::json_pointer(reference.substr(1)));
  }

  static std::string example(const Json& schema) {
    if (!schema.contains("examples") || schema["examples"].empty()) return "";
    return "for example " + shown(schema["examples"][0]);
  }

  void add(Address address, std::string message, std::string hint, bool about_key = false) {
    problems.push_back({std::move(address), about_key, std::move(message), std::move(hint)});
  }

  void wrong_type(const Json& schema, const std::vector<std::string>& types, const Json& value,
                  const Address& address) {
    std::vector<std::string> wanted;
    for (const std::string& type : types) wanted.push_back(article(type));
    std::string hint = example(schema);
    bool may_be_text = std::find(types.begin(), types.end(), "string") != types.end();
    if (may_be_text && (value.is_number() || value.is_boolean())) {
      // Only if quotes alone mend it.
      if (hint.empty() || matches_pattern(schema, shown(value))) {
        hint = "put it in quotes, as it is written";
      }
    } else if (types[0] == "boolean" && value.is_string()) {
      hint = "write true or false, without quotes";
    } else if (types[0] == "integer" && value.is_string()) {
      hint = "write the number without quotes";
    } else if (types[0] == "array" && value.is_object()) {
      hint = "begin each entry with a hyphen";
    } else if (types[0] == "array" && !value.is_null()) {
      hint = "write [" + shown(value) + "]";
    }
    std::string is = article(type_of(value));
    if (value.is_boolean()) is = "the word " + shown(value);
    add(address, "must be " + join(wanted, " or ") + ", not " + is, hint);
  }

  void check_enum(const Json& schema, const Json& value, const Address& address) {
    std::vector<std::string> known;
    for (const Json& one : schema["enum"]) {
      if (one == value) return;
      known.push_back(shown(one));
    }
    auto near = suggestion(shown(value), known);
    add(address, "must be " + join(known, " or ") + ", not " + shown(value),
        near ? "did you mean " + *near + "?" : "");
  }

  /// Goes on with the first alternative that the value's type fits; if none is valid and several
  /// fit, that one is what its author most likely meant.
  void check_alternatives(const Json& alternatives, const Json& value, const Address& address) {
    const Json* likely = nullptr;
    std::vector<std::string> wanted;
    for (const Json& unresolved : alternatives) {
      const Json& schema = resolve(unresolved);
      Explainer inner(root_);
      inner.check(schema, value, address);
      if (inner.problems.empty()) return;
      std::vector<std::string> types = types_of(schema);
      if (schema.contains("enum")) {
        for (const Json& one : schema["enum"]) {
          wanted.push_back(shown(one));
          if (likely == nullptr && type_of(one) == type_of(value)) likely = &schema;
        }
      }
      for (const std::string& type : types) {
        wanted.push_back(article(type));
        if (likely == nullptr && has_type(value, type)) likely = &schema;
      }
    }
    if (likely != nullptr && !likely->contains("enum")) return check(*likely, value, address);
    std::string got = value.is_string() ? "\"" + shown(value) + "\"" : article(type_of(value));
    bool may_be_list = std::find(wanted.begin(), wanted.end(), "a list") != wanted.end();
    add(address, "must be " + join(wanted, " or ") + ", not " + got,
        may_be_list && value.is_string() ? "write [" + shown(value) + "] for a list" : "");
  }

  void check_text(const Json& schema, const std::string& text, const Address& address, bool key) {
    auto [shortest, longest] =
        std::pair(schema.value("minLength", 0), schema.value("maxLength", -1));
    // Characters, not bytes, as JSON Schema counts them.
    auto length =
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
    if (length < shortest) {
      add(address, text.empty() ? "must not be empty" : "is too short", example(schema), key);
    } else if (longest >= 0 && length > longest) {
      add(address, fmt::format("is longer than {} characters", longest), "", key);
    } else if (!matches_pattern(schema, text)) {
      std::string hint = example(schema);
      if (hint.empty()) hint = "it must match " + schema["pattern"].get<std::string>();
      add(address, fmt::format("\"{}\" is not well-formed", text), hint, key);
    }
  }

  void check_number(const Json& schema, double number, const Address& address) {
    if (schema.contains("minimum") && number < schema["minimum"].get<double>()) {
      add(address, "must be at least " + schema["minimum"].dump(), "");
    }
    if (schema.contains("maximum") && number > schema["maximum"].get<double>()) {
      add(address, "must be at most " + schema["maximum"].dump(), "");
    }
  }

  void check_list(const Json& schema, const Json& list, const Address& address) {
    if (schema.contains("minItems") && list.size() < schema["minItems"].get<std::size_t>()) {
      add(address, "must not be empty", example(schema));
    }
    if (schema.contains("maxItems") && list.size() > schema["maxItems"].get<std::size_t>()) {
      add(address, "has more than " + schema["maxItems"].dump() + " entries", "");
    }
    std::set<Json> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      Address inner = address;
      inner.push_back(std::to_string(i));
      if (schema.value("uniqueItems", false) && !seen.insert(list[i]).second) {
        add(inner, shown(list[i]) + " is there twice", "keep one of them");
      }
      if (schema.contains("items")) check(schema["items"], list[i], inner);
    }
  }

  void check_object(const Json& schema, const Json& object, const Address& address) {
    static const Json kNone = Json::object();
    const Json& properties = schema.contains("properties") ? schema["properties"] : kNone;
    std::vector<std::string> known;
    for (const auto& [key, ignored] : properties.items()) known.push_back(key);
    std::vector<std::string> missing_hints;
    for (const auto& [key, value] : object.items()) {
      Address inner = address;
      inner.push_back(key);
      if (schema.contains("propertyNames")) check_text(schema["propertyNames"], key, inner, true);
      if (properties.contains(key)) {
        check(properties[key], value, inner);
      } else if (schema.contains("additionalProperties")) {
        const Json& more = schema["additionalProperties"];
        if (more == false) {
          auto near = suggestion(key, known);
          add(inner, "is not a key known here",
              near ? "did you mean " + *near + "?" : "known here: " + join(known, ", "), true);
        } else {
          check(more, value, inner);
        }
      }
    }
    for (const Json& key : schema.value("required", Json::array())) {
      std::string name = key.get<std::string>();
      if (object.contains(name)) continue;
      std::string hint = properties.contains(name) ? example(resolve(properties[name])) : "";
      add(address, "the key " + name + " is missing", hint);
    }
    bool too_few = object.size() < schema.value("minProperties", std::size_t{0});
    bool too_many = object.size() > schema.value("maxProperties", std::size_t{1} << 30);
    if (too_few || too_many) {
      std::string choice = known.empty() ? "" : "choose one of " + join(known, ", ");
      add(address, too_few ? "must not be empty" : "has too many keys", choice);
    }
  }

  const Json& root_;
};

bool is_valid(const Json& schema, const Json& document) {
  valijson::Schema parsed;
  valijson::adapters::NlohmannJsonAdapter schema_adapter(schema);
  valijson::SchemaParser().populateSchema(schema_adapter, parsed);
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::adapters::NlohmannJsonAdapter document_adapter(document);
  return validator.validate(parsed, document_adapter, nullptr);
}

}  // namespace

std::vector<SchemaProblem> explain_schema(const Json& schema, const Json& document) {
  Explainer explainer(schema);
  explainer.check(schema, document, {});
  return std::move(explainer.problems);
}

std::vector<SchemaProblem> check_schema(const Json& schema, const Json& document) {
  if (is_valid(schema, document)) return {};
  std::vector<SchemaProblem> problems = explain_schema(schema, document);
  if (problems.empty()) {
    problems.push_back({{}, false, "the file does not follow golden.schema.json", ""});
  }
  return problems;
}

}  // namespace hallmark::model
