#pragma once
/// One line of debug log for each call: operation, place, subject, outcome, duration. Counts it,
/// too: hallmark_cloud_calls_total by operation and outcome.

#include "base/clock.h"
#include "cloud/hooks/call_hook.h"

namespace hallmark::cloud {

class Logged : public CallHook {
 public:
  explicit Logged(Clock& clock) : clock_(clock) {}
  void around(const CallInfo& info, const std::function<void()>& call) override;

 private:
  Clock& clock_;
};

}  // namespace hallmark::cloud
