#pragma once
/// For tests: the stand-in for Tenable of tests/scanner_fakes as a process of its own.

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/files.h"
#include "base/json.h"

namespace hallmark::scan::tenable {

/// Ends with the object, and with this process in any case.
class StandIn {
 public:
  StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn();

  const std::string& url() const { return url_; }
  /// Its control endpoint: POST /_fake/<name>, or GET without a body.
  Json control(const std::string& name, const std::optional<Json>& body = std::nullopt) const;

 private:
  pid_t pid_ = -1;
  FileDescriptor stdin_;
  std::string url_;
};

}  // namespace hallmark::scan::tenable
