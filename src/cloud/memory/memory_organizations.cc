#include "cloud/memory/memory_organizations.h"

namespace hallmark::cloud {

MemoryWorld::Call MemoryOrganizations::enter(const char* operation) {
  const MemoryOptions& options = world_->options();
  return world_->enter(operation, {options.account_id, options.regions.front()});
}

std::vector<MemberAccount> MemoryOrganizations::list_members(const std::string& unit,
                                                             std::stop_token) {
  MemoryWorld::Call call = enter("list_members");
  std::vector<MemberAccount> members = members_of(call.state().units, unit);
  call.done();
  return members;
}

std::optional<MemberAccount> MemoryOrganizations::find_account(const std::string& account_id,
                                                               std::stop_token) {
  MemoryWorld::Call call = enter("find_account");
  auto found = member_of(call.state().units, account_id);
  call.done();
  return found;
}

void MemoryOrganizations::check_key(const Place& place, const std::string& key_id,
                                    const std::string& unit, std::stop_token) {
  MemoryWorld::Call call = world_->enter("check_key", place);
  const bool is_open = world_->options().open_keys.contains(key_id);
  call.done();
  if (is_open) return;
  throw Error(ErrorKind::denied, "the policy of the key {} lets no account of {} use it", key_id,
              unit);
}

}  // namespace hallmark::cloud
