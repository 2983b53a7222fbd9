#include "cloud/libvirt/store_layout.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::cloud::libvirt {

using namespace std::chrono_literals;

void StoreLayout::check(const Place& place) const {
  check_account_id(place.account_id);
  if (std::find(regions.begin(), regions.end(), place.region) == regions.end()) {
    Error error(ErrorKind::not_found, "the local cloud has no region \"{}\"", place.region);
    error.hint("its regions are " + join(regions, ", "));
    throw error;
  }
}

Path StoreLayout::region(const Place& place) const {
  check(place);
  return root / "regions" / place.region;
}

Path StoreLayout::parameters(const Place& place) const {
  return region(place) / "accounts" / place.account_id / "parameters";
}

Path StoreLayout::lock(const Place& place, const std::string& name) const {
  return region(place) / "locks" / (name + ".lock");
}

bool is_id(const std::string& id, const std::string& prefix) {
  if (!id.starts_with(prefix + "-")) return false;
  std::string digits = id.substr(prefix.size() + 1);
  return digits.size() >= 8 && digits.size() <= 17 &&
         digits.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string created_id(const std::string& prefix, const Place& place, const std::string& token) {
  return id_from_token(prefix, place.account_id + "/" + place.region + "/" + token);
}

FileLock lock_unless_stopped(const Path& path, Clock& clock, std::stop_token stop) {
  while (true) {
    if (std::optional<FileLock> lock = FileLock::try_lock(path)) return std::move(*lock);
    if (!clock.sleep_until(clock.now() + 50ms, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for {}", path.string());
    }
  }
}

}  // namespace hallmark::cloud::libvirt
