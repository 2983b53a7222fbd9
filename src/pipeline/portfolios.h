#pragma once
/// Portfolios that were made here, in one place. Each call may be repeated.

#include <optional>
#include <string>
#include <vector>

#include "cloud/catalog.h"
#include "pipeline/catalog_wish.h"

namespace hallmark::pipeline {

/// On portfolios made here: their name. Only those are changed.
inline constexpr const char* kPortfolioTag = "hallmark:portfolio";

/// Those that the place's account owns, by id.
std::vector<cloud::Portfolio> made_portfolios(cloud::Catalog& catalog, const cloud::Place& place);
/// If two processes made one at once, all take the same.
std::optional<cloud::Portfolio> made_portfolio(cloud::Catalog& catalog, const cloud::Place& place,
                                               const std::string& name);

/// Tag options, who may launch, and what it is shared with if it is our own account's,
/// become those of the wish.
void settle_portfolio(cloud::Catalog& catalog, const cloud::Place& place,
                      const cloud::Portfolio& portfolio, const PortfolioWish& wish);

/// Makes the portfolio if there is none, with the product, launched as `launch_role` (empty: as who
/// launches), in it. A product of another account comes from `source_portfolio_id`. Returns its id.
std::string hold_product(cloud::Catalog& catalog, const cloud::Place& place,
                         const PortfolioWish& wish, const std::string& product_id,
                         const std::string& launch_role, const std::string& source_portfolio_id,
                         const std::string& token);

/// Takes the product out of all made portfolios but `kept`.
void leave_portfolios(cloud::Catalog& catalog, const cloud::Place& place,
                      const std::string& product_id, const std::string& kept);

/// Removes an empty portfolio with its shares. It stays if somebody put a product into it.
void drop_portfolio(cloud::Catalog& catalog, const cloud::Place& place,
                    const cloud::Portfolio& portfolio);

}  // namespace hallmark::pipeline
