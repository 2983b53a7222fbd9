#pragma once
/// For tests: an HTTP server on 127.0.0.1 that answers as the test says, one request after the
/// other.

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/sync.h"

namespace hallmark::net {

class LoopbackServer {
 public:
  /// Gets the request, head and body, returns the whole answer, from the server's thread. The
  /// connection is closed after it, unless it says "Connection: keep-alive". An empty answer
  /// closes the connection.
  using Answer = std::function<std::string(const std::string& request)>;
  explicit LoopbackServer(Answer answer);
  ~LoopbackServer();
  /// "http://127.0.0.1:port"
  std::string url() const;
  /// First lines of the requests so far: "GET /path HTTP/1.1".
  std::vector<std::string> requests();
  /// How many connections were made so far.
  int connections() const { return connections_; }

 private:
  void serve(std::stop_token stop);
  /// Reads what has come and answers what is complete. False when the connection is to be closed.
  bool serve_one(int fd, std::string& received);
  Answer answer_;
  FileDescriptor listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  Sync<std::vector<std::string>> requests_;
  std::jthread thread_;
};

/// A complete answer with `headers` ("Name: value\r\n" each) and `body`.
std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers = "");
/// The same, and the connection stays open.
std::string kept_http_answer(const std::string& status, const std::string& body,
                             const std::string& headers = "");

}  // namespace hallmark::net
