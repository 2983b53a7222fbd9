#include "aws/codec.h"

#include <nlohmann/json.hpp>

#include "aws/protocol/checksum.h"
#include "aws/protocol/customizations.h"
#include "aws/protocol/headers.h"
#include "aws/protocol/readers.h"
#include "aws/protocol/scalar.h"
#include "aws/protocol/writers.h"
#include "aws/refusal.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

void fill_tokens(const Operation& operation, const TokenSource& token, Value& input) {
  if (operation.input == nullptr) return;
  for (const Member& member : operation.input->members) {
    if (!member.idempotency_token) continue;
    auto it = input.find(member.name);
    if (it == input.end()) {
      append(input, member.name, token());
    } else if (it->is_null()) {
      *it = token();
    }
  }
}

bool is_label_text(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                              "WXYZ0123456789.-") == std::string_view::npos;
}

std::string host_prefix(const Operation& operation, const Value& input) {
  std::string prefix(operation.host_prefix);
  if (prefix.empty() || operation.input == nullptr) return prefix;
  for (const Member& member : operation.input->members) {
    if (!member.host_label) continue;
    auto it = input.find(member.name);
    std::string text = it != input.end() && it->is_string() ? it->get<std::string>() : "";
    if (!is_label_text(text)) {
      throw Error(ErrorKind::usage,
                  "{}: becomes part of the host's name, so letters, digits, \"-\" and \".\" only",
                  member.name);
    }
    prefix = replace_all(std::move(prefix), "{" + std::string(member.name) + "}", text);
  }
  return prefix;
}

Value read_document(const Model& model, const Member& member, std::string_view wrapper,
                    const std::string& body) {
  Protocol protocol = model.metadata().protocol;
  Value value = Value::object();
  if (protocol == Protocol::json || protocol == Protocol::rest_json) {
    value = JsonDocument(body).read(member);
  } else if (!body.empty() || protocol != Protocol::rest_xml) {
    value = XmlDocument(body).read(member, wrapper);
  }
  return value.is_null() ? Value::object() : value;
}

Value read_rest(const Model& model, const Operation& operation, const Response& response) {
  const Shape& shape = *operation.output;
  Value answer = read_header_members(shape, response);
  if (const Member* payload = shape.payload) {
    Type type = payload->shape->type;
    if (payload->event_stream) {
      throw Error(ErrorKind::failed, "{} answers with a stream of events, which is not supported",
                  operation.name);
    }
    if (type == Type::blob) {
      append(answer, payload->name, to_blob(response.body));
    } else if (type == Type::string) {
      append(answer, payload->name, response.body);
    } else {
      append(answer, payload->name, read_document(model, *payload, "", response.body));
    }
    return answer;
  }
  if (!shape.has_body_members()) return answer;
  Member top;
  top.shape = &shape;
  Value body = read_document(model, top, "", response.body);
  if (answer.empty()) return body;
  auto& members = answer.get_ref<Value::object_t&>();
  members.reserve(answer.size() + body.size());
  for (auto& [name, value] : body.items()) append(answer, name, std::move(value));
  return answer;
}

Value read_success(const Model& model, const Operation& operation, const Response& response) {
  if (operation.output == nullptr) return Value::object();
  Protocol protocol = model.metadata().protocol;
  if (protocol == Protocol::rest_json || protocol == Protocol::rest_xml) {
    return read_rest(model, operation, response);
  }
  for (const Member& member : operation.output->members) {
    if (member.event_stream) {
      throw Error(ErrorKind::failed, "{} answers with a stream of events, which is not supported",
                  operation.name);
    }
  }
  Member top;
  top.shape = operation.output;
  return read_document(model, top, operation.result_wrapper, response.body);
}

}  // namespace

std::string random_uuid() {
  // Two ids give 34 random digits; a UUID has 32, of which the version and variant are fixed.
  std::string hex = random_id("").substr(1) + random_id("").substr(1);
  hex[12] = '4';
  constexpr std::string_view kVariants = "89ab";
  constexpr std::string_view kDigits = "0123456789abcdef";
  hex[16] = kVariants[kDigits.find(hex[16]) % kVariants.size()];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20, 12);
}

Request make_request(const Model& model, const Operation& operation, const Value& given,
                     const TokenSource& token) {
  Value input = given.is_null() ? Value::object() : given;
  fill_tokens(operation, token, input);
  customize_input(model, operation, input);
  Request request;
  request.method = operation.method;
  switch (model.metadata().protocol) {
    case Protocol::ec2:
    case Protocol::query:
      write_form(model, operation, input, request);
      break;
    case Protocol::json:
      write_json_rpc(model, operation, input, request);
      break;
    case Protocol::rest_json:
    case Protocol::rest_xml:
      write_rest(model, operation, input, request);
  }
  add_checksum(operation, input, request);
  request.host_prefix = host_prefix(operation, input);
  request.sign = model.metadata().signed_by_default && operation.auth_type != "none" &&
                 !is_unsigned(model, operation);
  request.sign_payload = operation.auth_type != "v4-unsigned-body";
  return request;
}

Value read_answer(const Model& model, const Operation& operation, const Response& response) {
  if (is_refusal(model, operation, response)) {
    throw to_error(read_refusal(model, operation, response), model.metadata().service,
                   operation.name);
  }
  try {
    Value answer = read_success(model, operation, response);
    customize_answer(model, operation, response, answer);
    return answer;
  } catch (Error& error) {
    throw Error(error.kind(), "{} {}: {}", model.metadata().service, operation.name,
                error.message());
  }
}

}  // namespace hallmark::aws
