#include "cloud/contract_catalog.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "cloud/contract.h"

namespace hallmark::cloud {

// An implementation may instantiate the suite in a binary of its own.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CatalogContract);

namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;

const ProductKey kWeb{.product = "web-1", .os = "Debian-12"};
const ProductKey kOther{.product = "db-1", .os = "Debian-12"};
constexpr const char* kStranger = "arn:aws:iam::111122223333:role/stranger";

}  // namespace

void CatalogContract::SetUp() {
  const CatalogFactory& factory = GetParam();
  if (std::string why = factory.why_not ? factory.why_not() : ""; !why.empty()) GTEST_SKIP() << why;
  setup_ = factory.make();
  catalog_ = setup_.open();
}

CatalogContract::~CatalogContract() {
  catalog_.reset();
  setup_.open = nullptr;
}

bool CatalogContract::eventually(const std::function<bool()>& condition) {
  for (int look = 0; look < setup_.looks; ++look) {
    if (condition()) return true;
    setup_.settle();
  }
  return false;
}

std::string CatalogContract::token() { return fmt::format("catalog-token-{}", ++tokens_); }

VersionSpec CatalogContract::version(const std::string& name) {
  return {.name = name,
          .template_text = setup_.template_text(setup_.image_parameter),
          .image = setup_.image_parameter,
          .machine_size = ""};
}

VersionId CatalogContract::publish(const ProductKey& key, const std::string& version_name) {
  return catalog_->publish_version(setup_.home, key, {{"Cost-Center", "7"}}, version(version_name),
                                   token(), {});
}

std::string CatalogContract::portfolio(const Place& place, const std::string& name) {
  return catalog_->create_portfolio(
      place, {.name = name, .provider = "CCOE", .description = "golden images", .tags = {}},
      token());
}

std::vector<std::string> CatalogContract::version_names(const Place& place,
                                                        const std::string& product_id) {
  std::vector<std::string> names;
  for (const ProductVersion& one : catalog_->list_versions(place, product_id)) {
    names.push_back(one.name);
  }
  return names;
}

ProductLaunch CatalogContract::launch_of(const VersionId& version, const std::string& name,
                                         const std::string& principal) {
  return {.version = version, .name = name, .principal = principal, .parameters = {}, .tags = {}};
}

TEST_P(CatalogContract, ProductIsMadeWithItsFirstVersion) {
  EXPECT_EQ(catalog_->find_product(setup_.home, kWeb), std::nullopt);
  VersionId first = publish(kWeb, "1.0");
  VersionId second = publish(kWeb, "1.1");
  EXPECT_EQ(first.product_id, second.product_id);
  EXPECT_NE(first.version_id, second.version_id);

  std::optional<Product> product = setup_.open()->find_product(setup_.home, kWeb);
  ASSERT_TRUE(product);
  EXPECT_EQ(product->product_id, first.product_id);
  EXPECT_EQ(product->key, kWeb);
  EXPECT_EQ(product->name, "web-1-Debian-12");
  EXPECT_EQ(product->owner_id, setup_.home.account_id);
  EXPECT_THAT(product->tags, ElementsAre(Pair("Cost-Center", "7")));
  std::vector<ProductVersion> versions = catalog_->list_versions(setup_.home, first.product_id);
  ASSERT_THAT(versions, SizeIs(2));
  EXPECT_EQ(versions[0].version_id, first.version_id);
  EXPECT_EQ(versions[0].name, "1.0");
  EXPECT_EQ(versions[0].description, "This is version 1.0");
  EXPECT_EQ(versions[0].state, VersionState::active);
  EXPECT_EQ(versions[1].version_id, second.version_id);
  EXPECT_THAT(catalog_->list_versions(setup_.home, "prod-0123456789abc"), IsEmpty());
}

