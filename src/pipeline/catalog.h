#pragma once
/// Golden images in the catalog: products, versions and portfolios made as the records want them
/// (catalog_wish.h), in our own account and in those that have the image.

#include <string>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "pipeline/image_users.h"
#include "pipeline/placement.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// Places worked on at once.
inline constexpr int kCatalogsAtOnce = 8;

/// Steps of a run, which may be repeated: brings the image's product into the catalog wherever it
/// is wanted, gives each version its state, and takes it out where it is not wanted any more, with
/// the portfolio if nothing else is in it. Nothing happens if no version of the product has an
/// offer. A line for each place that failed; the others are as they should be.
std::vector<std::string> settle_catalog(Context& context, const GoldenImage& image,
                                        workflow::Run& run);

/// What the image's version lacks, or has too much of, in each place's catalog. `delivery` is
/// "catalog". Empty if its product has no offer.
std::vector<PlaceCheck> check_catalog(const Context& context, const GoldenImage& image);

/// What was launched from the version through the catalog at the targets. A place that cannot be
/// looked at proves nothing, so it is a user.
std::vector<ImageUser> find_catalog_users(const Context& context, const GoldenImage& image,
                                          const std::vector<ImageTarget>& targets);

}  // namespace hallmark::pipeline
