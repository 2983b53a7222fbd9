#include "pipeline/catalog.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/pipeline.h"
#include "model/product_template.h"
#include "pipeline/catalog_wish.h"
#include "pipeline/names.h"
#include "pipeline/portfolios.h"
#include "pipeline/units.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// A share is seen by the other account a little later, and so is what another run made.
constexpr Duration kSettleLimit{5 * 60'000};
constexpr workflow::PollSchedule kSettleSchedule{Duration{100}, Duration{10'000}};

using Wishes = std::vector<ProductWish>;

/// The same for every run about the image, so that repeating publishes no second version.
std::string version_token(const GoldenImage& image, const cloud::Place& place) {
  return sha256_hex(image.run_id + "/catalog/" + cloud::to_string(place));
}

/// Publishes it if it is not there. Returns the product's id.
std::string offer_version(Context& context, const std::string& run_id, const cloud::Place& place,
                          workflow::Step& step) {
  const GoldenImage image = get_golden_image(context.database, run_id);
  const auto pipeline = image.pipeline.get<model::Pipeline>();
  const model::CatalogOffer& offer = *pipeline.catalog;
  const std::string parameter = version_parameter(image.product, image.os, image.version);
  cloud::Tags tags = image_tags(pipeline, kGoldenType);
  // One product has many versions.
  for (const char* key : {"version", kImageKeyTag}) tags.erase(key);
  tags["ProductName"] = cloud::product_name({.product = image.product, .os = image.os});
  return context.catalog
      .publish_version(
          place, {.product = image.product, .os = image.os}, tags,
          {.name = image.version,
           .template_text = model::with_image(
               {.text = offer.template_text, .image_parameters = {}, .machine_size = ""},
               parameter),
           .image = parameter,
           .machine_size = offer.machine_size},
          version_token(image, place), step.stop())
      .product_id;
}

/// Publishes what is missing, and this image's version in any case: the cloud says whether the
/// version of its name is ours. Then each version gets its state.
std::string settle_versions(Context& context, const GoldenImage& image, const ProductWish& wish,
                            const cloud::Place& place, workflow::Step& step) {
  const std::vector<VersionWish>& wanted = wish.regions.at(place.region).versions;
  const auto product = context.catalog.find_product(place, wish.key);
  std::string product_id = product ? product->product_id : "";
  std::set<std::string> present;
  if (product) {
    for (const auto& version : context.catalog.list_versions(place, product_id)) {
      present.insert(version.name);
    }
  }
  for (const VersionWish& version : wanted) {
    if (present.contains(version.name) && version.run_id != image.run_id) continue;
    // What nobody is to launch is not offered first, so as to withdraw it.
    if (version.state == cloud::VersionState::inactive) continue;
    product_id = offer_version(context, version.run_id, place, step);
  }
  if (product_id.empty()) return product_id;
  for (const auto& version : context.catalog.list_versions(place, product_id)) {
    auto found = std::find_if(wanted.begin(), wanted.end(),
                              [&](const VersionWish& each) { return each.name == version.name; });
    if (found == wanted.end() || found->state == version.state) continue;
    context.catalog.set_version_state(place, {product_id, version.version_id}, found->state);
  }
  return product_id;
}

/// With its last version the product goes, out of all portfolios.
void remove_gone(Context& context, const ProductWish& wish, const cloud::Place& place) {
  const std::set<std::string>& gone = wish.regions.at(place.region).gone;
  const auto product = context.catalog.find_product(place, wish.key);
  if (!product) return;
  const auto versions = context.catalog.list_versions(place, product->product_id);
  const bool all = std::all_of(versions.begin(), versions.end(),
                               [&](const auto& version) { return gone.contains(version.name); });
  if (all) {
    for (const cloud::Portfolio& portfolio : context.catalog.list_portfolios(place)) {
      if (portfolio.owner_id != place.account_id) continue;
      context.catalog.remove_product(place, portfolio.portfolio_id, product->product_id);
    }
  }
  for (const auto& version : versions) {
    if (!gone.contains(version.name)) continue;
    context.catalog.remove_version(place, {product->product_id, version.version_id});
  }
}

/// What the place's own portfolios are to be, but for the product itself.
void settle_portfolios(Context& context, const Wishes& wishes, const cloud::Place& place) {
  for (const cloud::Portfolio& portfolio : made_portfolios(context.catalog, place)) {
    if (context.catalog.list_portfolio_products(place, portfolio.portfolio_id).empty()) {
      drop_portfolio(context.catalog, place, portfolio);
    } else {
      settle_portfolio(context.catalog, place, portfolio,
                       portfolio_wish(wishes, portfolio.tags.at(kPortfolioTag), place));
    }
  }
}

/// Two who make one portfolio at once come to take the same.
void require_one(Context& context, const cloud::Place& place, const std::string& name,
                 const std::string& portfolio_id) {
  const auto first = made_portfolio(context.catalog, place, name);
  if (first && first->portfolio_id == portfolio_id) return;
  throw Error(ErrorKind::unavailable, "portfolio {} in {} was made or removed by another run", name,
              cloud::to_string(place));
}

/// Our own account's catalog in a region.
void settle_home(Context& context, const GoldenImage& image, const Wishes& wishes,
                 const ProductWish& wish, const cloud::Place& place, workflow::Step& step) {
  const RegionWish& region = wish.regions.at(place.region);
  std::string kept;
  std::string product_id;
  if (!region.versions.empty()) {
    product_id = settle_versions(context, image, wish, place, step);
  } else if (const auto product = context.catalog.find_product(place, wish.key)) {
    product_id = product->product_id;
  }
  if (!region.versions.empty() && !product_id.empty()) {
    kept = hold_product(context.catalog, place, portfolio_wish(wishes, wish.offer.portfolio, place),
                        product_id, wish.offer.launch_role, "", step.token());
    require_one(context, place, wish.offer.portfolio, kept);
  }
  leave_portfolios(context.catalog, place, product_id, kept);
  // Accounts that leave lose the share before their product goes.
  settle_portfolios(context, wishes, place);
  remove_gone(context, wish, place);
}

/// What the home region has, which other accounts get.
struct Shared {
  std::string product_id;
  std::string portfolio_id;
};

std::optional<Shared> shared_from(Context& context, const ProductWish& wish,
                                  const cloud::Place& place) {
  const cloud::Place home{wish.home_account, place.region};
  const auto product = context.catalog.find_product(home, wish.key);
  const auto portfolio = made_portfolio(context.catalog, home, wish.offer.portfolio);
  if (!product || !portfolio) return std::nullopt;
  return Shared{product->product_id, portfolio->portfolio_id};
}

/// Whether the account at the place has the image through a unit that it is not in any more.
bool has_left(Context& context, const GoldenImage& image, const cloud::Place& place,
              workflow::Step& step) {
  const auto target = find_target(context.database, image.run_id, place);
  if (!target || target->unit.empty() || context.organizations == nullptr) return false;
  const auto members = context.organizations->list_members(target->unit, step.stop());
  return std::none_of(members.begin(), members.end(), [&](const cloud::MemberAccount& member) {
    return member.account_id == place.account_id;
  });
}

/// Another account's catalog: what was shared, in a portfolio of its own.
void settle_account(Context& context, const GoldenImage& image, const Wishes& wishes,
                    const ProductWish& wish, const cloud::Place& place, workflow::Step& step) {
  const auto shared = shared_from(context, wish, place);
  if (!shared) {
    throw Error(ErrorKind::unavailable, "{} does not offer {} yet", wish.home_account,
                cloud::to_string(wish.key));
  }
  try {
    context.catalog.accept_portfolio(place, shared->portfolio_id);
  } catch (const Error& e) {
    // Who left its unit is taken out by the next distribution; until then there is nothing for it.
    if (e.kind() != ErrorKind::not_found || !has_left(context, image, place, step)) throw;
    return;
  }
  const std::string kept =
      hold_product(context.catalog, place, portfolio_wish(wishes, wish.offer.portfolio, place),
                   shared->product_id, wish.offer.launch_role, shared->portfolio_id, step.token());
  require_one(context, place, wish.offer.portfolio, kept);
  leave_portfolios(context.catalog, place, shared->product_id, kept);
  settle_portfolios(context, wishes, place);
}

void leave_account(Context& context, const Wishes& wishes, const ProductWish& wish,
                   const cloud::Place& place) {
  const auto product = context.catalog.find_product({wish.home_account, place.region}, wish.key);
  if (!product) return;
  leave_portfolios(context.catalog, place, product->product_id, "");
  settle_portfolios(context, wishes, place);
}

/// Other runs record what they want before they settle it; so whoever looks once more at the end
/// leaves what was wanted last.
constexpr int kMostRounds = 20;

/// Makes one place's catalog what the records want, whichever account it is.
void settle_place(Context& context, WishReader& reader, const GoldenImage& image,
                  const cloud::Place& place, workflow::Step& step) {
  auto wishes = reader.read();
  for (int round = 0; round < kMostRounds; ++round) {
    const ProductWish* wish = product_wish(*wishes, image);
    if (wish == nullptr || !wish->regions.contains(place.region)) return;
    try {
      if (place.account_id == wish->home_account) {
        settle_home(context, image, *wishes, *wish, place, step);
      } else if (wish->regions.at(place.region).accounts.contains(place.account_id)) {
        settle_account(context, image, *wishes, *wish, place, step);
      } else {
        leave_account(context, *wishes, *wish, place);
      }
    } catch (const Error& e) {
      // Another run took away what this one had found; or what was just shared is not seen yet.
      if (e.kind() != ErrorKind::not_found) throw;
      throw Error(ErrorKind::unavailable, "{}", e.message());
    }
    auto now = reader.read();
    if (now == wishes || *now == *wishes) return;
    wishes = std::move(now);
  }
  throw Error(ErrorKind::unavailable, "what {} should offer changed {} times meanwhile",
              cloud::to_string(place), kMostRounds);
}

/// Those of the accounts that still share a portfolio: the others were left before, and may not be
/// there any more.
std::set<std::string> still_shared(Context& context, const cloud::Place& home,
                                   const std::map<std::string, std::string>& accounts) {
  std::set<std::string> shared;
  if (accounts.empty()) return shared;
  std::set<std::string> recipients;
  bool is_known = true;
  try {
    for (const cloud::Portfolio& portfolio : made_portfolios(context.catalog, home)) {
      for (std::string& recipient :
           context.catalog.list_portfolio_shares(home, portfolio.portfolio_id)) {
        recipients.insert(std::move(recipient));
      }
    }
  } catch (const Error& e) {
    // The region is told of where it is settled; the others go on.
    if (e.kind() == ErrorKind::cancelled) throw;
    is_known = false;
  }
  for (const auto& [account, recipient] : accounts) {
    if (!is_known || recipients.contains(recipient)) shared.insert(account);
  }
  return shared;
}

/// Other accounts that this image was brought to: those with other versions alone are not its
/// affair, and must not keep it from being retired.
std::set<cloud::Place> own_places(Context& context, const GoldenImage& image) {
  std::set<cloud::Place> places;
  for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
    places.insert(target.place);
  }
  return places;
}

/// Where there is something to do: {"leaving", "home", "children"}, each [[account, region]].
Json work_of(Context& context, const Wishes& wishes, const GoldenImage& image) {
  Json leaving = Json::array();
  Json homes = Json::array();
  Json children = Json::array();
  const ProductWish* wish = product_wish(wishes, image);
  const std::set<cloud::Place> own = own_places(context, image);
  const std::vector<std::string> known = context.cloud.properties().regions;
  for (const auto& [name, region] : wish ? wish->regions : decltype(wish->regions){}) {
    const cloud::Place home{wish->home_account, name};
    // A region that config.yaml does not have any more, where nothing is wanted.
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    if (region.versions.empty() && !is_known) continue;
    homes.push_back({home.account_id, name});
    for (const std::string& account : still_shared(context, home, region.left)) {
      if (own.contains({account, name})) leaving.push_back({account, name});
    }
    for (const auto& [account, recipient] : region.accounts) {
      if (own.contains({account, name})) children.push_back({account, name});
    }
  }
  return {{"leaving", leaving}, {"home", homes}, {"children", children}};
}

std::vector<cloud::Place> places_in(const Json& work, const char* key) {
  std::vector<cloud::Place> places;
  for (const Json& place : work.at(key)) places.push_back({place.at(0), place.at(1)});
  return places;
}

/// What could not be settled, and where.
struct Failure {
  cloud::Place place;
  std::string line;
};

std::vector<Failure> at_places(
    const std::vector<cloud::Place>& places, const std::string& verb, workflow::Run& run,
    const std::function<void(const cloud::Place&, workflow::Step&)>& settle,
    const std::function<bool(const cloud::Place&, const Error&)>& is_gone) {
  std::vector<workflow::Run::Branch> branches;
  for (const cloud::Place& place : places) {
    const std::string key = verb + "/" + cloud::to_string(place);
    branches.push_back(
        {key, [&settle, place, key](workflow::Run& branch) {
           // Errors that pass by themselves count as "not yet".
           return Json(branch.poll(key, kSettleLimit, kSettleSchedule, [&](workflow::Step& step) {
             settle(place, step);
             return std::optional<bool>(true);
           }));
         }});
  }
  std::vector<Failure> failures;
  const auto outcomes = run.branches(branches, kCatalogsAtOnce);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].error) continue;
    if (verb == "catalog-leaving" && is_gone(places[i], *outcomes[i].error)) continue;
    failures.push_back({places[i], outcomes[i].key + ": " + outcomes[i].error->message()});
  }
  return failures;
}

}  // namespace

