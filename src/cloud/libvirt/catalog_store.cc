#include "cloud/libvirt/catalog_store.h"

#include "base/error.h"

namespace hallmark::cloud {

namespace libvirt {
namespace {

/// What lies in one file each, by where.
using Files = std::map<Path, Json>;

const std::string& owner_of(const ProductRecord& record) { return record.product.owner_id; }
const std::string& owner_of(const PortfolioRecord& record) { return record.portfolio.owner_id; }
const std::string& owner_of(const ProvisionedRecord& record) { return record.account_id; }

Path kind_directory(const Path& accounts, const std::string& account_id, const char* kind) {
  return accounts / account_id / "catalog" / kind;
}

template <typename Record>
void read_kind(const Path& accounts, const std::string& account_id, const char* kind,
               Record (*read)(const Json&), std::map<std::string, Record>& into) {
  const Path directory = kind_directory(accounts, account_id, kind);
  if (!std::filesystem::is_directory(directory)) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".json") continue;
    try {
      Record record = read(parse_json(read_file(entry.path()), entry.path().string()));
      if (owner_of(record) != account_id) {
        throw Error(ErrorKind::corrupt, "it belongs to account {}", owner_of(record));
      }
      into[entry.path().stem().string()] = std::move(record);
    } catch (Error& e) {
      throw e.note("while reading " + entry.path().string());
    }
  }
}

template <typename Record>
void list_kind(const Path& accounts, const char* kind, const std::map<std::string, Record>& from,
               Files& files) {
  for (const auto& [id, record] : from) {
    files[kind_directory(accounts, owner_of(record), kind) / (id + ".json")] = to_json(record);
  }
}

CatalogState read_state(const Path& accounts) {
  CatalogState state;
  if (!std::filesystem::is_directory(accounts)) return state;
  for (const auto& entry : std::filesystem::directory_iterator(accounts)) {
    const std::string account_id = entry.path().filename().string();
    read_kind(accounts, account_id, "products", product_record_from, state.products);
    read_kind(accounts, account_id, "portfolios", portfolio_record_from, state.portfolios);
    read_kind(accounts, account_id, "provisioned", provisioned_record_from, state.provisioned);
  }
  return state;
}

Files files_of(const Path& accounts, const CatalogState& state) {
  Files files;
  list_kind(accounts, "products", state.products, files);
  list_kind(accounts, "portfolios", state.portfolios, files);
  list_kind(accounts, "provisioned", state.provisioned, files);
  return files;
}

}  // namespace

void CatalogStore::with(const Place& place, const std::function<void(CatalogState&)>& use) {
  const Path accounts = layout_.region(place) / "accounts";
  FileLock lock(layout_.lock(place, "catalog"));
  CatalogState state = read_state(accounts);
  const Files before = files_of(accounts, state);
  use(state);
  const Files after = files_of(accounts, state);
  for (const auto& [path, json] : after) {
    auto known = before.find(path);
    if (known == before.end() || known->second != json) write_file(path, pretty(json));
  }
  for (const auto& [path, json] : before) {
    if (!after.contains(path)) hallmark::remove_all(path);
  }
}

}  // namespace libvirt

namespace {

class LibvirtCatalog : public RecordedCatalog {
 public:
  LibvirtCatalog(std::unique_ptr<libvirt::CatalogStore> store, Cloud& cloud, Clock& clock)
      : RecordedCatalog(*store, cloud, clock), store_(std::move(store)) {}

 private:
  std::unique_ptr<libvirt::CatalogStore> store_;
};

}  // namespace

std::unique_ptr<Catalog> make_libvirt_catalog(const LibvirtCloudConfig& config, Cloud& cloud,
                                              Clock& clock) {
  return std::make_unique<LibvirtCatalog>(
      std::make_unique<libvirt::CatalogStore>(
          libvirt::StoreLayout{.root = config.root, .regions = config.regions}, config.units),
      cloud, clock);
}

}  // namespace hallmark::cloud