TEST_P(CatalogContract, PublishingAgainFindsWhatWasMade) {
  const std::string token = "the same each time";
  auto again = [&](const std::string& with) {
    return setup_.open()->publish_version(setup_.home, kWeb, {}, version("1.0"), with, {});
  };
  VersionId first = again(token);
  EXPECT_EQ(again(token), first);
  EXPECT_THAT(error_kind_of([&] { again("another"); }), Optional(ErrorKind::conflict));
  publish(kWeb, "1.1");
  EXPECT_EQ(again(token), first);
  EXPECT_THAT(version_names(setup_.home, first.product_id), ElementsAre("1.0", "1.1"));
  EXPECT_THAT(catalog_->list_products(setup_.home), SizeIs(1));
}

// Both come to "a-b-c": one name, and with the original pipelines one template for both.
TEST_P(CatalogContract, ProductsWhoseNamesMeetStayTwo) {
  const ProductKey one{.product = "a-b", .os = "c"};
  const ProductKey other{.product = "a", .os = "b-c"};
  VersionId first = publish(one, "1.0");
  VersionId second = publish(other, "1.0");
  EXPECT_NE(first.product_id, second.product_id);
  const std::size_t before = setup_.stored_templates();
  catalog_->remove_version(setup_.home, first);
  EXPECT_EQ(setup_.stored_templates(), before / 2);
  EXPECT_EQ(catalog_->find_product(setup_.home, one), std::nullopt);
  EXPECT_EQ(catalog_->find_product(setup_.home, other)->product_id, second.product_id);
}

TEST_P(CatalogContract, MoreProductsThanAPageHolds) {
  constexpr int kProducts = 23;  // Service Catalog's pages have 20.
  for (int i = 0; i < kProducts; ++i) {
    publish({.product = fmt::format("p{}", i), .os = "Debian-12"}, "1");
    portfolio(setup_.home, fmt::format("portfolio {}", i));
  }
  EXPECT_THAT(catalog_->list_products(setup_.home), SizeIs(kProducts));
  EXPECT_THAT(catalog_->list_portfolios(setup_.home), SizeIs(kProducts));
  for (int i = 0; i < kProducts; ++i) {
    EXPECT_TRUE(
        catalog_->find_product(setup_.home, {.product = fmt::format("p{}", i), .os = "Debian-12"}));
  }
}

TEST_P(CatalogContract, ProductsBelongToTheirPlace) {
  VersionId made = publish(kWeb, "1.0");
  for (const Place& elsewhere : {setup_.away, setup_.guest}) {
    EXPECT_THAT(catalog_->list_products(elsewhere), IsEmpty());
    EXPECT_EQ(catalog_->find_product(elsewhere, kWeb), std::nullopt);
    EXPECT_THAT(catalog_->list_versions(elsewhere, made.product_id), IsEmpty());
    EXPECT_THAT(error_kind_of(
                    [&] { catalog_->set_version_state(elsewhere, made, VersionState::inactive); }),
                Optional(ErrorKind::not_found));
    catalog_->remove_version(elsewhere, made);
  }
  EXPECT_THAT(version_names(setup_.home, made.product_id), ElementsAre("1.0"));
}

TEST_P(CatalogContract, VersionStatesChangeBothWays) {
  VersionId made = publish(kWeb, "1.0");
  for (VersionState state : {VersionState::deprecated, VersionState::inactive,
                             VersionState::inactive, VersionState::active}) {
    catalog_->set_version_state(setup_.home, made, state);
    EXPECT_EQ(setup_.open()->list_versions(setup_.home, made.product_id).at(0).state, state);
  }
  VersionId missing{made.product_id, "pa-0123456789abc"};
  EXPECT_THAT(error_kind_of([&] {
                catalog_->set_version_state(setup_.home, missing, VersionState::inactive);
              }),
              Optional(ErrorKind::not_found));
}

