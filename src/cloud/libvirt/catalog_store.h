#pragma once
/// The catalog of the local cloud as JSON files, each written whole:
///   <root>/regions/<region>/accounts/<account>/catalog/products/prod-*.json, with its versions
///   .../catalog/portfolios/port-*.json, with its grants and shares
///   .../catalog/provisioned/pp-*.json
/// Safe between threads and processes.

#include <memory>

#include "cloud/libvirt/libvirt_cloud.h"
#include "cloud/libvirt/store_layout.h"
#include "cloud/recorded_catalog.h"

namespace hallmark::cloud {

namespace libvirt {

class CatalogStore : public CatalogStorage {
 public:
  explicit CatalogStore(StoreLayout layout, UnitList units = {})
      : layout_(std::move(layout)), units_(std::move(units)) {}

  void with(const Place& place, const std::function<void(CatalogState&)>& use) override;
  bool is_member(const std::string& unit_id, const std::string& account_id) override {
    return has_member(units_, unit_id, account_id);
  }

 private:
  StoreLayout layout_;
  UnitList units_;
};

}  // namespace libvirt

/// `cloud` is the local cloud over the same configuration; it and `clock` must outlive the catalog.
std::unique_ptr<Catalog> make_libvirt_catalog(const LibvirtCloudConfig& config, Cloud& cloud,
                                              Clock& clock);

}  // namespace hallmark::cloud
