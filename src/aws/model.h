#pragma once
/// What botocore's service models say, as plain structs: which operations a service has, how their
/// inputs and answers look, and how they stand on the wire. Made once per service, then only read.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/files.h"

namespace hallmark::aws {

enum class Protocol { ec2, query, json, rest_json, rest_xml };

enum class Type : std::uint8_t {
  structure,
  list,
  map,
  string,
  integer,  ///< also what models call long
  real,     ///< float and double
  boolean,
  blob,
  timestamp,
};

/// Where a member of an input or output stands in the HTTP message.
enum class Location : std::uint8_t { body, header, headers, uri, query, status_code };

enum class TimestampFormat : std::uint8_t { unset, iso8601, rfc822, unix_seconds };

struct XmlNamespace {
  std::string_view uri;  ///< empty: none
  std::string_view prefix;
};

struct Shape;

/// How a structure's member, a list's element, a map's key or value, or an operation's input uses
/// a shape. Traits that a model may put on either are taken from the reference, else the shape.
struct Member {
  std::string_view name;  ///< empty for elements, keys and values
  const Shape* shape = nullptr;
  std::string_view location_name;  ///< empty: the name
  std::string_view query_name;     ///< only ec2 has it
  XmlNamespace xml_namespace;
  Location location = Location::body;
  TimestampFormat timestamp_format = TimestampFormat::unset;
  bool required = false;
  bool flattened = false;
  bool xml_attribute = false;
  bool idempotency_token = false;
  bool streaming = false;
  bool json_value = false;
  bool host_label = false;
  bool event_stream = false;

  std::string_view wire_name() const { return location_name.empty() ? name : location_name; }
};

struct Shape {
  std::string_view name;
  Type type = Type::structure;
  std::vector<Member> members;      ///< of a structure, in the model's order
  Member element;                   ///< of a list; of a map its value
  Member key;                       ///< of a map
  const Member* payload = nullptr;  ///< the member that is the whole body
  std::optional<double> min;        ///< of numbers the value, of strings, lists and blobs the size
  std::optional<double> max;
  std::string_view location_name;
  XmlNamespace xml_namespace;
  TimestampFormat timestamp_format = TimestampFormat::unset;
  Location location = Location::body;
  bool is_union = false;
  bool is_exception = false;
  bool is_document = false;  ///< any JSON
  bool is_flattened = false;
  bool is_streaming = false;
  bool is_event_stream = false;
  bool is_sensitive = false;
  bool is_json_value = false;  ///< a string that holds JSON; in headers in base64
  /// Of an exception.
  std::string_view error_code;  ///< as on the wire; empty: the name
  int error_status = 0;         ///< HTTP; 0: unsaid
  bool sender_fault = false;