TEST_P(CatalogContract, TheLastVersionTakesTheProductAlong) {
  VersionId first = publish(kWeb, "1.0");
  VersionId second = publish(kWeb, "1.1");
  catalog_->remove_version(setup_.home, first);
  EXPECT_THAT(version_names(setup_.home, first.product_id), ElementsAre("1.1"));
  // One is left, and it is another one.
  catalog_->remove_version(setup_.home, first);
  EXPECT_THAT(version_names(setup_.home, first.product_id), ElementsAre("1.1"));
  catalog_->remove_version(setup_.home, second);
  EXPECT_EQ(catalog_->find_product(setup_.home, kWeb), std::nullopt);
  EXPECT_EQ(setup_.stored_templates(), 0u);
  catalog_->remove_version(setup_.home, second);
  VersionId again = publish(kWeb, "1.0");
  EXPECT_THAT(version_names(setup_.home, again.product_id), ElementsAre("1.0"));
}

TEST_P(CatalogContract, TheLastVersionStaysWhileAPortfolioHasTheProduct) {
  VersionId made = publish(kWeb, "1.0");
  std::string golden = portfolio(setup_.home);
  catalog_->add_product(setup_.home, golden, made.product_id);
  const std::size_t templates = setup_.stored_templates();
  EXPECT_THAT(error_kind_of([&] { catalog_->remove_version(setup_.home, made); }),
              Optional(ErrorKind::conflict));
  EXPECT_THAT(version_names(setup_.home, made.product_id), ElementsAre("1.0"));
  EXPECT_EQ(setup_.stored_templates(), templates) << "refused before anything was removed";
  catalog_->remove_product(setup_.home, golden, made.product_id);
  catalog_->remove_product(setup_.home, golden, made.product_id);
  catalog_->remove_version(setup_.home, made);
  EXPECT_THAT(catalog_->list_products(setup_.home), IsEmpty());
}

TEST_P(CatalogContract, PortfolioIsMadeOnceAndRemovedWhenEmpty) {
  const PortfolioSpec spec{.name = "golden",
                           .provider = "CCOE",
                           .description = "all of them",
                           .tags = {{"Generated-By", "Hallmark"}}};
  std::string made = catalog_->create_portfolio(setup_.home, spec, "t");
  EXPECT_EQ(setup_.open()->create_portfolio(setup_.home, spec, "t"), made);
  EXPECT_NE(catalog_->create_portfolio(setup_.home, spec, "u"), made) << "names are not unique";
  std::optional<Portfolio> found = catalog_->find_portfolio(setup_.home, made);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "golden");
  EXPECT_EQ(found->provider, "CCOE");
  EXPECT_EQ(found->description, "all of them");
  EXPECT_EQ(found->owner_id, setup_.home.account_id);
  EXPECT_THAT(found->tags, ElementsAre(Pair("Generated-By", "Hallmark")));
  EXPECT_THAT(found->tag_options, IsEmpty());
  EXPECT_EQ(catalog_->find_portfolio(setup_.guest, made), std::nullopt);
  EXPECT_EQ(catalog_->find_portfolio(setup_.away, made), std::nullopt);

  VersionId version = publish(kWeb, "1.0");
  auto remove = [&] {
    return error_kind_of([&] { catalog_->remove_portfolio(setup_.home, made); });
  };
  catalog_->add_product(setup_.home, made, version.product_id);
  catalog_->set_launch_role(setup_.home, made, version.product_id, "launcher");
  EXPECT_THAT(remove(), Optional(ErrorKind::conflict));
  catalog_->remove_product(setup_.home, made, version.product_id);
  catalog_->share_portfolio(setup_.home, made, setup_.guest.account_id);
  EXPECT_THAT(remove(), Optional(ErrorKind::conflict));
  catalog_->unshare_portfolio(setup_.home, made, setup_.guest.account_id);
  catalog_->grant(setup_.home, made, setup_.home_principal);
  catalog_->set_tag_options(setup_.home, made, {{"Team", "web"}});
  EXPECT_EQ(remove(), std::nullopt);
  EXPECT_EQ(catalog_->find_portfolio(setup_.home, made), std::nullopt);
  EXPECT_EQ(remove(), std::nullopt);
}

