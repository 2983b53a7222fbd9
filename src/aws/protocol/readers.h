#pragma once
/// Documents in answers: bounded, without DOCTYPE, never trusted to be what they should be.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// What stands in a service's error document besides the members of its shape.
struct ErrorDocument {
  std::string code;
  std::string message;
  std::string request_id;
};

/// An XML answer.
class XmlDocument {
 public:
  /// Throws `corrupt` for what is no XML, has a DOCTYPE, is too deep, too large, or is HTML.
  explicit XmlDocument(std::string_view text);
  ~XmlDocument();
  XmlDocument(const XmlDocument&) = delete;
  XmlDocument& operator=(const XmlDocument&) = delete;

  /// The root's name without prefix.
  std::string root_name() const;
  std::string root_text() const;
  /// Members of `shape` that stand in the root, or in its child `wrapper` if there is one.
  Value read(const Member& member, std::string_view wrapper) const;

  /// From <ErrorResponse><Error>, <Response><Errors><Error> or <Error>; empty if it is none.
  ErrorDocument error() const;
  /// Members of an exception, from the <Error> element.
  Value read_error(const Shape& shape) const;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

/// A JSON answer.
class JsonDocument {
 public:
  /// Throws `corrupt` like XmlDocument. An empty text is an empty object.
  explicit JsonDocument(std::string_view text);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  Value read(const Member& member) const;
  /// "__type", "code" and "message" in their spellings; uncut. json means the type even if a code
  /// is there too, rest-json the code.
  ErrorDocument error(Protocol protocol) const;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

/// No structured answer of AWS comes near.
inline constexpr std::size_t kMaxDocumentBytes = 256u << 20;

}  // namespace hallmark::aws
