#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/codec.h"
#include "aws/printable.h"
#include "aws/raw_http.h"
#include "aws/refusal.h"
#include "base/error.h"

namespace aws = hallmark::aws;
using hallmark::Error;
using hallmark::ErrorKind;

namespace {

/// One operation whose answer has a member of every kind, and itself.
std::unique_ptr<aws::Model> make_model(const std::string& protocol) {
  aws::ModelTexts texts;
  texts.service = R"({"metadata": {"protocol": ")" + protocol + R"("},
    "operations": {"Act": {"output": {"shape": "Out"}}},
    "shapes": {"S": {"type": "string"}, "I": {"type": "integer"}, "D": {"type": "double"},
      "B": {"type": "boolean"}, "T": {"type": "timestamp"}, "Raw": {"type": "blob"},
      "L": {"type": "list", "member": {"shape": "Out"}},
      "F": {"type": "list", "member": {"shape": "T"}, "flattened": true},
      "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "Out"}},
      "Doc": {"type": "structure", "members": {}, "document": true},
      "U": {"type": "structure", "union": true, "members": {"A": {"shape": "S"}}},
      "E": {"type": "structure", "exception": true, "members": {"I": {"shape": "I"}}},
      "Out": {"type": "structure", "members": {
        "S": {"shape": "S"}, "I": {"shape": "I"}, "D": {"shape": "D"}, "B": {"shape": "B"},
        "T": {"shape": "T"}, "R": {"shape": "Raw"}, "L": {"shape": "L"}, "F": {"shape": "F"},
        "M": {"shape": "M"}, "X": {"shape": "Doc"}, "U": {"shape": "U"},
        "H": {"shape": "F", "location": "header", "locationName": "H"},
        "P": {"shape": "M", "location": "headers", "locationName": "P-"}}}}})";
  return std::make_unique<aws::Model>("demo", texts, "the fuzz target's model");
}

void read(const aws::Model& model, const aws::Response& response) {
  try {
    aws::printable(aws::read_answer(model, model.operation("Act"), response));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) __builtin_trap();
  }
}

}  // namespace

/// The input is an HTTP answer; what is none is a body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kXml = make_model("rest-xml");
  static const auto kForm = make_model("ec2");
  static const auto kJson = make_model("json");
  static const auto kRestJson = make_model("rest-json");
  std::string_view text(reinterpret_cast<const char*>(data), size);
  aws::Response response{200, {}, std::string(text)};
  try {
    response = aws::parse_raw_response(text).response;
  } catch (const Error&) {
    response.status = size % 2 == 0 ? 200 : 400;
  }
  for (const auto* model : {&kXml, &kForm, &kJson, &kRestJson}) read(**model, response);
  return 0;
}