TEST_P(CatalogContract, TagOptionsBecomeExactlyThose) {
  std::string golden = portfolio(setup_.home);
  auto options = [&] { return catalog_->find_portfolio(setup_.home, golden)->tag_options; };
  catalog_->set_tag_options(setup_.home, golden, {{"Team", "web"}, {"Stage", "prod"}});
  EXPECT_THAT(options(), ElementsAre(Pair("Stage", "prod"), Pair("Team", "web")));
  catalog_->set_tag_options(setup_.home, golden, {{"Team", "db"}, {"Stage", "prod"}});
  EXPECT_THAT(options(), ElementsAre(Pair("Stage", "prod"), Pair("Team", "db")));
  std::string other = portfolio(setup_.home, "other");
  catalog_->set_tag_options(setup_.home, other, {{"Team", "db"}});
  catalog_->set_tag_options(setup_.home, golden, {});
  EXPECT_THAT(options(), IsEmpty());
  EXPECT_THAT(catalog_->find_portfolio(setup_.home, other)->tag_options,
              ElementsAre(Pair("Team", "db")));
}

TEST_P(CatalogContract, LaunchRoleIsOfAProductInAPortfolio) {
  std::string golden = portfolio(setup_.home);
  VersionId made = publish(kWeb, "1.0");
  EXPECT_THAT(error_kind_of([&] {
                catalog_->set_launch_role(setup_.home, golden, made.product_id, "launcher");
              }),
              Optional(ErrorKind::not_found));
  catalog_->add_product(setup_.home, golden, made.product_id);
  catalog_->add_product(setup_.home, golden, made.product_id);
  EXPECT_THAT(catalog_->list_portfolio_products(setup_.home, golden), ElementsAre(made.product_id));
  EXPECT_EQ(catalog_->launch_role(setup_.home, golden, made.product_id), "");
  for (const std::string role : {"launcher", "launcher", "other"}) {
    catalog_->set_launch_role(setup_.home, golden, made.product_id, role);
    EXPECT_EQ(catalog_->launch_role(setup_.home, golden, made.product_id), role);
  }
  catalog_->remove_product(setup_.home, golden, made.product_id);
  catalog_->add_product(setup_.home, golden, made.product_id);
  EXPECT_EQ(catalog_->launch_role(setup_.home, golden, made.product_id), "");
}

TEST_P(CatalogContract, GrantsCanBeTakenBack) {
  std::string golden = portfolio(setup_.home);
  catalog_->grant(setup_.home, golden, setup_.home_principal);
  catalog_->grant(setup_.home, golden, setup_.home_principal);
  catalog_->grant(setup_.home, golden, kStranger);
  EXPECT_THAT(catalog_->list_grants(setup_.home, golden),
              ElementsAre(kStranger, setup_.home_principal));
  catalog_->revoke(setup_.home, golden, kStranger);
  catalog_->revoke(setup_.home, golden, kStranger);
  EXPECT_THAT(catalog_->list_grants(setup_.home, golden), ElementsAre(setup_.home_principal));
  EXPECT_THAT(error_kind_of([&] { catalog_->grant(setup_.home, golden, ""); }),
              Optional(ErrorKind::usage));
}

