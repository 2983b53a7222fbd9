#pragma once
/// For tests: an enforcement that keeps what it is told and lists what was done.

#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.h"
#include "cloud/enforcement.h"

namespace hallmark::cloud {

class MemoryEnforcement : public Enforcement {
 public:
  void put_verdict(const Place& place, const std::string& rule, const PlaceVerdict& verdict,
                   std::stop_token) override {
    const auto lock = enter(place);
    verdicts[{place.account_id, place.region, rule}] = verdict;
  }
  LaunchSettings launch_settings(const Place& place, std::stop_token) override {
    const auto lock = enter(place);
    return settings[to_string(place)];
  }
  void put_launch_rules(const Place& place, const std::vector<LaunchRule>& rules,
                        std::stop_token) override {
    const auto lock = enter(place);
    settings[to_string(place)].rules = rules;
    done.push_back("rules " + to_string(place));
  }
  void put_launch_mode(const Place& place, LaunchMode mode, std::stop_token) override {
    const auto lock = enter(place);
    settings[to_string(place)].mode = mode;
    done.push_back(std::string(to_string(mode)) + " " + to_string(place));
  }
  std::string organization_policy(const std::string& policy_id, std::stop_token) override {
    return policies.at(policy_id);
  }
  void put_organization_policy(const std::string& policy_id, const std::string& document,
                               std::stop_token) override {
    policies.at(policy_id) = document;
  }

  std::string refused;  ///< an account where every call is denied
  std::map<std::vector<std::string>, PlaceVerdict> verdicts;  ///< by account, region and rule
  std::map<std::string, LaunchSettings> settings;             ///< by place
  std::map<std::string, std::string> policies;
  std::vector<std::string> done;

 private:
  std::unique_lock<std::mutex> enter(const Place& place) {
    if (place.account_id == refused) throw Error(ErrorKind::denied, "{} is denied", refused);
    return std::unique_lock(mutex_);
  }
  std::mutex mutex_;
};

}  // namespace hallmark::cloud
