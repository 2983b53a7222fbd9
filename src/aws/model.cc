#include "aws/model.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

using Node = rapidjson::Value;

std::string_view text_in(const Node& node) { return {node.GetString(), node.GetStringLength()}; }

/// Null if `object` has no such member.
const Node* find(const Node& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  auto it = object.FindMember(name);
  return it == object.MemberEnd() ? nullptr : &it->value;
}

std::string_view text_of(const Node& object, const char* name) {
  const Node* node = find(object, name);
  return node != nullptr && node->IsString() ? text_in(*node) : std::string_view();
}

bool flag(const Node& object, const char* name) {
  const Node* node = find(object, name);
  return node != nullptr && node->IsBool() && node->GetBool();
}

int number(const Node& object, const char* name) {
  const Node* node = find(object, name);
  return node != nullptr && node->IsInt() ? node->GetInt() : 0;
}

XmlNamespace xml_namespace(const Node& object) {
  const Node* node = find(object, "xmlNamespace");
  if (node == nullptr) return {};
  if (node->IsString()) return {text_in(*node), {}};
  return {text_of(*node, "uri"), text_of(*node, "prefix")};
}

TimestampFormat timestamp_format(const Node& object) {
  std::string name = to_lower(text_of(object, "timestampFormat"));
  if (name == "iso8601") return TimestampFormat::iso8601;
  if (name == "rfc822") return TimestampFormat::rfc822;
  if (name == "unixtimestamp") return TimestampFormat::unix_seconds;
  return TimestampFormat::unset;
}

std::optional<Protocol> protocol_named(std::string_view name) {
  if (name == "ec2") return Protocol::ec2;
  if (name == "query") return Protocol::query;
  if (name == "json") return Protocol::json;
  if (name == "rest-json") return Protocol::rest_json;
  if (name == "rest-xml") return Protocol::rest_xml;
  return std::nullopt;
}

std::optional<Type> type_named(std::string_view name) {
  if (name == "structure") return Type::structure;
  if (name == "list") return Type::list;
  if (name == "map") return Type::map;
  if (name == "string" || name == "character" || name == "char") return Type::string;
  if (name == "integer" || name == "long" || name == "short" || name == "byte" ||
      name == "biginteger") {
    return Type::integer;
  }
  if (name == "float" || name == "double" || name == "bigdecimal") return Type::real;
  if (name == "boolean") return Type::boolean;
  if (name == "blob") return Type::blob;
  if (name == "timestamp") return Type::timestamp;
  return std::nullopt;
}

Location location_named(std::string_view name) {
  if (name == "header") return Location::header;
  if (name == "headers") return Location::headers;
  if (name == "uri") return Location::uri;
  if (name == "querystring") return Location::query;
  if (name == "statusCode") return Location::status_code;
  return Location::body;
}

template <typename Allocator>
void merge(Node& base, Node& extra, Allocator& allocator) {
  for (auto& member : extra.GetObject()) {
    auto it = base.FindMember(member.name);
    if (it == base.MemberEnd()) {
      base.AddMember(member.name, member.value, allocator);
    } else if (it->value.IsObject() && member.value.IsObject()) {
      merge(it->value, member.value, allocator);
    } else {
      it->value = member.value;
    }
  }
}

std::vector<std::string> texts_of(const Node& object, const char* name) {
  std::vector<std::string> out;
  const Node* node = find(object, name);
  if (node == nullptr) return out;
  if (node->IsString()) out.emplace_back(text_in(*node));
  if (node->IsArray()) {
    for (const Node& item : node->GetArray()) {
      if (item.IsString()) out.emplace_back(text_in(item));
    }
  }
  return out;
}

}  // namespace

class ModelReader {
 public:
  ModelReader(Model& model, std::string_view origin) : model_(model), origin_(origin) {}

  void read_service(const std::string& service, const std::string& extras) {
    rapidjson::Document document = parse(service, "the model");
    if (!extras.empty()) {
      rapidjson::Document more = parse(extras, "the model's extras", &document.GetAllocator());
      auto it = more.FindMember("merge");
      if (it != more.MemberEnd() && it->value.IsObject()) {
        merge(document, it->value, document.GetAllocator());
      }
    }
    read_metadata(object_in(document, "metadata"));
    read_shapes(object_in(document, "shapes"));
    read_operations(object_in(document, "operations"));
  }