TEST_P(CatalogContract, OnlyWhatWasSharedCanBeAccepted) {
  std::string golden = portfolio(setup_.home);
  VersionId made = publish(kWeb, "1.0");
  catalog_->add_product(setup_.home, golden, made.product_id);
  auto accept = [&] {
    return error_kind_of([&] { catalog_->accept_portfolio(setup_.guest, golden); });
  };
  EXPECT_THAT(accept(), Optional(ErrorKind::not_found));
  catalog_->share_portfolio(setup_.home, golden, setup_.guest.account_id);
  catalog_->share_portfolio(setup_.home, golden, setup_.guest.account_id);
  EXPECT_THAT(catalog_->list_portfolio_shares(setup_.home, golden),
              ElementsAre(setup_.guest.account_id));
  EXPECT_THAT(catalog_->list_portfolios(setup_.guest), IsEmpty()) << "not accepted yet";
  EXPECT_EQ(accept(), std::nullopt);
  EXPECT_EQ(accept(), std::nullopt);
  std::vector<Portfolio> seen = catalog_->list_portfolios(setup_.guest);
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].portfolio_id, golden);
  EXPECT_EQ(seen[0].owner_id, setup_.home.account_id);
  EXPECT_THAT(version_names(setup_.guest, made.product_id), ElementsAre("1.0"));
  // What is another's cannot be changed.
  for (const auto& change : std::vector<std::function<void()>>{
           [&] { catalog_->share_portfolio(setup_.guest, golden, setup_.home.account_id); },
           [&] { catalog_->set_version_state(setup_.guest, made, VersionState::inactive); },
           [&] { catalog_->remove_portfolio(setup_.guest, golden); }}) {
    error_kind_of(change);
  }
  EXPECT_EQ(catalog_->list_versions(setup_.home, made.product_id).at(0).state,
            VersionState::active);
  EXPECT_TRUE(catalog_->find_portfolio(setup_.home, golden));

  catalog_->leave_portfolio(setup_.guest, golden);
  catalog_->leave_portfolio(setup_.guest, golden);
  EXPECT_THAT(catalog_->list_portfolios(setup_.guest), IsEmpty());
  EXPECT_EQ(accept(), std::nullopt);
  catalog_->unshare_portfolio(setup_.home, golden, setup_.guest.account_id);
  catalog_->unshare_portfolio(setup_.home, golden, setup_.guest.account_id);
  EXPECT_THAT(catalog_->list_portfolios(setup_.guest), IsEmpty());
  EXPECT_THAT(catalog_->list_versions(setup_.guest, made.product_id), IsEmpty());
  EXPECT_THAT(accept(), Optional(ErrorKind::not_found));
}

TEST_P(CatalogContract, AChildOffersAnImportedProductInItsOwnPortfolio) {
  std::string golden = portfolio(setup_.home);
  VersionId made = publish(kWeb, "1.0");
  VersionId not_in_it = publish(kOther, "1.0");
  catalog_->add_product(setup_.home, golden, made.product_id);
  catalog_->share_portfolio(setup_.home, golden, setup_.guest.account_id);
  catalog_->accept_portfolio(setup_.guest, golden);
  std::string local = portfolio(setup_.guest, "local");
  EXPECT_THAT(error_kind_of([&] {
                catalog_->add_product(setup_.guest, local, not_in_it.product_id, golden);
              }),
              Optional(ErrorKind::not_found));
  catalog_->add_product(setup_.guest, local, made.product_id, golden);
  catalog_->add_product(setup_.guest, local, made.product_id, golden);
  catalog_->set_launch_role(setup_.guest, local, made.product_id, "launcher");
  EXPECT_EQ(catalog_->launch_role(setup_.guest, local, made.product_id), "launcher");
  catalog_->grant(setup_.guest, local, setup_.guest_principal);
  EXPECT_THAT(catalog_->list_grants(setup_.home, golden), IsEmpty());
  // A version published later arrives by itself.
  publish(kWeb, "1.1");
  std::vector<Offer> offers = catalog_->list_offers(setup_.guest, setup_.guest_principal);
  ASSERT_THAT(offers, SizeIs(1));
  EXPECT_EQ(offers[0].portfolio_id, local);
  EXPECT_EQ(offers[0].product.product_id, made.product_id);
  EXPECT_EQ(offers[0].product.name, "web-1-Debian-12");
  EXPECT_THAT(offers[0].versions, SizeIs(2));

  std::string launched = catalog_->launch_product(
      setup_.guest, launch_of(made, "mine", setup_.guest_principal), token(), {});
  EXPECT_TRUE(eventually([&] {
    auto found = catalog_->find_provisioned(setup_.guest, launched);
    return found && found->state == ProvisionedState::available;
  }));
  EXPECT_THAT(setup_.machines(setup_.guest), SizeIs(1));
  EXPECT_THAT(setup_.machines(setup_.home), IsEmpty());

  // Who takes the portfolio back ends the offer, in the child's own portfolio too.
  catalog_->unshare_portfolio(setup_.home, golden, setup_.guest.account_id);
  EXPECT_THAT(error_kind_of([&] {
                catalog_->launch_product(
                    setup_.guest, launch_of(made, "late", setup_.guest_principal), token(), {});
              }),
              AnyOf(Optional(ErrorKind::denied), Optional(ErrorKind::not_found)));
}

