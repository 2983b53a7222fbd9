#pragma once
/// The organization of a memory cloud's world, see MemoryWorld::change_units.

#include <memory>

#include "cloud/memory/world.h"
#include "cloud/organizations.h"

namespace hallmark::cloud {

class MemoryOrganizations : public Organizations {
 public:
  explicit MemoryOrganizations(std::shared_ptr<MemoryWorld> world) : world_(std::move(world)) {}

  std::vector<MemberAccount> list_members(const std::string& unit, std::stop_token stop) override;
  std::optional<MemberAccount> find_account(const std::string& account_id,
                                            std::stop_token stop) override;
  void check_key(const Place& place, const std::string& key_id, const std::string& unit,
                 std::stop_token stop) override;

 private:
  MemoryWorld::Call enter(const char* operation);
  std::shared_ptr<MemoryWorld> world_;
};

}  // namespace hallmark::cloud
