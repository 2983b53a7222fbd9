#include "base/error.h"
#include "cloud/libvirt/libvirt_cloud.h"

namespace hallmark::cloud {

namespace {

class LibvirtOrganizations : public Organizations {
 public:
  explicit LibvirtOrganizations(UnitList units) : units_(std::move(units)) {}

  std::vector<MemberAccount> list_members(const std::string& unit, std::stop_token) override {
    return members_of(units_, unit);
  }
  std::optional<MemberAccount> find_account(const std::string& account_id,
                                            std::stop_token) override {
    return member_of(units_, account_id);
  }
  // Nothing here is encrypted.
  void check_key(const Place& place, const std::string& key_id, const std::string&,
                 std::stop_token) override {
    throw Error(ErrorKind::not_found, "there is no key {} in {}", key_id, to_string(place));
  }

 private:
  const UnitList units_;
};

}  // namespace

std::unique_ptr<Organizations> make_libvirt_organizations(const LibvirtCloudConfig& config) {
  if (config.units.accounts.empty()) return nullptr;
  return std::make_unique<LibvirtOrganizations>(config.units);
}

}  // namespace hallmark::cloud