  void read_paginators(const std::string& content, const std::string& extras) {
    if (content.empty()) return;
    rapidjson::Document document = parse(content, "the paginators");
    if (!extras.empty()) {
      rapidjson::Document more = parse(extras, "the extras", &document.GetAllocator());
      auto it = more.FindMember("merge");
      if (it != more.MemberEnd() && it->value.IsObject()) {
        merge(document, it->value, document.GetAllocator());
      }
    }
    for (const auto& row : object_in(document, "pagination").GetObject()) {
      Paginator paginator;
      paginator.input_tokens = texts_of(row.value, "input_token");
      paginator.output_tokens = texts_of(row.value, "output_token");
      paginator.result_keys = texts_of(row.value, "result_key");
      paginator.limit_key = text_of(row.value, "limit_key");
      paginator.more_results = text_of(row.value, "more_results");
      if (paginator.input_tokens.empty() ||
          paginator.input_tokens.size() != paginator.output_tokens.size()) {
        fail("paginator \"{}\" needs as many output tokens as input tokens", text_in(row.name));
      }
      model_.paginators_.emplace(text_in(row.name), std::move(paginator));
    }
  }

  void read_waiters(const std::string& content) {
    if (content.empty()) return;
    rapidjson::Document document = parse(content, "the waiters");
    for (const auto& row : object_in(document, "waiters").GetObject()) {
      Waiter waiter;
      waiter.operation = text_of(row.value, "operation");
      waiter.delay_seconds = number(row.value, "delay");
      waiter.max_attempts = number(row.value, "maxAttempts");
      const Node* acceptors = find(row.value, "acceptors");
      if (waiter.operation.empty() || acceptors == nullptr || !acceptors->IsArray()) {
        fail("waiter \"{}\" lacks its operation or acceptors", text_in(row.name));
      }
      for (const Node& acceptor : acceptors->GetArray()) {
        waiter.acceptors.push_back(acceptor_from(acceptor, text_in(row.name)));
      }
      model_.waiters_.emplace(text_in(row.name), std::move(waiter));
    }
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorKind::corrupt, "{}: {}", origin_,
                fmt::format(format, std::forward<Args>(args)...));
  }

  /// Parses in place: the buffer is kept, because the model's views point into it.
  rapidjson::Document parse(const std::string& content, std::string_view what,
                            rapidjson::Document::AllocatorType* allocator = nullptr) {
    auto buffer = std::make_unique<char[]>(content.size() + 1);
    std::memcpy(buffer.get(), content.data(), content.size());
    rapidjson::Document document(allocator);
    document.ParseInsitu<rapidjson::kParseIterativeFlag>(buffer.get());
    model_.texts_.push_back(std::move(buffer));
    if (document.HasParseError()) {
      fail("{} is not JSON: {} at byte {}", what,
           rapidjson::GetParseError_En(document.GetParseError()), document.GetErrorOffset());
    }
    if (!document.IsObject()) fail("{} is not a JSON object", what);
    return document;
  }

  const Node& object_in(const Node& object, const char* name) const {
    const Node* node = find(object, name);
    if (node == nullptr || !node->IsObject()) fail("the object \"{}\" is missing", name);
    return *node;
  }

  void read_metadata(const Node& node) {
    Metadata& metadata = model_.metadata_;
    metadata.api_version = text_of(node, "apiVersion");
    metadata.endpoint_prefix = text_of(node, "endpointPrefix");
    if (metadata.endpoint_prefix.empty()) metadata.endpoint_prefix = metadata.service;
    metadata.global_endpoint = text_of(node, "globalEndpoint");
    metadata.service_id = text_of(node, "serviceId");
    if (metadata.service_id.empty()) metadata.service_id = metadata.service;
    metadata.signing_name = text_of(node, "signingName");
    if (metadata.signing_name.empty()) metadata.signing_name = metadata.endpoint_prefix;
    metadata.signature_version = text_of(node, "signatureVersion");
    metadata.signed_by_default = metadata.signature_version != "none";
    metadata.target_prefix = text_of(node, "targetPrefix");
    metadata.json_version = text_of(node, "jsonVersion");
    if (metadata.json_version.empty()) metadata.json_version = "1.0";
    metadata.xml_namespace = xml_namespace(node);
    auto protocol = protocol_named(text_of(node, "protocol"));
    for (const std::string& name : texts_of(node, "protocols")) {
      if (!protocol) protocol = protocol_named(name);
    }
    if (!protocol) {
      fail("the protocol \"{}\" is not one of ec2, query, json, rest-json, rest-xml",
           text_of(node, "protocol"));
    }
    metadata.protocol = *protocol;
  }

  void read_shapes(const Node& nodes) {
    model_.shapes_.resize(nodes.MemberCount());
    shape_by_name_.reserve(nodes.MemberCount());
    std::size_t index = 0;
    // Members look into the shapes that they refer to, so those come first.
    for (const auto& row : nodes.GetObject()) {
      Shape& shape = model_.shapes_[index++];
      shape.name = text_in(row.name);
      if (!shape_by_name_.emplace(shape.name, &shape).second) {
        fail("shape \"{}\" is there twice", shape.name);
      }
      read_traits(shape, row.value);
    }
    index = 0;
    for (const auto& row : nodes.GetObject()) read_members(model_.shapes_[index++], row.value);
  }

  void read_traits(Shape& shape, const Node& node) {
    auto type = type_named(text_of(node, "type"));
    if (!type) fail("shape \"{}\" has the unknown type \"{}\"", shape.name, text_of(node, "type"));
    shape.type = *type;
    if (const Node* min = find(node, "min"); min != nullptr && min->IsNumber()) {
      shape.min = min->GetDouble();
    }
    if (const Node* max = find(node, "max"); max != nullptr && max->IsNumber()) {
      shape.max = max->GetDouble();
    }
    shape.location_name = text_of(node, "locationName");
    shape.xml_namespace = xml_namespace(node);
    shape.timestamp_format = timestamp_format(node);
    shape.location = location_named(text_of(node, "location"));
    shape.is_union = flag(node, "union");
    shape.is_document = flag(node, "document");
    shape.is_flattened = flag(node, "flattened");
    shape.is_streaming = flag(node, "streaming");
    shape.is_event_stream = flag(node, "eventstream");
    shape.is_sensitive = flag(node, "sensitive");
    shape.is_json_value = flag(node, "jsonvalue");
    shape.is_exception = flag(node, "exception");
    if (!shape.is_exception) return;
    shape.error_code = shape.name;
    if (const Node* error = find(node, "error")) {
      if (auto code = text_of(*error, "code"); !code.empty()) shape.error_code = code;
      shape.error_status = number(*error, "httpStatusCode");
      shape.sender_fault = flag(*error, "senderFault");
    }
    model_.error_by_code_.emplace(shape.error_code, &shape);
  }

  void read_members(Shape& shape, const Node& node) {
    if (const Node* members = find(node, "members"); members != nullptr && members->IsObject()) {
      shape.members.reserve(members->MemberCount());
      for (const auto& row : members->GetObject()) {
        shape.members.push_back(member_from(row.value, shape.name, text_in(row.name)));
      }
    }
    if (const Node* required = find(node, "required"); required != nullptr && required->IsArray()) {
      for (const Node& name : required->GetArray()) {
        for (Member& member : shape.members) {
          if (name.IsString() && member.name == text_in(name)) member.required = true;
        }
      }
    }
    if (shape.type == Type::list) {
      shape.element = member_from(child(node, "member", shape.name), shape.name, "");
    }
    if (shape.type == Type::map) {
      shape.key = member_from(child(node, "key", shape.name), shape.name, "");
      shape.element = member_from(child(node, "value", shape.name), shape.name, "");
    }
    read_payload(shape, node);
  }

  void read_payload(Shape& shape, const Node& node) const {
    auto payload = text_of(node, "payload");
    if (payload.empty()) return;
    shape.payload = shape.member(payload);
    if (shape.payload == nullptr) {
      fail("shape \"{}\" has the payload \"{}\", which is no member", shape.name, payload);
    }
  }

  const Node& child(const Node& node, const char* name, std::string_view shape) const {
    const Node* found = find(node, name);
    if (found == nullptr) fail("shape \"{}\" lacks its \"{}\"", shape, name);
    return *found;
  }

  Shape* shape_named(std::string_view name, std::string_view user) const {
    auto it = shape_by_name_.find(name);
    if (it == shape_by_name_.end()) {
      fail("\"{}\" refers to the shape \"{}\", which does not exist", user, name);
    }
    return it->second;
  }

  Member member_from(const Node& node, std::string_view owner, std::string_view name) const {
    Member member;
    member.name = name;
    member.shape = shape_named(text_of(node, "shape"), owner);
    const Shape& shape = *member.shape;
    member.location_name = text_of(node, "locationName");
    if (member.location_name.empty()) member.location_name = shape.location_name;
    member.query_name = text_of(node, "queryName");
    member.xml_namespace = xml_namespace(node);
    if (member.xml_namespace.uri.empty()) member.xml_namespace = shape.xml_namespace;
    member.location = location_named(text_of(node, "location"));
    if (member.location == Location::body) member.location = shape.location;
    member.timestamp_format = timestamp_format(node);
    if (member.timestamp_format == TimestampFormat::unset) {
      member.timestamp_format = shape.timestamp_format;
    }
    member.flattened = flag(node, "flattened") || shape.is_flattened;
    member.xml_attribute = flag(node, "xmlAttribute");
    member.idempotency_token = flag(node, "idempotencyToken");
    member.streaming = flag(node, "streaming") || shape.is_streaming;
    member.json_value = flag(node, "jsonvalue") || shape.is_json_value;
    member.host_label = flag(node, "hostLabel");
    member.event_stream = flag(node, "eventstream") || shape.is_event_stream;
    return member;
  }

  void read_operations(const Node& nodes) {
    model_.operations_.resize(nodes.MemberCount());
    std::size_t index = 0;
    for (const auto& row : nodes.GetObject()) {
      Operation& operation = model_.operations_[index++];
      operation.name = text_in(row.name);
      read_operation(operation, row.value);
      model_.operation_by_name_.emplace(operation.name, &operation);
    }
  }

  void read_operation(Operation& operation, const Node& node) {
    operation.method = "POST";
    operation.uri = "/";
    if (const Node* http = find(node, "http")) {
      if (auto method = text_of(*http, "method"); !method.empty()) operation.method = method;
      if (auto uri = text_of(*http, "requestUri"); !uri.empty()) operation.uri = uri;
      operation.success_status = number(*http, "responseCode");
    }
    if (const Node* input = find(node, "input")) {
      Shape* shape = structure_named(text_of(*input, "shape"), operation.name);
      read_payload(*shape, *input);
      operation.input = shape;
      operation.input_name = text_of(*input, "locationName");
      operation.input_namespace = xml_namespace(*input);
    }
    if (const Node* output = find(node, "output")) {
      Shape* shape = structure_named(text_of(*output, "shape"), operation.name);
      read_payload(*shape, *output);
      operation.output = shape;
      operation.result_wrapper = text_of(*output, "resultWrapper");
    }
    if (const Node* errors = find(node, "errors"); errors != nullptr && errors->IsArray()) {
      for (const Node& error : errors->GetArray()) {
        operation.errors.push_back(shape_named(text_of(error, "shape"), operation.name));
      }
    }
    operation.auth_type = text_of(node, "authtype");
    std::vector<std::string> auth = texts_of(node, "auth");
    if (operation.auth_type.empty() && auth.size() == 1 && auth[0] == "smithy.api#noAuth") {
      operation.auth_type = "none";
    }
    if (operation.auth_type.empty() && flag(node, "unsignedPayload")) {
      operation.auth_type = "v4-unsigned-body";
    }
    if (const Node* endpoint = find(node, "endpoint")) {
      operation.host_prefix = text_of(*endpoint, "hostPrefix");
    }
    operation.checksum.required = flag(node, "httpChecksumRequired");
    if (const Node* checksum = find(node, "httpChecksum")) {
      operation.checksum.algorithm_member = text_of(*checksum, "requestAlgorithmMember");
      if (flag(*checksum, "requestChecksumRequired")) operation.checksum.required = true;
    }
  }

  Shape* structure_named(std::string_view name, std::string_view user) const {
    Shape* shape = shape_named(name, user);
    if (shape->type != Type::structure) fail("\"{}\" is to be a structure", name);
    return shape;
  }

  Acceptor acceptor_from(const Node& node, std::string_view waiter) const {
    Acceptor acceptor;
    std::string_view matcher = text_of(node, "matcher");
    if (matcher == "path") {
      acceptor.matcher = Acceptor::Matcher::path;
    } else if (matcher == "pathAll") {
      acceptor.matcher = Acceptor::Matcher::path_all;
    } else if (matcher == "pathAny") {
      acceptor.matcher = Acceptor::Matcher::path_any;
    } else if (matcher == "status") {
      acceptor.matcher = Acceptor::Matcher::status;
    } else if (matcher == "error") {
      acceptor.matcher = Acceptor::Matcher::error;
    } else {
      fail("waiter \"{}\" has the unknown matcher \"{}\"", waiter, matcher);
    }
    std::string_view state = text_of(node, "state");
    if (state == "success") {
      acceptor.state = Acceptor::State::success;
    } else if (state == "failure") {
      acceptor.state = Acceptor::State::failure;
    } else if (state == "retry") {
      acceptor.state = Acceptor::State::retry;
    } else {
      fail("waiter \"{}\" has the unknown state \"{}\"", waiter, state);
    }
    acceptor.argument = text_of(node, "argument");
    if (const Node* expected = find(node, "expected")) {
      rapidjson::StringBuffer buffer;
      rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
      expected->Accept(writer);
      acceptor.expected.assign(buffer.GetString(), buffer.GetSize());
    }
    return acceptor;
  }

  Model& model_;
  std::string origin_;
  std::unordered_map<std::string_view, Shape*> shape_by_name_;
};

