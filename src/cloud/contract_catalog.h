#pragma once
/// The contract suite of cloud/catalog.h, run against any implementation as cloud/contract.h is:
///
///     cloud::CatalogSetup fresh_catalog() { ... }
///     INSTANTIATE_CATALOG_CONTRACT(Memory, {"plain", fresh_catalog});

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "cloud/catalog.h"

namespace hallmark::cloud {

/// What a test needs of the catalog under test, which is empty.
struct CatalogSetup {
  /// What it stands on; dropped after the last Catalog object.
  std::shared_ptr<void> keep;
  /// One more Catalog object over the same things, as another process would open it.
  std::function<std::unique_ptr<Catalog>()> open;

  Place home;   ///< our account in a region
  Place away;   ///< our account in another region
  Place guest;  ///< another account, same region as `home`
  /// Those who may launch in `home` and `guest` once it is granted to them.
  std::string home_principal = "arn:aws:iam::111122223333:user/admin";
  std::string guest_principal = "arn:aws:iam::444455556666:user/admin";

  /// A template whose image is what the parameter of this name holds.
  std::function<std::string(const std::string& image_parameter)> template_text;
  /// A parameter that holds, in `home` and `guest`, an image that can be launched there.
  std::string image_parameter = "/GoldenAMI/Debian-12/web-1/1.0";
  /// Ids of the machines that are on there.
  std::function<std::vector<std::string>(const Place& place)> machines;
  /// How many objects, old versions and marks of deletion lie where templates are kept; none if
  /// they are not kept apart.
  std::function<std::size_t()> stored_templates = [] { return std::size_t{0}; };

  /// Called between two looks at something that is not yet as hoped: sleeps or advances the clock.
  std::function<void()> settle;
  int looks = 200;
};

struct CatalogFactory {
  std::string name;  ///< letters and digits
  std::function<CatalogSetup()> make;
  /// Why the tests cannot run on this machine; empty text, or no function: they can.
  std::function<std::string()> why_not = {};
};
inline std::ostream& operator<<(std::ostream& out, const CatalogFactory& factory) {
  return out << factory.name;
}

class CatalogContract : public ::testing::TestWithParam<CatalogFactory> {
 protected:
  ~CatalogContract() override;
  void SetUp() override;

  bool eventually(const std::function<bool()>& condition);
  std::string token();  ///< a new one each time
  VersionSpec version(const std::string& name);
  VersionId publish(const ProductKey& key, const std::string& version_name);
  std::string portfolio(const Place& place, const std::string& name = "golden");
  /// The names of the product's versions.
  std::vector<std::string> version_names(const Place& place, const std::string& product_id);
  ProductLaunch launch_of(const VersionId& version, const std::string& name,
                          const std::string& principal);

  CatalogSetup setup_;
  std::unique_ptr<Catalog> catalog_;

 private:
  int tokens_ = 0;
};

}  // namespace hallmark::cloud

/// INSTANTIATE_CATALOG_CONTRACT(Memory, {"plain", make_plain}, {"in_a_file", make_in_a_file});
#define INSTANTIATE_CATALOG_CONTRACT(prefix, ...)                                           \
  namespace hallmark_catalog_contract_##prefix {                                            \
    inline const std::vector<::hallmark::cloud::CatalogFactory> kFactories = {__VA_ARGS__}; \
  }                                                                                         \
  namespace hallmark::cloud {                                                               \
  INSTANTIATE_TEST_SUITE_P(                                                                 \
      prefix, CatalogContract,                                                              \
      ::testing::ValuesIn(hallmark_catalog_contract_##prefix::kFactories),                  \
      [](const ::testing::TestParamInfo<::hallmark::cloud::CatalogFactory>& factory) {      \
        return factory.param.name;                                                          \
      });                                                                                   \
  }                                                                                         \
  static_assert(true, "takes a semicolon")
