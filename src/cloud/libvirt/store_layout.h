#pragma once
/// Where things lie in the local cloud's directory. A person can list it:
///   <root>/regions/<region>/images/ami-*.qcow2 and ami-*.json
///   <root>/regions/<region>/accounts/<account>/parameters/GoldenAMI/latest
///   <root>/regions/<region>/machines/i-*/
///   <root>/regions/<region>/locks/
/// Every name that comes from outside is checked here before it becomes a part of a path.

#include <string>
#include <vector>

#include "base/files.h"
#include "cloud/cloud.h"

namespace hallmark::cloud::libvirt {

struct StoreLayout {
  Path root;
  std::vector<std::string> regions;  ///< those that may be used

  /// Throws `usage` if the account id is malformed, `not_found` for an unknown region.
  void check(const Place& place) const;
  Path region(const Place& place) const;
  Path images(const Place& place) const { return region(place) / "images"; }
  Path parameters(const Place& place) const;
  Path machines(const Place& place) const { return region(place) / "machines"; }
  Path lock(const Place& place, const std::string& name) const;
};

/// Whether `id` is `<prefix>-` and 8 to 17 lower-case hex digits, the shapes of EC2 ids.
bool is_id(const std::string& id, const std::string& prefix);

/// The id of what `token` creates at `place`: the same for every attempt of every process.
std::string created_id(const std::string& prefix, const Place& place, const std::string& token);

/// Waits for the lock in small steps, so that a requested stop is noticed: throws `cancelled`.
FileLock lock_unless_stopped(const Path& path, Clock& clock, std::stop_token stop);

}  // namespace hallmark::cloud::libvirt
