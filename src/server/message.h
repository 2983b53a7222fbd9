#pragma once
/// HTTP as the rest of the room sees it: what was asked, and the way to answer.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  ///< "GET"
  std::string target;  ///< as it was sent: path and query
  Headers headers;     ///< names in lower case
  std::string body;
  std::string peer;     ///< the other side's address
  bool secure = false;  ///< over TLS

  /// The first of that name (in lower case); empty if there is none.
  std::string header(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::string body = {};
};

/// The way back to who asked. Either send, once, or begin, write as often as wished, and end. Safe
/// from every thread; never waits. Let go without an answer, it answers with status 500.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;
  /// Status and headers of an answer whose body comes in parts.
  virtual void begin(Response head) = 0;
  /// False: the other side has gone, or reads so slowly that it was let go.
  virtual bool write(std::string text) = 0;
  virtual void end() = 0;
};

/// What is decided before a body is read.
struct Admission {
  std::size_t body_bytes = 0;       ///< a longer body is refused
  std::optional<Response> refusal;  ///< the answer, instead of reading on
};

/// Who answers. Called by the threads that move bytes: must not wait for anything.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual Admission admit(const Request& head) = 0;
  virtual void handle(Request request, std::shared_ptr<Reply> reply) = 0;
};

}  // namespace hallmark::server
