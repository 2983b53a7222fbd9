#pragma once
/// How callers and a machine's guard talk: a unix socket in the machine's directory, one JSON
/// request and one JSON answer per connection. Only the owner of the directory can connect (mode
/// 0600).

#include <functional>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"

namespace hallmark::cloud::libvirt {

/// Returns the guard's answer, or nothing if no guard listens there or it dies meanwhile:
/// then the request may have been carried out, and is to be repeated. An Error that the guard
/// answers is thrown here. Throws `unavailable` if no answer comes in time.
std::optional<Json> ask_guard(const Path& directory, const Json& request, Duration time_limit);

/// The listening side. Each request is answered on a thread of its own, so that a slow one blocks
/// nobody.
class GuardSocket {
 public:
  /// Listens at once; an old socket file is replaced. Call with the guard's lock held.
  explicit GuardSocket(const Path& directory);
  ~GuardSocket();
  GuardSocket(const GuardSocket&) = delete;
  GuardSocket& operator=(const GuardSocket&) = delete;

  /// Accepts and answers until `stop` is requested. An Error that `answer` throws goes to the
  /// caller.
  void serve(const std::function<Json(const Json& request)>& answer, std::stop_token stop);

 private:
  Path directory_;
  FileDescriptor listener_;
};

}  // namespace hallmark::cloud::libvirt
