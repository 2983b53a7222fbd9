#pragma once
/// SIGINT and SIGTERM: the first one asks for a clean stop, the second one ends the process at
/// once.

#include <stop_token>
#include <thread>

#include "base/files.h"

namespace hallmark::app {

/// From construction on signals are caught. One per process.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  FileDescriptor reader_;
  FileDescriptor writer_;
  std::jthread listener_;
};

}  // namespace hallmark::app
