#pragma once
/// Failing on purpose, for tests: errors before a call (it never happened) or after it (its answer
/// was lost), and a place for a crash before and after each call.

#include <map>

#include "base/error.h"
#include "base/sync.h"
#include "cloud/hooks/call_hook.h"

namespace hallmark::cloud {

enum class FaultMoment { before, after };

struct Fault {
  std::string operation;
  int nth = 1;  ///< 1: the first call of the operation that this hook sees
  FaultMoment moment = FaultMoment::before;
  Error error{ErrorKind::unavailable, "failed on purpose"};
};

/// Called with "launch_machine#1 before", "launch_machine#1 after" and so on; the number counts the
/// calls of that operation. May throw, or end the process.
using FaultVisit = std::function<void(std::string point)>;

class Faulty : public CallHook {
 public:
  explicit Faulty(std::vector<Fault> faults, FaultVisit visit = {});
  /// A call that throws by itself has no point after it.
  void around(const CallInfo& info, const std::function<void()>& call) override;

 private:
  void at(const CallInfo& info, int nth, FaultMoment moment);

  std::vector<Fault> faults_;
  FaultVisit visit_;
  Sync<std::map<std::string, int, std::less<>>> calls_;
};

}  // namespace hallmark::cloud
