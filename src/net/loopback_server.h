#pragma once
/// For tests: an HTTP server on 127.0.0.1 that answers as the test says. One connection at a time.

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/sync.h"

namespace hallmark::net {

class LoopbackServer {
 public:
  /// Gets the request's head, returns the whole answer, from the server's thread. An empty answer
  /// closes the connection.
  using Answer = std::function<std::string(const std::string& request)>;
  explicit LoopbackServer(Answer answer);
  ~LoopbackServer();
  /// "http://127.0.0.1:port"
  std::string url() const;
  /// First lines of the requests so far: "GET /path HTTP/1.1".
  std::vector<std::string> requests();

 private:
  void serve(std::stop_token stop);
  Answer answer_;
  FileDescriptor listener_;
  int port_ = 0;
  Sync<std::vector<std::string>> requests_;
  std::jthread thread_;
};

/// A complete answer with `headers` ("Name: value\r\n" each) and `body`.
std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers = "");

}  // namespace hallmark::net
