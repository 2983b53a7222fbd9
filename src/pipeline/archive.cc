#include "pipeline/archive.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "disk/digest.h"
#include "pipeline/archive_store.h"
#include "pipeline/evidence.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/leave.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"
#include "pipeline/placement.h"
#include "pipeline/wish.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Amazon EC2 User Guide, "Store and restore an AMI": tasks are queued, and one of a large image
/// takes hours.
constexpr Duration kStoreLimit{48 * 3600'000LL};
constexpr Duration kStoreTurnLimit{24 * 3600'000LL};
constexpr workflow::PollSchedule kStoreSchedule{Duration{200}, Duration{30'000}};
/// A restored image that outlives its run is anybody's to remove after that.
constexpr Duration kRestoreDeadline{72 * 3600'000LL};

/// Our image of the version there that can be used; nothing: there is none.
std::optional<cloud::Image> usable_image(const Context& context, const GoldenImage& image,
                                         const cloud::Place& place) {
  for (const ImageTarget& target : present_targets(context, image)) {
    if (target.place != place || target.delivery == "share") continue;
    auto found = context.cloud.find_image(place, target.image_id);
    if (found && found->state == cloud::ImageState::available) return found;
  }
  return std::nullopt;
}

void require_archives(const Context& context) {
  if (context.image_services.abilities().archives) return;
  throw Error(ErrorKind::usage, "the {} cloud keeps no archives of images",
              context.cloud.properties().name);
}

cloud::Place place_of(const Context& context, const GoldenImage& image, const std::string& region) {
  return context.home(region.empty() ? image.home.region : region);
}

/// The one that was named, else the newest of ours in that bucket.
std::string stored_object(const Context& context, const GoldenImage& image,
                          const cloud::Place& place, const std::string& bucket,
                          const std::string& named) {
  if (!named.empty()) return named;
  for (const Archive& each : list_archives(context.database, image.run_id)) {
    if (each.region == place.region && each.bucket == bucket) return each.object;
  }
  throw Error(ErrorKind::not_found, "nothing of {} is known to be in {} in {}", image.image_key,
              bucket, place.region)
      .hint("name the object with --object if it was copied there by hand");
}

/// What was approved is a disk: whoever can write to the bucket must not bring in another one.
void verify_disk(Context& context, workflow::Run& run, const GoldenImage& image,
                 const cloud::Place& place, const std::string& image_id) {
  run.step("verify-disk", [&](workflow::Step& step) {
    const std::string approved = read_evidence(context, image).evidence.disk_sha256;
    if (approved.empty()) return;  // Evidence from before it was written down has none.
    step.progress(std::nullopt, "the digest of " + image_id + "'s disk");
    auto disk = context.cloud.open_image(place, image_id);
    if (disk::disk_sha256(*disk, step.stop()) == approved) return;
    throw Error(ErrorKind::corrupt, "the disk of {} is not the one that was approved as {}",
                image_id, image.image_key)
        .hint("somebody changed what is in the bucket; restore one of its earlier versions");
  });
}

}  // namespace

std::string start_archive(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          const std::string& region, const std::string& bucket,
                          const std::string& requested_by) {
  require_archives(context);
  refuse_if_busy(engine, image.image_key);
  if (image.state != GoldenState::active && image.state != GoldenState::deprecated) {
    throw Error(ErrorKind::conflict,
                "{} is {}; only an active or deprecated version can be archived", image.image_key,
                to_string(image.state));
  }
  const cloud::Place place = place_of(context, image, region);
  if (!usable_image(context, image, place)) {
    throw Error(ErrorKind::not_found, "{} has no image of ours in {}", image.image_key,
                cloud::to_string(place))
        .hint("see where it is: hallmark image show " + image.image_key);
  }
  return engine.start("archive", image.image_key,
                      {{"image_run_id", image.run_id},
                       {"region", place.region},
                       {"bucket", bucket},
                       {"requested_by", requested_by}});
}

Json archive(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const cloud::Place place{image.home.account_id, member<std::string>(run.input(), "region")};
  const auto bucket = member<std::string>(run.input(), "bucket");
  run.on_exit("clean-up", workflow::ExitOn::always,
              [&](workflow::Step&) { remove_all_owned(context, run.id()); });
  const auto image_id = run.step("find-image", [&](workflow::Step&) {
    const auto found = usable_image(context, image, place);
    if (found) return found->image_id;
    throw Error(ErrorKind::not_found, "{} has no image of ours in {}", image.image_key,
                cloud::to_string(place));
  });
  // What an earlier run stored is not this one's to remove, should it fail.
  const bool is_known = run.step("look-for-archive", [&](workflow::Step&) {
    const auto archives = list_archives(context.database, image.run_id);
    return std::any_of(archives.begin(), archives.end(), [&](const Archive& each) {
      return each.region == place.region && each.bucket == bucket && each.image_id == image_id;
    });
  });
  // Its turn may be hours away: only so much is stored at once.
  const auto object =
      run.poll("archive", kStoreTurnLimit, kStoreSchedule,
               [&](workflow::Step& step) -> std::optional<std::string> {
                 const cloud::Tags tags = {{kImageKeyTag, image.image_key}};
                 if (is_known) {
                   return context.image_services.archive_image(place, image_id, bucket, tags);
                 }
                 context.ledger.plan({.entry_id = step.token(),
                                      .run_id = run.id(),
                                      .kind = kArchiveKind,
                                      .where = {{"account_id", place.account_id},
                                                {"region", place.region},
                                                {"bucket", bucket},
                                                {"image_id", image_id}},
                                      .planned_at = context.clock.now()});
                 const std::string name =
                     context.image_services.archive_image(place, image_id, bucket, tags);
                 context.ledger.created(step.token(), name);
                 return name;
               });
  run.poll("stored", kStoreLimit, kStoreSchedule, [&](workflow::Step& step) -> std::optional<bool> {
    const auto seen = context.image_services.find_archive(place, image_id, bucket, object);
    if (seen.state == cloud::ArchiveState::stored) return true;
    if (seen.state == cloud::ArchiveState::failed) {
      throw Error(ErrorKind::failed, "{} could not be stored in {}: {}", image_id, bucket,
                  seen.reason);
    }
    step.progress(seen.percent / 100.0, "storing " + image_id);
    return std::nullopt;
  });
  run.step("record-archive", [&](workflow::Step&) {
    record_archive(context, image,
                   {.region = place.region,
                    .bucket = bucket,
                    .object = object,
                    .image_id = image_id,
                    .archived_by = run.input().value("requested_by", "hallmark"),
                    .archived_at = to_rfc3339(context.clock.now())});
    release_all_owned(context, run.id());
  });
  return {{"image_key", image.image_key},
          {"region", place.region},
          {"bucket", bucket},
          {"object", object}};
}

std::string start_unarchive(workflow::Engine& engine, Context& context, const GoldenImage& image,
                            const std::string& region, const std::string& bucket,
                            const std::string& object) {
  require_archives(context);
  refuse_if_busy(engine, image.image_key);
  if (image.state != GoldenState::active) {
    Error error(ErrorKind::conflict, "{} is {}; only an active version comes back from an archive",
                image.image_key, to_string(image.state));
    const bool retired =
        image.state == GoldenState::deprecated || image.state == GoldenState::disabled;
    if (retired) error.hint("restore it first: hallmark image restore " + image.image_key);
    throw error;
  }
  const cloud::Place place = place_of(context, image, region);
  stored_object(context, image, place, bucket, object);
  if (const auto present = usable_image(context, image, place)) {
    throw Error(ErrorKind::conflict, "{} has an image in {}: {}", image.image_key,
                cloud::to_string(place), present->image_id);
  }
  auto pipeline = image.pipeline.get<model::Pipeline>();
  pipeline.targets = wish_of(context.database, image).targets;
  const model::Target here{.account_id = place.account_id, .regions = {place.region}};
  const bool is_target = std::any_of(
      pipeline.targets.begin(), pipeline.targets.end(), [&](const model::Target& target) {
        return target.account_id == here.account_id &&
               std::find(target.regions.begin(), target.regions.end(), place.region) !=
                   target.regions.end();
      });
  if (!is_target) pipeline.targets.push_back(here);
  return engine.start("unarchive", image.image_key,
                      {{"image_run_id", image.run_id},
                       {"pipeline", pipeline},
                       {"region", place.region},
                       {"bucket", bucket},
                       {"object", object}});
}

Json unarchive(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const auto pipeline = member<model::Pipeline>(run.input(), "pipeline");
  const cloud::Place place{image.home.account_id, member<std::string>(run.input(), "region")};
  const auto bucket = member<std::string>(run.input(), "bucket");
  const auto object = run.step("find-object", [&](workflow::Step&) {
    return stored_object(context, image, place, bucket, run.input().value("object", ""));
  });
  run.on_exit("clean-up-restored", workflow::ExitOn::failure,
              [&](workflow::Step&) { remove_all_owned(context, run.id()); });
  const auto image_id = run.poll(
      "unarchive", kStoreTurnLimit, kStoreSchedule,
      [&](workflow::Step& step) -> std::optional<std::string> {
        return make_owned(
            context, run, step.token(), kImageKind, place, context.clock.now() + kRestoreDeadline,
            [&](const std::string& token, const cloud::Tags& tags) {
              cloud::ImageSpec spec{.name = model::image_name(pipeline),
                                    .description = "restored from " + bucket + "/" + object,
                                    .tags = image_tags(pipeline, kGoldenType)};
              spec.tags.insert(tags.begin(), tags.end());
              return context.image_services.unarchive_image(place, bucket, object, spec, token,
                                                            step.stop());
            });
      });
  run.poll("unarchived", kStoreLimit, kStoreSchedule, [&](workflow::Step&) -> std::optional<bool> {
    const auto found = context.cloud.find_image(place, image_id);
    if (!found || found->state == cloud::ImageState::pending) return std::nullopt;
    if (found->state == cloud::ImageState::available) return true;
    throw Error(ErrorKind::failed, "the restored image {} is {}: {}", image_id,
                cloud::to_string(found->state), found->state_reason);
  });
  verify_disk(context, run, image, place, image_id);
  run.step("record-unarchived", [&](workflow::Step&) {
    // Whatever is said of the image that is gone.
    for (const ImageTarget& target : present_targets(context, image)) {
      if (target.place != place || target.image_id == image_id) continue;
      remove_from_latest(context.cloud, place, target.image_id, image.image_key);
      withdraw_parameter(context.cloud, place,
                         version_parameter(image.product, image.os, image.version),
                         target.image_id);
    }
    context.cloud.remove_tags(place, image_id, {kRunTag, kTokenTag, kDeadlineTag});
    record_target(context.database, image.run_id,
                  {.place = place,
                   .image_id = image_id,
                   .delivery = place == image.home ? "home" : "regional",
                   .state = TargetState::available},
                  context.clock.now());
    release_all_owned(context, run.id());
  });
  run.drop_on_exit("clean-up-restored");
  // What is not as it should be there is what distributing finds incorrect, and mends.
  return distribute(context, run);
}

std::vector<std::string> remove_archives(Context& context, const GoldenImage& image,
                                         workflow::Run& run) {
  const auto archives = run.step("list-archives", [&](workflow::Step&) {
    return list_archives(context.database, image.run_id);
  });
  std::vector<workflow::Run::Branch> branches;
  for (const Archive& each : archives) {
    const std::string name = each.region + "/" + each.bucket + "/" + each.object;
    branches.push_back(
        {"remove-archive/" + name, [&context, &image, each, name](workflow::Run& branch) {
           branch.step("remove-archive/" + name, [&](workflow::Step&) {
             const cloud::Place place{image.home.account_id, each.region};
             context.image_services.remove_archive(place, each.image_id, each.bucket, each.object);
             forget_archive(context.database, image.run_id, each);
           });
           return Json();
         }});
  }
  std::vector<std::string> failures;
  for (const workflow::BranchOutcome& outcome : run.branches(branches, kPlacesAtOnce)) {
    if (outcome.error) failures.push_back(outcome.key + ": " + with_hint(*outcome.error));
  }
  return failures;
}

std::vector<std::string> find_archives_left(Context& context, const GoldenImage& image) {
  std::vector<std::string> left;
  for (const Archive& each : list_archives(context.database, image.run_id)) {
    left.push_back("archive " + each.object + " in " + each.bucket + " in " + each.region);
  }
  return left;
}

}  // namespace hallmark::pipeline
