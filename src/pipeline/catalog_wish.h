#pragma once
/// What the catalogs should offer, as the records of images and their places say.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/catalog.h"
#include "model/catalog_offer.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

struct VersionWish {
  std::string run_id;  ///< of its image
  std::string name;
  cloud::VersionState state = cloud::VersionState::active;
  bool operator==(const VersionWish&) const = default;
};

/// Of one product in one region. Its catalog is our own account's; the other accounts have local
/// portfolios with what is shared from there.
struct RegionWish {
  std::vector<VersionWish> versions;  ///< oldest first
  /// Other accounts that have one of them, and what the portfolio is shared with for each: itself,
  /// or the id of the unit through which it has the image.
  std::map<std::string, std::string> accounts;
  std::set<std::string> gone;  ///< names of versions that were there and are not to be
  /// Other accounts that had one and have none, and what it was shared with.
  std::map<std::string, std::string> left;
  bool operator==(const RegionWish&) const = default;
};

struct ProductWish {
  cloud::ProductKey key;
  std::string home_account;
  model::CatalogOffer offer;                  ///< of the newest version that is offered
  std::map<std::string, RegionWish> regions;  ///< with a version, now or before
  bool operator==(const ProductWish&) const = default;
};

/// Of one portfolio at one place, from all products that it has.
struct PortfolioWish {
  std::string name;
  std::string home_account;
  std::string provider;
  cloud::Tags tags;
  cloud::Tags tag_options;
  std::set<std::string> principals;  ///< as in CatalogOffer
  std::set<std::string> recipients;  ///< accounts and ids of units that it is shared with
};

/// Without reading the rest of its pipeline, which may have thousands of targets.
std::optional<model::CatalogOffer> offer_of(const GoldenImage& image);

/// Of all products that have versions with an offer. Among the active versions of a product that
/// are in a region, the newest is offered and the others are deprecated; a deprecated version is
/// deprecated, a disabled one inactive, any other one is not offered.
std::vector<ProductWish> catalog_wishes(db::Database& database);

/// The same, read anew only if the records changed. Several threads may ask.
class WishReader {
 public:
  explicit WishReader(db::Database& database) : database_(database) {}
  std::shared_ptr<const std::vector<ProductWish>> read();

 private:
  db::Database& database_;
  std::mutex mutex_;
  std::string stamp_;
  std::shared_ptr<const std::vector<ProductWish>> wishes_;
};

/// The one of the image's product, or null.
const ProductWish* product_wish(const std::vector<ProductWish>& wishes, const GoldenImage& image);

/// From the products that are wanted at the place, which is our own account's or another one's.
PortfolioWish portfolio_wish(const std::vector<ProductWish>& wishes, const std::string& name,
                             const cloud::Place& place);

/// Those of the principals that are of the place's account, as ARNs, sorted.
std::vector<std::string> principals_at(const cloud::Place& place,
                                       const std::set<std::string>& principals);

}  // namespace hallmark::pipeline
