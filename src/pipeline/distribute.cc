/// The distribute workflow: an active golden image to accounts and regions. What is there and
/// correct is left alone, what is not is mended, so it may be repeated; one target that fails
/// leaves the others as they are.

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/leave.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"
#include "pipeline/placement.h"
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

std::optional<ImageTarget> recorded_target(const Distribution& d, const cloud::Place& place) {
  return find_target(d.context.database, d.image.run_id, place);
}

/// What is at a place already.
struct Seen {
  bool correct = false;
  std::string image_id;  ///< that can be used; empty: none
};

Seen look_at(const Distribution& d, workflow::Run& run, const cloud::Place& place,
             const std::string& delivery) {
  const Json seen = run.step("check/" + cloud::to_string(place), [&](workflow::Step&) {
    const GoldenImage now = get_golden_image(d.context.database, d.image.run_id);
    if (now.state != GoldenState::active) {
      throw Error(ErrorKind::conflict, "{} is {}", now.image_key, to_string(now.state));
    }
    // Is it a region of ours?
    if (place.account_id == d.image.home.account_id) d.context.home(place.region);
    const PlaceCheck check = check_place(d.context, d.image, place, delivery);
    const auto recorded = recorded_target(d, place);
    const bool is_recorded = recorded && recorded->state == TargetState::available &&
                             recorded->image_id == check.image_id;
    return Json{{"correct", check.presence == Presence::correct && is_recorded},
                {"image_id", check.image_id}};
  });
  return {member<bool>(seen, "correct"), member<std::string>(seen, "image_id")};
}

/// Withdraws the id that was published before, if it is another one than `image_id`: of a copy that
/// was removed behind our back.
void forget(const Distribution& d, workflow::Run& run, const cloud::Place& place,
            const std::string& image_id) {
  run.step("forget/" + cloud::to_string(place), [&](workflow::Step&) {
    const auto recorded = recorded_target(d, place);
    if (!recorded || recorded->image_id.empty() || recorded->image_id == image_id) return;
    remove_from_latest(d.context.cloud, place, recorded->image_id, d.image.image_key);
    withdraw_parameter(d.context.cloud, place, d.parameter(), recorded->image_id);
  });
}

/// A place that fails goes on having what was brought there before.
void note_failure(const Distribution& d, ImageTarget target) {
  if (const auto recorded = recorded_target(d, target.place);
      recorded && !recorded->image_id.empty() && recorded->state != TargetState::removed) {
    target.image_id = recorded->image_id;
    target.delivery = recorded->delivery;
  }
  record_target(d.context.database, d.image.run_id, target, d.context.clock.now());
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
    // What was there before us is not this run's to withdraw, should it fail.
    const auto present = d.context.cloud.get_parameter(place, d.parameter());
    if (present && present->value == image_id) return;
    make_owned_detail(d.context, run, step, kParameterKind, place,
                      {{"name", d.parameter()}, {"value", image_id}},
                      [&] { publish_parameter(d.context.cloud, place, d.parameter(), image_id); });
  });
  run.step("publish-latest/" + where, [&](workflow::Step& step) {
    const std::vector<std::string> present = read_latest(d.context.cloud, place);
    if (std::find(present.begin(), present.end(), image_id) != present.end()) return;
    make_owned_detail(d.context, run, step, kLatestKind, place,
                      {{"image_id", image_id}, {"image_key", d.image.image_key}},
                      [&] { add_to_latest(d.context.cloud, place, image_id, d.image.image_key); });
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
  const cloud::Place place{d.image.home.account_id, region};
  const bool is_home = place == d.image.home;
  const Seen seen = look_at(d, run, place, is_home ? "home" : "regional");
  if (seen.correct) return seen.image_id;
  std::string image_id = seen.image_id;
  if (image_id.empty()) {
    if (is_home) {
      throw Error(ErrorKind::failed, "image {} cannot be used", d.image.image_id)
          .hint("build a new version, then decommission this one: nothing is left to copy");
    }
    forget(d, run, place, "");
    image_id = copy_to(d, run, d.image.image_id, d.image.home.region, place);
  }
  publish(d, run, place, image_id, is_home ? "home" : "regional");
  return image_id;
}

void bring_to_account(const Distribution& d, workflow::Run& run, const std::string& regional_id,
                      const cloud::Place& place, model::Delivery delivery) {
  const std::string where = cloud::to_string(place);
  const Seen seen = look_at(d, run, place, std::string(model::to_string(delivery)));
  if (seen.correct) return;
  const bool is_share = delivery == model::Delivery::share;
  const cloud::Place owner{d.image.home.account_id, place.region};
  std::string image_id = is_share ? regional_id : seen.image_id;
  forget(d, run, place, image_id);
  // A copy is made by the account from what is shared with it.
  if (is_share || image_id.empty()) {
    run.step("share/" + where, [&](workflow::Step& step) {
      const auto shares = d.context.cloud.list_shares(owner, regional_id);
      if (std::find(shares.begin(), shares.end(), place.account_id) != shares.end()) return;
      // The entry stands where the share is needed, so that settling that place releases it.
      make_owned_detail(d.context, run, step, kShareKind, owner,
                        {{"image_id", regional_id}, {"with", place.account_id}},
                        [&] { d.context.cloud.share_image(owner, regional_id, place.account_id); });
    });
  }
  if (image_id.empty()) {
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
    d.run.step("record-failure/" + outcome.key, [&](workflow::Step&) { note_failure(d, target); });
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
               [&](workflow::Step&) { note_failure(d, target); });
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
  if (run.input().value("prune", false)) {
    const auto extras = run.step("extras", [&](workflow::Step&) {
      return extra_targets(context, d.image, d.pipeline.targets);
    });
    for (std::string& failure : leave_places(context, d.image, extras, run)) {
      failures.push_back(std::move(failure));
    }
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