TEST_P(CatalogContract, OffersAreWhatAPortfolioGrants) {
  std::string golden = portfolio(setup_.home);
  VersionId first = publish(kWeb, "1.0");
  VersionId second = publish(kWeb, "1.1");
  VersionId third = publish(kWeb, "1.2");
  publish(kOther, "1.0");
  catalog_->add_product(setup_.home, golden, first.product_id);
  EXPECT_THAT(catalog_->list_offers(setup_.home, setup_.home_principal), IsEmpty());
  catalog_->grant(setup_.home, golden, setup_.home_principal);
  catalog_->set_version_state(setup_.home, first, VersionState::inactive);
  catalog_->set_version_state(setup_.home, second, VersionState::deprecated);
  std::vector<Offer> offers = catalog_->list_offers(setup_.home, setup_.home_principal);
  ASSERT_THAT(offers, SizeIs(1));
  EXPECT_EQ(offers[0].product.product_id, first.product_id);
  ASSERT_THAT(offers[0].versions, SizeIs(2));
  EXPECT_EQ(offers[0].versions[0].name, "1.1");
  EXPECT_EQ(offers[0].versions[0].state, VersionState::deprecated);
  EXPECT_EQ(offers[0].versions[1].version_id, third.version_id);
  EXPECT_THAT(catalog_->list_offers(setup_.home, kStranger), IsEmpty());
}

TEST_P(CatalogContract, LaunchMakesAMachineAndRemovingEndsIt) {
  std::string golden = portfolio(setup_.home);
  VersionId made = publish(kWeb, "1.0");
  catalog_->add_product(setup_.home, golden, made.product_id);
  catalog_->grant(setup_.home, golden, setup_.home_principal);
  ProductLaunch launch = launch_of(made, "first", setup_.home_principal);
  launch.tags = {{"Cost-Center", "9"}};
  std::string id = catalog_->launch_product(setup_.home, launch, "t", {});
  EXPECT_EQ(setup_.open()->launch_product(setup_.home, launch, "t", {}), id);
  std::optional<ProvisionedProduct> found;
  ASSERT_TRUE(eventually([&] {
    found = catalog_->find_provisioned(setup_.home, id);
    return found && found->state != ProvisionedState::changing;
  }));
  EXPECT_EQ(found->state, ProvisionedState::available) << found->state_reason;
  EXPECT_EQ(found->name, "first");
  EXPECT_EQ(found->version, made);
  EXPECT_THAT(found->tags, Contains(Pair("Cost-Center", "9")));
  std::vector<std::string> machines = setup_.machines(setup_.home);
  ASSERT_THAT(machines, SizeIs(1)) << "one token, one machine";
  EXPECT_THAT(found->outputs, Contains(Pair(std::string(kMachineOutput), machines[0])));

  EXPECT_THAT(error_kind_of([&] { catalog_->launch_product(setup_.home, launch, "u", {}); }),
              Optional(ErrorKind::conflict));
  launch.name = "another";
  catalog_->launch_product(setup_.home, launch, "u", {});
  std::vector<ProvisionedProduct> all = catalog_->list_provisioned(setup_.home);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].name, "another");
  EXPECT_EQ(all[1].provisioned_id, id);
  EXPECT_EQ(all[1].version, made);
  EXPECT_THAT(catalog_->list_provisioned(setup_.guest), IsEmpty());
  EXPECT_EQ(catalog_->find_provisioned(setup_.guest, id), std::nullopt);

  catalog_->remove_provisioned(setup_.guest, id);
  for (const ProvisionedProduct& one : all) {
    catalog_->remove_provisioned(setup_.home, one.provisioned_id);
  }
  EXPECT_TRUE(eventually([&] { return catalog_->list_provisioned(setup_.home).empty(); }));
  EXPECT_TRUE(eventually([&] { return setup_.machines(setup_.home).empty(); }));
  EXPECT_EQ(catalog_->find_provisioned(setup_.home, id), std::nullopt);
  catalog_->remove_provisioned(setup_.home, id);
}

