#include "cloud/hooks/faulty.h"

namespace hallmark::cloud {

Faulty::Faulty(std::vector<Fault> faults, FaultVisit visit)
    : faults_(std::move(faults)), visit_(std::move(visit)) {}

void Faulty::around(const CallInfo& info, const std::function<void()>& call) {
  int nth = ++(*calls_.lock())[std::string(info.operation)];
  at(info, nth, FaultMoment::before);
  call();
  at(info, nth, FaultMoment::after);
}

void Faulty::at(const CallInfo& info, int nth, FaultMoment moment) {
  if (visit_) {
    visit_(fmt::format("{}#{} {}", info.operation, nth,
                       moment == FaultMoment::before ? "before" : "after"));
  }
  for (const Fault& fault : faults_) {
    if (fault.operation == info.operation && fault.nth == nth && fault.moment == moment) {
      throw Error(fault.error);
    }
  }
}

}  // namespace hallmark::cloud
