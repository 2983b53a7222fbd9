#include "aws/protocol/customizations.h"

#include <nlohmann/json.hpp>

#include "aws/place.h"
#include "aws/protocol/readers.h"
#include "aws/protocol/scalar.h"
#include "aws/url.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

bool is(const Model& model, const Operation& operation, std::string_view service,
        std::string_view name) {
  return model.metadata().service == service && operation.name == name;
}

void encode_copy_source(Value& input) {
  auto it = input.find("CopySource");
  if (it == input.end() || !it->is_string()) return;
  std::string source = it->get<std::string>();
  std::string version;
  if (auto mark = source.find("?versionId="); mark != std::string::npos) {
    version = source.substr(mark);
    source.resize(mark);
  }
  *it = percent_encode(source, true) + version;
}

/// The JSON in `text`; nothing if it is none, or nested beyond reason.
std::optional<Value> json_in(const std::string& text) {
  Shape document;
  document.is_document = true;
  Member any;
  any.shape = &document;
  try {
    Value value = JsonDocument(text).read(any);
    if (value.is_object() || value.is_array()) return value;
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

/// IAM encodes policy documents for URLs, wherever they stand in an answer.
void decode_policies(const Shape& shape, Value& value) {
  if (shape.type == Type::structure && value.is_object()) {
    for (auto& [name, item] : value.items()) {
      const Member* member = shape.member(name);
      if (member == nullptr) continue;
      if (member->shape->name == "policyDocumentType" && item.is_string()) {
        if (auto policy = json_in(percent_decode(item.get<std::string>()))) item = *policy;
      } else {
        decode_policies(*member->shape, item);
      }
    }
  } else if (shape.type == Type::list && value.is_array()) {
    for (Value& item : value) decode_policies(*shape.element.shape, item);
  }
}

bool has_raw_payload(const Operation& operation) {
  if (operation.output == nullptr || operation.output->payload == nullptr) return false;
  Type type = operation.output->payload->shape->type;
  return type == Type::blob || type == Type::string || operation.output->payload->event_stream;
}

}  // namespace

void customize_input(const Model& model, const Operation& operation, Value& input) {
  if (is(model, operation, "ec2", "RunInstances")) {
    auto it = input.find("UserData");
    if (it != input.end() && (it->is_string() || it->is_binary())) {
      *it = base64_encode(bytes_of(*it));
    }
  }
  if (is(model, operation, "s3", "CopyObject") || is(model, operation, "s3", "UploadPartCopy")) {
    encode_copy_source(input);
  }
}

bool is_unsigned(const Model& model, const Operation& operation) {
  // Old models do not say so.
  return is(model, operation, "sts", "AssumeRoleWithWebIdentity") ||
         is(model, operation, "sts", "AssumeRoleWithSAML");
}

bool is_late_refusal(const Model& model, const Operation& operation, const Response& response) {
  if (model.metadata().service != "s3" || response.status != 200 || has_raw_payload(operation)) {
    return false;
  }
  // A bucket's policy and the like never hold this; whole documents are looked at only if they may.
  std::string_view start = std::string_view(response.body).substr(0, 512);
  if (start.find("<Error") == std::string_view::npos) return false;
  try {
    return XmlDocument(response.body).root_name() == "Error";
  } catch (const Error&) {
    return false;
  }
}

void customize_answer(const Model& model, const Operation& operation, const Response& response,
                      Value& answer) {
  if (is(model, operation, "ec2", "GetConsoleOutput")) {
    auto it = answer.find("Output");
    if (it != answer.end() && it->is_string()) *it = decode_base64(it->get<std::string>());
  }
  if (is(model, operation, "cloudformation", "GetTemplate")) {
    auto it = answer.find("TemplateBody");
    if (it == answer.end() || !it->is_string()) return;
    if (auto body = json_in(it->get<std::string>())) *it = *body;
  }
  if (model.metadata().service == "iam" && operation.output != nullptr) {
    decode_policies(*operation.output, answer);
  }
  if (is(model, operation, "s3", "GetBucketLocation") && !response.body.empty()) {
    std::string region = XmlDocument(response.body).root_text();
    answer = Value::object();
    answer["LocationConstraint"] = region.empty() ? Value(nullptr) : Value(region);
  }
}

}  // namespace hallmark::aws
