#pragma once
/// For tests: a stand-in of tests/scanner_fakes as a process of its own.

#include <optional>
#include <string>

#include "base/json.h"
#include "net/stand_in_process.h"

namespace hallmark::scan {

/// Why it cannot run on this machine; empty if it can.
std::string why_no_stand_in();

/// Ends with the object, and with this process in any case.
class StandIn {
 public:
  /// `service`: "qualys" or "tenable".
  explicit StandIn(const std::string& service);

  const std::string& url() const { return url_; }
  /// POST /_fake/<name> with a body, GET without. See tests/scanner_fakes/README.md.
  Json control(const std::string& name, const std::optional<Json>& body = std::nullopt) const;
  /// How often an operation was called: "scan.launch".
  int calls(const std::string& operation) const;

 private:
  net::StandInProcess process_;
  std::string url_;
};

}  // namespace hallmark::scan
