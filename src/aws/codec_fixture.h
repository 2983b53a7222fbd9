#pragma once
/// Small models for tests: one operation "Act", written as JSON.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/codec.h"
#include "aws/model.h"
#include "aws/printable.h"
#include "aws/validate.h"

namespace hallmark::aws::fixture {

inline constexpr const char* kToken = "11111111-2222-4333-8444-555555555555";

/// `operation` and `shapes` are the insides of JSON objects.
inline std::shared_ptr<const Model> model(const std::string& protocol, const std::string& operation,
                                          const std::string& shapes,
                                          const std::string& service = "demo") {
  ModelTexts texts;
  texts.service = fmt::format(
      R"({{"metadata": {{"protocol": "{}", "apiVersion": "2026-01-01", "endpointPrefix": "demo",
           "targetPrefix": "Demo_2026", "jsonVersion": "1.1"}},
          "operations": {{"Act": {{"name": "Act" {}}}}},
          "shapes": {{"S": {{"type": "string"}}, "I": {{"type": "integer"}},
                     "D": {{"type": "double"}}, "B": {{"type": "boolean"}},
                     "T": {{"type": "timestamp"}}, "Raw": {{"type": "blob"}} {}}}}})",
      protocol, operation.empty() ? "" : ", " + operation, shapes.empty() ? "" : ", " + shapes);
  return std::make_shared<Model>(service, texts, "the test's model");
}

/// Validated and written like a real call's, the text of `input` being JSON.
inline Request write(const Model& model, const std::string& input) {
  const Operation& operation = model.operation("Act");
  Value value = Value::parse(input);
  if (operation.input != nullptr) value = from_printable(*operation.input, std::move(value));
  validate_input(operation, value);
  return make_request(model, operation, value, [] { return std::string(kToken); });
}

inline Value read(const Model& model, const std::string& body, NamedValues headers = {},
                  int status = 200) {
  return read_answer(model, model.operation("Act"), {status, std::move(headers), body});
}

}  // namespace hallmark::aws::fixture
