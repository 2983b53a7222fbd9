#pragma once
/// Governed launches: machines of what a portfolio grants, and nothing else.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cloud/catalog.h"
#include "pipeline/context.h"

namespace hallmark::pipeline {

struct LaunchRequest {
  std::string product;  ///< "product/os" or "product/os/version"
  std::string name;     ///< of what is launched, unique in the place
  std::string principal;
  std::map<std::string, std::string> parameters;
};

/// The version that the reference names, or else the newest that is offered and not deprecated, and
/// the product that has it. Throws `usage` for a reference that is none, `not_found` with what is
/// offered as hint, `conflict` if only deprecated versions are offered and none is named.
struct Choice {
  cloud::Offer offer;
  cloud::ProductVersion version;
};
Choice choose(const std::vector<cloud::Offer>& offers, const std::string& reference);

/// Begins the launch and returns its id. Throws as Catalog::launch_product.
std::string launch_from_catalog(Context& context, const cloud::Place& place,
                                const LaunchRequest& request, std::stop_token stop);

/// Told while waiting.
using ProvisionedNews = std::function<void(const cloud::ProvisionedProduct&)>;

/// Waits until it stands. Throws `failed` with the reason if it does not come to stand, `timeout`,
/// `cancelled`; it is there still then.
cloud::ProvisionedProduct await_provisioned(Context& context, const cloud::Place& place,
                                            const std::string& provisioned_id,
                                            const ProvisionedNews& news, std::stop_token stop);

/// By name or id. Throws `not_found` with the closest name as hint.
cloud::ProvisionedProduct provisioned_named(Context& context, const cloud::Place& place,
                                            const std::string& name);

/// Ends what was launched, and waits until it is gone. Throws `timeout`, `cancelled`, `failed`.
void terminate_provisioned(Context& context, const cloud::Place& place,
                           const cloud::ProvisionedProduct& provisioned,
                           const ProvisionedNews& news, std::stop_token stop);

}  // namespace hallmark::pipeline