  /// Null if there is none.
  const Member* member(std::string_view name) const;
  /// Whether anything of it goes into a request's or an answer's body.
  bool has_body_members() const;
};

/// A checksum that an operation wants with its body.
struct Checksum {
  bool required = false;
  std::string_view algorithm_member;  ///< input member that chooses it: "ChecksumAlgorithm"
};

struct Operation {
  std::string_view name;
  std::string_view method;
  std::string_view uri;  ///< "/{Bucket}/{Key+}?acl"
  int success_status = 0;
  const Shape* input = nullptr;   ///< null: nothing to say
  const Shape* output = nullptr;  ///< null: nothing to hear
  std::string_view input_name;    ///< root element of a rest-xml body; empty: the shape's name
  XmlNamespace input_namespace;
  std::string_view result_wrapper;
  std::string_view auth_type;    ///< "none", "v4", "v4-unsigned-body"; empty: the service's own
  std::string_view host_prefix;  ///< "{RequestRoute}."
  Checksum checksum;
  std::vector<const Shape*> errors;
};

struct Paginator {
  std::vector<std::string> input_tokens;
  std::vector<std::string> output_tokens;  ///< JMESPath
  std::vector<std::string> result_keys;    ///< JMESPath; the first is the main one
  std::string limit_key;
  std::string more_results;  ///< JMESPath; empty: the token itself says so
};

struct Acceptor {
  enum class Matcher { path, path_all, path_any, status, error };
  enum class State { success, retry, failure };
  Matcher matcher = Matcher::status;
  State state = State::retry;
  std::string argument;  ///< JMESPath
  std::string expected;  ///< JSON: "\"available\"", "true", "404"
};

struct Waiter {
  std::string operation;
  int delay_seconds = 0;
  int max_attempts = 0;
  std::vector<Acceptor> acceptors;
};

/// What the model says of the service as a whole.
struct Metadata {
  std::string service;  ///< the directory's name: "ec2", "inspector-scan"
  std::string_view api_version;
  std::string_view endpoint_prefix;
  std::string_view global_endpoint;
  std::string_view service_id;    ///< "EC2", "Inspector Scan"
  std::string_view signing_name;  ///< never empty
  std::string_view signature_version;
  std::string_view target_prefix;
  std::string_view json_version;  ///< "1.1"
  XmlNamespace xml_namespace;
  Protocol protocol = Protocol::json;
  bool signed_by_default = true;  ///< signatureVersion "none": false
};

/// Texts that a model is made of, each a JSON document in botocore's form. Empty ones are missing.
struct ModelTexts {
  std::string service;  ///< service-2.json
  std::string paginators;
  std::string waiters;
  std::string service_extras;  ///< the .sdk-extras.json beside it, merged in on reading
  std::string paginator_extras;
};

class Model {
 public:
  /// Throws `corrupt`, naming `origin` and what is wrong.
  Model(std::string service, const ModelTexts& texts, std::string_view origin);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model();

  const Metadata& metadata() const { return metadata_; }
  /// Throws `usage` with a suggestion if there is no such operation.
  const Operation& operation(std::string_view name) const;
  const std::vector<Operation>& operations() const { return operations_; }
  /// The exception that goes by `code` on the wire; null if the model knows none.
  const Shape* error(std::string_view code) const;
  /// Null if that operation is not paginated.
  const Paginator* paginator(std::string_view operation) const;
  /// Throws `usage` with a suggestion if there is no such waiter.
  const Waiter& waiter(std::string_view name) const;

 private:
  friend class ModelReader;
  std::vector<std::unique_ptr<char[]>> texts_;  ///< what the views point into
  Metadata metadata_;
  std::vector<Shape> shapes_;
  std::vector<Operation> operations_;
  std::unordered_map<std::string_view, const Operation*> operation_by_name_;
  std::unordered_map<std::string_view, const Shape*> error_by_code_;
  std::unordered_map<std::string, Paginator> paginators_;
  std::unordered_map<std::string, Waiter> waiters_;
};

/// A model from a service-2.json or service-2.json.gz, with the paginators and waiters that lie
/// beside it. Throws `not_found`, `corrupt`.
std::shared_ptr<const Model> load_model_file(std::string service, const Path& file);

/// All models at hand: those in the program, and a user's newer ones before them. Safe from several
/// threads; a model is read when it is first asked for.
class ModelLibrary {
 public:
  /// `directory` has botocore's layout, <service>/<version>/service-2.json[.gz]; empty: none.
  explicit ModelLibrary(Path directory = {});
  ~ModelLibrary();
  /// Throws `usage` with a suggestion if no such service is known, `corrupt`.
  std::shared_ptr<const Model> get(std::string_view service);
  /// From now on this model is the one of its service, as for a user's own file.
  void put(std::shared_ptr<const Model> model);
  std::vector<std::string> services() const;
  /// Which botocore the models in the program come from: "1.43.67".
  static std::string_view version();

 private:
  struct Shelf;
  std::unique_ptr<Shelf> shelf_;
};

/// The environment variable that names the directory of newer models.
inline constexpr const char* kModelsVariable = "HALLMARK_AWS_MODELS";

}  // namespace hallmark::aws