TEST_P(CatalogContract, LaunchIsForThoseWhomAPortfolioGrantsIt) {
  std::string golden = portfolio(setup_.home);
  VersionId made = publish(kWeb, "1.0");
  VersionId next = publish(kWeb, "1.1");
  auto launch = [&](const VersionId& version, const std::string& principal) {
    return error_kind_of([&] {
      catalog_->launch_product(setup_.home, launch_of(version, "mine", principal), token(), {});
    });
  };
  EXPECT_THAT(launch(made, setup_.home_principal), Optional(ErrorKind::denied)) << "no portfolio";
  catalog_->add_product(setup_.home, golden, made.product_id);
  EXPECT_THAT(launch(made, setup_.home_principal), Optional(ErrorKind::denied)) << "no grant";
  catalog_->grant(setup_.home, golden, setup_.home_principal);
  EXPECT_THAT(launch(made, kStranger), Optional(ErrorKind::denied));
  EXPECT_THAT(launch(made, ""), Optional(ErrorKind::usage));
  catalog_->set_version_state(setup_.home, made, VersionState::inactive);
  EXPECT_THAT(launch(made, setup_.home_principal), Optional(ErrorKind::denied)) << "inactive";
  EXPECT_THAT(launch({made.product_id, "pa-0123456789abc"}, setup_.home_principal),
              Optional(ErrorKind::not_found));
  EXPECT_THAT(setup_.machines(setup_.home), IsEmpty());
  EXPECT_THAT(catalog_->list_provisioned(setup_.home), IsEmpty());
  catalog_->set_version_state(setup_.home, next, VersionState::deprecated);
  EXPECT_EQ(launch(next, setup_.home_principal), std::nullopt);
  catalog_->revoke(setup_.home, golden, setup_.home_principal);
  EXPECT_THAT(launch(next, setup_.home_principal), Optional(ErrorKind::denied));
}

TEST_P(CatalogContract, BadNamesAreRefused) {
  for (const std::string bad : {"", "a/b", "..", "a b", "-a", "\xc3\xbc", "a\nb"}) {
    SCOPED_TRACE(::testing::PrintToString(bad));
    EXPECT_THAT(error_kind_of([&] { publish({.product = bad, .os = "os"}, "1"); }),
                Optional(ErrorKind::usage));
    EXPECT_THAT(error_kind_of([&] { publish({.product = "p", .os = bad}, "1"); }),
                Optional(ErrorKind::usage));
    EXPECT_THAT(error_kind_of([&] { publish(kWeb, bad); }), Optional(ErrorKind::usage));
    EXPECT_THAT(error_kind_of([&] {
                  catalog_->launch_product(
                      setup_.home, launch_of({"prod-1", "pa-1"}, bad, setup_.home_principal),
                      token(), {});
                }),
                Optional(ErrorKind::usage));
  }
  EXPECT_THAT(error_kind_of([&] { portfolio(setup_.home, ""); }), Optional(ErrorKind::usage));
  EXPECT_THAT(error_kind_of([&] { portfolio(setup_.home, std::string(101, 'x')); }),
              Optional(ErrorKind::usage));
  VersionSpec empty = version("1");
  empty.template_text.clear();
  EXPECT_THAT(
      error_kind_of([&] { catalog_->publish_version(setup_.home, kWeb, {}, empty, token(), {}); }),
      Optional(ErrorKind::usage));
  EXPECT_THAT(catalog_->list_products(setup_.home), IsEmpty());
  EXPECT_THAT(catalog_->list_portfolios(setup_.home), IsEmpty());
}

}  // namespace hallmark::cloud