bool Shape::has_body_members() const {
  return std::any_of(members.begin(), members.end(),
                     [](const Member& member) { return member.location == Location::body; });
}

const Member* Shape::member(std::string_view wanted) const {
  for (const Member& member : members) {
    if (member.name == wanted) return &member;
  }
  return nullptr;
}

Model::Model(std::string service, const ModelTexts& texts, std::string_view origin) {
  metadata_.service = std::move(service);
  ModelReader reader(*this, origin);
  reader.read_service(texts.service, texts.service_extras);
  reader.read_paginators(texts.paginators, texts.paginator_extras);
  reader.read_waiters(texts.waiters);
}

Model::~Model() = default;

const Operation& Model::operation(std::string_view name) const {
  auto it = operation_by_name_.find(name);
  if (it != operation_by_name_.end()) return *it->second;
  std::vector<std::string> known;
  for (const Operation& operation : operations_) known.emplace_back(operation.name);
  auto close = suggestion(name, known);
  throw Error(ErrorKind::usage, "{} has no operation \"{}\"", metadata_.service, name)
      .hint(close
                ? "did you mean \"" + *close + "\"?"
                : fmt::format("it may be newer than the models; {} names a directory of newer ones",
                              kModelsVariable));
}

const Shape* Model::error(std::string_view code) const {
  auto it = error_by_code_.find(code);
  return it == error_by_code_.end() ? nullptr : it->second;
}

const Paginator* Model::paginator(std::string_view operation) const {
  auto it = paginators_.find(std::string(operation));
  return it == paginators_.end() ? nullptr : &it->second;
}

const Waiter& Model::waiter(std::string_view name) const {
  auto it = waiters_.find(std::string(name));
  if (it != waiters_.end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [key, waiter] : waiters_) known.push_back(key);
  auto close = suggestion(name, known);
  Error error(ErrorKind::usage, "{} has no waiter \"{}\"", metadata_.service, name);
  if (close) error.hint("did you mean \"" + *close + "\"?");
  throw error;
}

}  // namespace hallmark::aws
