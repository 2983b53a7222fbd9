#pragma once
/// Who drives a run, and whether he still lives. Private to workflow/.

#include <string>
#include <string_view>

#include "base/clock.h"

namespace hallmark::workflow {

/// The name an engine leases runs under, valid while the object lives:
/// "<host>:<pid>:<process start time>:<scope>:<engine id>".
class LeaseIdentity {
 public:
  LeaseIdentity();
  LeaseIdentity(const LeaseIdentity&) = delete;
  LeaseIdentity& operator=(const LeaseIdentity&) = delete;
  ~LeaseIdentity();
  const std::string& owner() const { return owner_; }

 private:
  std::string owner_;
};

/// Whether the lease of `owner` still counts. For an owner in this process or on this boot of this
/// machine the answer is exact and needs no clock; for any other one, `expires_at` decides.
bool lease_holds(std::string_view owner, TimePoint expires_at, TimePoint now);

}  // namespace hallmark::workflow