std::vector<std::string> settle_catalog(Context& context, const GoldenImage& image,
                                        workflow::Run& run) {
  WishReader reader(context.database);
  const Json work = run.step(
      "list-catalogs", [&](workflow::Step&) { return work_of(context, *reader.read(), image); });
  auto settle = [&](const cloud::Place& place, workflow::Step& step) {
    settle_place(context, reader, image, place, step);
  };
  // What is shared ends at the owner's side; nobody waits for an account that is closed or left.
  auto is_gone = [&](const cloud::Place& place, const Error& error) {
    return run.step("standing-catalog/" + cloud::to_string(place), [&](workflow::Step& step) {
      if (error.kind() != ErrorKind::denied) return false;
      const Standing standing = standing_of(context, place.account_id, step.stop());
      return standing.closed || standing.left;
    });
  };
  std::vector<std::string> lines;
  std::set<std::string> failed_regions;
  // Accounts that leave come first: what they have in portfolios keeps the product from going.
  for (const char* part : {"leaving", "home", "children"}) {
    std::vector<cloud::Place> places = places_in(work, part);
    // Nothing can be shared from a region that failed.
    std::erase_if(places, [&](const cloud::Place& place) {
      return part == std::string_view("children") && failed_regions.contains(place.region);
    });
    for (Failure& failure :
         at_places(places, "catalog-" + std::string(part), run, settle, is_gone)) {
      if (part == std::string_view("home")) failed_regions.insert(failure.place.region);
      lines.push_back(std::move(failure.line));
    }
  }
  return lines;
}

Json publish(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const std::vector<std::string> failures = settle_catalog(context, image, run);
  if (!failures.empty()) {
    throw Error(ErrorKind::failed, "{} catalogs are not as they should be", failures.size())
        .note(join(failures, "\n  "))
        .hint("the others are; try those again: hallmark run retry " + run.id());
  }
  return {{"image_key", image.image_key}};
}

}  // namespace hallmark::pipeline
