/// The distribute workflow: an active golden image to accounts and regions. What is there already
/// is left alone, so it may be repeated; one target that fails leaves the others as they are.

#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Copies between AWS regions take up to hours; a copy to failed state ends the wait at once.
constexpr Duration kCopyLimit{6 * 3600'000};
constexpr workflow::PollSchedule kCopySchedule{Duration{100}, Duration{15'000}};
/// A copy that outlives its run is anybody's to remove after a day.
constexpr Duration kCopyDeadline{24 * 3600'000};
/// Regions and accounts worked on at once; the clouds' rates are kept by the limiter below us.
constexpr int kWidth = 8;

struct Distribution {
  Context& context;
  workflow::Run& run;
  GoldenImage image;
  model::Pipeline pipeline;

  std::string parameter() const {
    return version_parameter(image.product, image.os, image.version);
  }
};

std::optional<ImageTarget> present_target(const Distribution& d, const cloud::Place& place) {
  for (const ImageTarget& target : list_targets(d.context.database, d.image.run_id)) {
    if (target.place == place && target.state == TargetState::available) return target;
  }
  return std::nullopt;
}

void note_target(const Distribution& d, ImageTarget target) {
  record_target(d.context.database, d.image.run_id, target, d.context.clock.now());
}

/// Copies `from` to `to` and waits until the copy can be used. Owned by the run until it is
/// published.
std::string copy_to(const Distribution& d, workflow::Run& run, const std::string& from_image,
                    const std::string& from_region, const cloud::Place& to) {
  const std::string where = cloud::to_string(to);
  std::string copy_id = run.step("copy/" + where, [&](workflow::Step& step) {
    return make_owned(
        d.context, run, step, kImageKind, to, d.context.clock.now() + kCopyDeadline,
        [&](const std::string& token, const cloud::Tags& tags) {
          cloud::ImageSpec spec{.name = model::image_name(d.pipeline),
                                .description = "copied from " + model::image_name(d.pipeline),
                                .tags = image_tags(d.pipeline, kGoldenType)};
          spec.tags[kCopiedFromTag] = d.image.home.account_id + "/" + from_image;
          spec.tags.insert(tags.begin(), tags.end());
          return d.context.cloud.copy_image(to, from_image, from_region, spec, token, step.stop());
        });
  });
  run.poll("copied/" + where, kCopyLimit, kCopySchedule,
           [&](workflow::Step&) -> std::optional<bool> {
             auto image = d.context.cloud.find_image(to, copy_id);
             if (!image || image->state == cloud::ImageState::pending) return std::nullopt;
             if (image->state == cloud::ImageState::available) return true;
             throw Error(ErrorKind::failed, "the copy {} in {} is {}: {}", copy_id, where,
                         cloud::to_string(image->state), image->state_reason);
           });
  return copy_id;
}

/// Parameters last: an id is published only where its image can be used. Then the run lets go.
void publish(const Distribution& d, workflow::Run& run, const cloud::Place& place,
             const std::string& image_id, const std::string& delivery) {
  const std::string where = cloud::to_string(place);
  run.step("publish-version/" + where, [&](workflow::Step& step) {
    make_owned_detail(d.context, run, step, kParameterKind, place,
                      {{"name", d.parameter()}, {"value", image_id}},
                      [&] { publish_parameter(d.context.cloud, place, d.parameter(), image_id); });
  });
  run.step("publish-latest/" + where, [&](workflow::Step& step) {
    make_owned_detail(d.context, run, step, kLatestKind, place, {{"image_id", image_id}},
                      [&] { add_to_latest(d.context.cloud, place, image_id); });
  });
  run.step("settle/" + where, [&](workflow::Step&) {
    if (delivery != "share") {
      d.context.cloud.remove_tags(place, image_id, {kRunTag, kTokenTag, kDeadlineTag});
    }
    note_target(d, {.place = place,
                    .image_id = image_id,
                    .delivery = delivery,
                    .state = TargetState::available});
    for (const workflow::LedgerEntry& entry : d.context.ledger.open(run.id())) {
      if (entry.where.value("account_id", "") == place.account_id &&
          entry.where.value("region", "") == place.region) {
        d.context.ledger.released(entry.entry_id);
      }
    }
  });
}

/// The id to hand out in that region of our own account, copying if need be.
std::string bring_to_region(const Distribution& d, workflow::Run& run, const std::string& region) {
  cloud::Place place{d.image.home.account_id, region};
  Json present = run.step("look/" + cloud::to_string(place), [&](workflow::Step&) {
    d.context.home(region);
    auto target = present_target(d, place);
    return Json(target ? target->image_id : "");
  });
  if (!present.get<std::string>().empty()) return present.get<std::string>();
  std::string copy_id = copy_to(d, run, d.image.image_id, d.image.home.region, place);
  publish(d, run, place, copy_id, "regional");
  return copy_id;
}

void bring_to_account(const Distribution& d, workflow::Run& run, const std::string& regional_id,
                      const cloud::Place& place, model::Delivery delivery) {
  const std::string where = cloud::to_string(place);
  bool there = run.step("look/" + where,
                        [&](workflow::Step&) { return present_target(d, place).has_value(); });
  if (there) return;
  cloud::Place owner{d.image.home.account_id, place.region};
  run.step("share/" + where, [&](workflow::Step& step) {
    // The entry stands where the share is needed, so that settling that place releases it.
    make_owned_detail(d.context, run, step, kShareKind, owner,
                      {{"image_id", regional_id}, {"with", place.account_id}},
                      [&] { d.context.cloud.share_image(owner, regional_id, place.account_id); });
  });
  std::string image_id = regional_id;
  if (delivery == model::Delivery::copy) {
    image_id = copy_to(d, run, regional_id, place.region, place);
    run.step("unshare/" + where, [&](workflow::Step&) {
      d.context.cloud.unshare_image(owner, regional_id, place.account_id);
    });
  }
  publish(d, run, place, image_id, std::string(model::to_string(delivery)));
  run.step("settle-share/" + where, [&](workflow::Step&) {
    for (const workflow::LedgerEntry& entry : d.context.ledger.open(run.id())) {
      if (entry.kind == kShareKind && entry.where.value("with", "") == place.account_id &&
          entry.where.value("region", "") == place.region) {
        d.context.ledger.released(entry.entry_id);
      }
    }
  });
}

/// What `branches` came to, as failed targets in the record and lines of text.
std::vector<std::string> failures_of(const Distribution& d,
                                     const std::vector<workflow::BranchOutcome>& outcomes,
                                     const std::map<std::string, ImageTarget>& targets) {
  std::vector<std::string> failures;
  for (const workflow::BranchOutcome& outcome : outcomes) {
    if (!outcome.error) continue;
    failures.push_back(outcome.key + ": " + outcome.error->message());
    auto found = targets.find(outcome.key);
    if (found == targets.end()) continue;
    ImageTarget target = found->second;
    target.state = TargetState::failed;
    target.detail = outcome.error->full_text();
    d.run.step("record-failure/" + outcome.key, [&](workflow::Step&) { note_target(d, target); });
  }
  return failures;
}

}  // namespace

Json distribute(Context& context, workflow::Run& run) {
  Distribution d{context, run, {}, member<model::Pipeline>(run.input(), "pipeline")};
  const std::string image_run_id = member<std::string>(run.input(), "image_run_id");
  d.image = get_golden_image(context.database, image_run_id);
  run.on_exit("clean-up", workflow::ExitOn::always,
              [&context, &run](workflow::Step&) { remove_all_owned(context, run.id()); });

  std::set<std::string> regions;
  std::map<cloud::Place, model::Delivery> places;
  for (const model::Target& target : d.pipeline.targets) {
    for (const std::string& region : target.regions) {
      regions.insert(region);
      if (target.account_id != d.image.home.account_id) {
        places[{target.account_id, region}] = target.delivery;
      }
    }
  }

  std::vector<workflow::Run::Branch> copies;
  std::map<std::string, ImageTarget> copy_targets;
  for (const std::string& region : regions) {
    cloud::Place place{d.image.home.account_id, region};
    copies.push_back({cloud::to_string(place), [&d, region](workflow::Run& branch) {
                        return Json(bring_to_region(d, branch, region));
                      }});
    copy_targets[cloud::to_string(place)] = {.place = place, .delivery = "regional"};
  }
  std::vector<workflow::BranchOutcome> copied = run.branches(copies, kWidth);
  std::vector<std::string> failures = failures_of(d, copied, copy_targets);
  std::map<std::string, std::string> regional_ids;
  for (const workflow::BranchOutcome& outcome : copied) {
    if (!outcome.error) {
      regional_ids[outcome.key.substr(outcome.key.find('/') + 1)] =
          outcome.result.get<std::string>();
    }
  }

  std::vector<workflow::Run::Branch> deliveries;
  std::map<std::string, ImageTarget> delivery_targets;
  for (const auto& [place, delivery] : places) {
    ImageTarget target{.place = place, .delivery = std::string(model::to_string(delivery))};
    delivery_targets[cloud::to_string(place)] = target;
    auto regional = regional_ids.find(place.region);
    if (regional == regional_ids.end()) {
      target.state = TargetState::failed;
      target.detail = "there is no copy in " + place.region;
      failures.push_back(cloud::to_string(place) + ": " + target.detail);
      run.step("record-failure/" + cloud::to_string(place),
               [&](workflow::Step&) { note_target(d, target); });
      continue;
    }
    deliveries.push_back({cloud::to_string(place), [&d, place = place, delivery = delivery,
                                                    id = regional->second](workflow::Run& branch) {
                            bring_to_account(d, branch, id, place, delivery);
                            return Json(id);
                          }});
  }
  for (std::string& failure : failures_of(d, run.branches(deliveries, kWidth), delivery_targets)) {
    failures.push_back(std::move(failure));
  }
  if (!failures.empty()) {
    throw Error(ErrorKind::failed, "{} of {} targets failed", failures.size(),
                regions.size() + places.size())
        .note(join(failures, "\n  "))
        .hint("the others are in place; try the failed ones again: hallmark run retry " + run.id());
  }
  return {{"image_key", d.image.image_key}, {"targets", regions.size() + places.size()}};
}

}  // namespace hallmark::pipeline
