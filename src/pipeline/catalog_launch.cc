#include "pipeline/catalog_launch.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::pipeline {

namespace {

/// A template may make databases; a machine alone takes minutes.
constexpr Duration kLimit{60 * 60'000};
constexpr Duration kFirstLook{200};
constexpr Duration kMostBetweenLooks{5'000};

struct Reference {
  cloud::ProductKey key;
  std::string version;
};

Reference reference_from(const std::string& text) {
  const std::vector<std::string> parts = split(text, '/');
  const bool fits = (parts.size() == 2 || parts.size() == 3) &&
                    std::none_of(parts.begin(), parts.end(),
                                 [](const std::string& part) { return part.empty(); });
  if (!fits) {
    throw Error(ErrorKind::usage, "\"{}\" names no product", text)
        .hint("write PRODUCT/OS or PRODUCT/OS/VERSION, such as Web-1.0/Debian-12");
  }
  return {{.product = parts[0], .os = parts[1]}, parts.size() == 3 ? parts[2] : ""};
}

/// A product that was shared has only its name in some clouds.
bool is_of(const cloud::Product& product, const cloud::ProductKey& key) {
  return product.key.product.empty() ? product.name == cloud::product_name(key)
                                     : product.key == key;
}

[[noreturn]] void throw_not_offered(const std::vector<cloud::Offer>& offers,
                                    const std::string& reference) {
  std::set<std::string> names;
  for (const cloud::Offer& offer : offers) names.insert(offer.product.name);
  throw Error(ErrorKind::not_found, "nothing called {} is offered to you there", reference)
      .hint(names.empty() ? "no portfolio grants you anything; ask who keeps the catalog"
                          : "there is: " + join({names.begin(), names.end()}, ", "));
}

/// Looks until `look` says that it is over.
void wait_for(Context& context, const std::function<bool()>& look, std::stop_token stop) {
  const TimePoint limit = context.clock.now() + kLimit;
  Duration between = kFirstLook;
  while (!look()) {
    if (context.clock.now() >= limit) {
      throw Error(ErrorKind::timeout, "it was not over after {}", format_duration(kLimit))
          .hint("look again: hallmark catalog list --launched");
    }
    if (!context.clock.sleep_until(context.clock.now() + between, stop)) {
      throw Error(ErrorKind::cancelled, "stopped waiting; it goes on by itself")
          .hint("look again: hallmark catalog list --launched");
    }
    between = std::min(between * 3 / 2, kMostBetweenLooks);
  }
}

}  // namespace

Choice choose(const std::vector<cloud::Offer>& offers, const std::string& reference) {
  const Reference wanted = reference_from(reference);
  bool deprecated = false;
  for (const cloud::Offer& offer : offers) {
    if (!is_of(offer.product, wanted.key)) continue;
    for (auto version = offer.versions.rbegin(); version != offer.versions.rend(); ++version) {
      const bool fits = wanted.version.empty() ? version->state == cloud::VersionState::active
                                               : version->name == wanted.version;
      if (fits) return {offer, *version};
      deprecated |= wanted.version.empty();
    }
  }
  if (!deprecated) throw_not_offered(offers, reference);
  throw Error(ErrorKind::conflict, "all versions of {} are deprecated", reference)
      .hint("name one to launch it all the same: " + reference + "/VERSION");
}

std::string launch_from_catalog(Context& context, const cloud::Place& place,
                                const LaunchRequest& request, std::stop_token stop) {
  const Choice choice =
      choose(context.catalog.list_offers(place, request.principal), request.product);
  const std::string token = random_id("launch");
  return context.catalog.launch_product(
      place,
      {.version = {choice.offer.product.product_id, choice.version.version_id},
       .name = request.name,
       .principal = request.principal,
       .parameters = request.parameters,
       .tags = {}},
      token, stop);
}

cloud::ProvisionedProduct await_provisioned(Context& context, const cloud::Place& place,
                                            const std::string& provisioned_id,
                                            const ProvisionedNews& news, std::stop_token stop) {
  cloud::ProvisionedProduct last{.provisioned_id = provisioned_id};
  wait_for(
      context,
      [&] {
        const auto found = context.catalog.find_provisioned(place, provisioned_id);
        if (!found) return false;  // Not to be seen yet.
        last = *found;
        news(last);
        return last.state != cloud::ProvisionedState::changing;
      },
      stop);
  if (last.state == cloud::ProvisionedState::available) return last;
  throw Error(ErrorKind::failed, "{} does not stand: {}", last.name,
              last.state_reason.empty() ? "the cloud does not say why" : last.state_reason)
      .hint("take it away: hallmark catalog terminate " + last.name);
}

cloud::ProvisionedProduct provisioned_named(Context& context, const cloud::Place& place,
                                            const std::string& name) {
  std::vector<std::string> names;
  for (cloud::ProvisionedProduct& each : context.catalog.list_provisioned(place)) {
    if (each.name == name || each.provisioned_id == name) return std::move(each);
    names.push_back(each.name);
  }
  const auto close = suggestion(name, names);
  throw Error(ErrorKind::not_found, "nothing called {} was launched in {}", name,
              cloud::to_string(place))
      .hint(close ? "did you mean " + *close + "?" : "see: hallmark catalog list --launched");
}

void terminate_provisioned(Context& context, const cloud::Place& place,
                           const cloud::ProvisionedProduct& provisioned,
                           const ProvisionedNews& news, std::stop_token stop) {
  context.catalog.remove_provisioned(place, provisioned.provisioned_id);
  bool was_failed = provisioned.state == cloud::ProvisionedState::failed;
  wait_for(
      context,
      [&] {
        const auto found = context.catalog.find_provisioned(place, provisioned.provisioned_id);
        if (found) news(*found);
        const bool failed = found && found->state == cloud::ProvisionedState::failed;
        if (found && !failed) was_failed = false;
        if (failed && !was_failed) {
          throw Error(ErrorKind::failed, "{} could not be ended: {}", found->name,
                      found->state_reason);
        }
        return !found;
      },
      stop);
}

}  // namespace hallmark::pipeline
