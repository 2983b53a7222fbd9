#pragma once
/// One line of debug log for each call: operation, place, subject, outcome, duration.

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
