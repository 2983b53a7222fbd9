#pragma once
/// For tests: a program that stands in for a service, as a process of its own. It tells on its
/// first line where it listens, has a control endpoint under /_fake/, and ends with its standard
/// input.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"

namespace hallmark::net {

/// Why `command --help` fails on this machine, as `name`; empty if it does not.
std::string why_not_started(const std::string& name, const std::vector<std::string>& command);

/// Ends with the object, and with this process in any case.
class StandInProcess {
 public:
  /// `command` is looked for in PATH.
  explicit StandInProcess(const std::vector<std::string>& command);
  StandInProcess(const StandInProcess&) = delete;
  StandInProcess& operator=(const StandInProcess&) = delete;
  ~StandInProcess();

  /// Its first line.
  const std::string& hello() const { return hello_; }

 private:
  pid_t pid_ = -1;
  FileDescriptor stdin_;
  std::string hello_;
};

/// POST `url`/_fake/`name` with a body, GET without.
Json control_stand_in(const std::string& url, const std::string& name,
                      const std::optional<Json>& body = std::nullopt);

}  // namespace hallmark::net
