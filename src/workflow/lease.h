#pragma once
/// Who drives a run, and whether he still lives. Private to workflow/.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "db/database.h"

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

/// What leases are measured by: the database's own time where it has one, so that machines whose
/// clocks are apart agree.
struct LeaseTime {
  TimePoint now;
  /// Whether processes on other machines look too. Then also the lease of one that lives runs out:
  /// it may be frozen, or be cut off.
  bool shared = false;
  /// When the database server started: nobody could renew a lease while it was away.
  TimePoint server_started_at{};
};
LeaseTime lease_time(db::Connection& connection, const Clock& clock);

/// Whether the lease of `owner`, renewed for `lease` each time, still counts. An owner in this
/// process or on this boot of this machine that has died is noticed at once. While one lives, its
/// lease holds if nobody but this machine can look; else `expires_at` decides, as for any other.
bool lease_holds(std::string_view owner, TimePoint expires_at, const LeaseTime& time,
                 Duration lease);

}  // namespace hallmark::workflow
