/// The distribute workflow: an active golden image to accounts and regions. What is there and
/// correct is left alone, what is not is mended, so it may be repeated; one target that fails
/// leaves the others as they are.

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/archive.h"
#include "pipeline/catalog.h"
#include "pipeline/channel.h"
#include "pipeline/channel_store.h"
#include "pipeline/fast_launch.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/image_users.h"
#include "pipeline/launch_templates.h"
#include "pipeline/leave.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"
#include "pipeline/placement.h"
#include "pipeline/units.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Copies between AWS regions take up to hours; a copy to failed state ends the wait at once.
constexpr Duration kCopyLimit{6 * 3600'000};
constexpr workflow::PollSchedule kCopySchedule{Duration{100}, Duration{15'000}};
/// A copy that outlives its run is anybody's to remove after a day.
constexpr Duration kCopyDeadline{24 * 3600'000};
/// AWS lets an account make 100 copies at once into a region (Amazon EC2 User Guide, "Copy an
/// AMI"); the next one waits for its turn.
constexpr Duration kTurnLimit{24 * 3600'000};
constexpr workflow::PollSchedule kTurnSchedule{Duration{500}, Duration{30'000}};
constexpr int kCopyAttempts = 6;  ///< without an answer, one after another: as any step has
constexpr Duration kAnswerPause{5'000};
/// In all: a region that answers now and then, but never for long enough, ends some time.
constexpr int kMostSilences = 100;

struct Distribution {
  Context& context;
  workflow::Run& run;
  GoldenImage image;
  model::Pipeline pipeline;
  Edited edited = Edited::kept;

  std::string parameter() const {
    return version_parameter(image.product, image.os, image.version);
  }
};

std::optional<ImageTarget> recorded_target(const Distribution& d, const cloud::Place& place) {
  return find_target(d.context.database, d.image.run_id, place);
}

/// Of the image's record its state alone: the rest has every target in it, and is asked for at
/// each.
void require_active(const Distribution& d) {
  std::string state;
  d.context.database.read([&](db::Connection& connection) {
    const auto rows = connection.query("select state from golden_images where run_id = :run_id",
                                       {{"run_id", d.image.run_id}});
    state = rows.empty() ? "gone" : rows.front().text("state");
  });
  if (state == to_string(GoldenState::active)) return;
  throw Error(ErrorKind::conflict, "{} is {}", d.image.image_key, state);
}

/// What is at a place already.
struct Seen {
  bool correct = false;
  std::string image_id;     ///< that can be used; empty: none
  std::string recorded_id;  ///< that was brought there before; empty: none
  std::string recorded_delivery;
  std::vector<std::string> recorded_templates;  ///< that have a version
};

Seen look_at(const Distribution& d, workflow::Run& run, const cloud::Place& place,
             const Placement& wanted, const OwnedImage* shared = nullptr) {
  const Json seen = run.step("check/" + cloud::to_string(place), [&](workflow::Step&) {
    require_active(d);
    // Is it a region of ours?
    if (place.account_id == d.image.home.account_id) d.context.home(place.region);
    if (const std::string copy = shared ? copy_in_the_way(d.context, d.image, place) : "";
        !copy.empty()) {
      throw Error(ErrorKind::conflict, "it has a copy of its own, {}", copy)
          .hint(
              "to share instead, leave the place first: image distribute --remove-target "
              "ACCOUNT=REGION --prune");
    }
    const PlaceCheck check = check_place(d.context, d.image, place, wanted, shared);
    const auto recorded = recorded_target(d, place);
    const bool is_recorded = recorded && recorded->state == TargetState::available &&
                             recorded->image_id == check.image_id &&
                             recorded->unit == wanted.unit &&
                             recorded->launch_templates == names_of(wanted.launch_templates);
    return Json{
        {"correct", check.presence == Presence::correct && is_recorded},
        {"image_id", check.image_id},
        {"recorded_id", recorded ? recorded->image_id : ""},
        {"recorded_delivery", recorded ? recorded->delivery : ""},
        {"recorded_templates", recorded ? recorded->launch_templates : std::vector<std::string>{}}};
  });
  // Checks that older versions recorded have none.
  return {member<bool>(seen, "correct"), member<std::string>(seen, "image_id"),
          member<std::string>(seen, "recorded_id"), seen.value("recorded_delivery", ""),
          seen.value("recorded_templates", std::vector<std::string>{})};
}

/// Withdraws the id that was published before, if it is another one than `image_id`: of a copy that
/// was removed behind our back, or of what was shared until the account had its own.
void forget(const Distribution& d, workflow::Run& run, const cloud::Place& place, const Seen& seen,
            const std::string& image_id) {
  if (seen.recorded_id.empty() || seen.recorded_id == image_id) return;
  run.step("forget/" + cloud::to_string(place), [&](workflow::Step&) {
    remove_from_latest(d.context.cloud, place, seen.recorded_id, d.image.image_key);
    withdraw_parameter(d.context.cloud, place, d.parameter(), seen.recorded_id);
  });
}

/// A place that fails goes on having what was brought there before.
void note_failure(const Distribution& d, ImageTarget target) {
  if (const auto recorded = recorded_target(d, target.place);
      recorded && !recorded->image_id.empty() && recorded->state != TargetState::removed) {
    target.image_id = recorded->image_id;
    target.delivery = recorded->delivery;
    target.unit = recorded->unit;
    target.launch_templates = recorded->launch_templates;
  }
  record_target(d.context.database, d.image.run_id, target, d.context.clock.now());
}

void note_target(const Distribution& d, ImageTarget target) {
  record_target(d.context.database, d.image.run_id, target, d.context.clock.now());
}

/// Calls `make(token, stop)` until the copy is begun. For its turn (`throttled`) it waits long; a
/// region that does not answer (`unavailable`) is given up soon. One token for all attempts: the
/// one whose answer was lost may have begun it.
std::string begin_copy(
    workflow::Run& run, const std::string& where,
    const std::function<std::string(const std::string& token, std::stop_token stop)>& make) {
  std::string token;
  int silences = 0;  // in a row
  for (int part = 1;; ++part) {
    const std::string of_part = part == 1 ? "" : "/" + std::to_string(part);
    auto look = [&](workflow::Step& step) -> std::optional<Json> {
      const std::string mine = token.empty() ? step.token() : token;
      try {
        return Json(make(mine, step.stop()));
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::unavailable) throw;
        // What came before in this part was a turn to wait for: an answer.
        const int now = step.attempt() > 1 ? 1 : silences + 1;
        if (now < kCopyAttempts && part < kMostSilences) {
          return Json{{"token", mine}, {"silences", now}};
        }
        throw Error(ErrorKind::failed, "{}", e.message()).hint(e.hint());
      }
    };
    const Json seen = run.poll("copy/" + where + of_part, kTurnLimit, kTurnSchedule, look);
    if (seen.is_string()) return seen.get<std::string>();
    token = member<std::string>(seen, "token");
    silences = member<int>(seen, "silences");
    run.sleep("answer/" + where + of_part, kAnswerPause);
  }
}

/// Copies `from` to `to` and waits until the copy can be used. Owned by the run until it is
/// published.
std::string copy_to(const Distribution& d, workflow::Run& run, const std::string& from_image,
                    const std::string& from_region, const cloud::Place& to) {
  const std::string where = cloud::to_string(to);
  auto make = [&](const std::string& copy_token, std::stop_token stop) {
    return make_owned(
        d.context, run, copy_token, kImageKind, to, d.context.clock.now() + kCopyDeadline,
        [&](const std::string& token, const cloud::Tags& tags) {
          cloud::ImageSpec spec{.name = model::image_name(d.pipeline),
                                .description = "copied from " + model::image_name(d.pipeline),
                                .tags = image_tags(d.pipeline, kGoldenType)};
          // Keys are our account's: another one's copies are encrypted with a key of its own.
          const auto& keys = d.pipeline.image.kms_keys;
          const auto key = keys.find(to.region);
          const bool is_ours = to.account_id == d.image.home.account_id;
          if (is_ours && key != keys.end()) spec.kms_key = key->second;
          spec.copy_within = d.pipeline.image.copy_within;
          spec.tags[kCopiedFromTag] = d.image.home.account_id + "/" + from_image;
          spec.tags.insert(tags.begin(), tags.end());
          return d.context.cloud.copy_image(to, from_image, from_region, spec, token, stop);
        });
  };
  const std::string copy_id = begin_copy(run, where, make);
  // What is asked to be done by then may be late, if much is copied at once.
  const Duration limit = kCopyLimit + d.pipeline.image.copy_within.value_or(Duration{0});
  run.poll("copied/" + where, limit, kCopySchedule, [&](workflow::Step&) -> std::optional<bool> {
    auto image = d.context.cloud.find_image(to, copy_id);
    if (!image || image->state == cloud::ImageState::pending) return std::nullopt;
    if (image->state == cloud::ImageState::available) return true;
    throw Error(ErrorKind::failed, "the copy {} in {} is {}: {}", copy_id, where,
                cloud::to_string(image->state), image->state_reason);
  });
  return copy_id;
}

bool is_of(const workflow::LedgerEntry& entry, const cloud::Place& place) {
  if (entry.where.value("region", "") != place.region) return false;
  return entry.where.value("account_id", "") == place.account_id ||
         ((entry.kind == kShareKind || entry.kind == kKeyGrantKind) &&
          entry.where.value("with", "") == place.account_id);
}

/// What golden.yaml wants set on images of ours.
void set_up(const Distribution& d, const cloud::Place& place, const std::string& image_id) {
  const auto found = d.context.cloud.find_image(place, image_id);
  if (!found) return;
  const MissingSettings missing = missing_settings(d.image, *found);
  if (missing.imds_v2_only) d.context.cloud.require_imds_v2(place, image_id);
  if (missing.deprecated_at) {
    d.context.cloud.deprecate_image(place, image_id, missing.deprecated_at);
  }
  if (missing.is_protected) d.context.cloud.protect_image(place, image_id, true);
  if (place.account_id != d.image.home.account_id) return;
  const model::ImageSettings settings = d.image.pipeline.get<model::Pipeline>().image;
  begin_fast_launch(d.context, place, settings, *found);
  if (settings.watermark && lacks_watermark(d.context, d.image, *found)) {
    d.context.image_services.watermark_image(place, image_id, d.image.image_key);
  }
}

/// Those that are named no more lose the version.
void bring_templates(const Distribution& d, workflow::Run& run, const cloud::Place& place,
                     const std::string& image_id, const Placement& wanted, const Seen& seen) {
  const std::string where = cloud::to_string(place);
  const std::vector<std::string>& recorded = seen.recorded_templates;
  for (const model::TemplateUse& use : wanted.launch_templates) {
    run.step("template/" + where + "/" + use.name, [&](workflow::Step& step) {
      const auto bring = [&] {
        bring_template(d.context, d.image, place, image_id, use, step.token());
      };
      // What was there before us is not this run's to withdraw, should it fail.
      if (std::find(recorded.begin(), recorded.end(), use.name) != recorded.end()) return bring();
      make_owned_detail(d.context, run, step, kTemplateKind, place,
                        {{"name", use.name}, {"image_key", d.image.image_key}}, bring);
    });
  }
  const std::vector<std::string> names = names_of(wanted.launch_templates);
  for (const std::string& name : recorded) {
    if (std::binary_search(names.begin(), names.end(), name)) continue;
    run.step("template-left/" + where + "/" + name, [&](workflow::Step&) {
      withdraw_template(d.context, place, name, d.image.image_key);
    });
  }
}

/// Parameters after the image, launch templates after those: what can be launched from is said only
/// where it can be used. Then the run lets go.
void publish(const Distribution& d, workflow::Run& run, const cloud::Place& place,
             const std::string& image_id, const Placement& wanted, const Seen& seen) {
  const std::string where = cloud::to_string(place);
  const std::string& delivery = wanted.delivery;
  if (delivery != "share") {
    run.step("set/" + where, [&](workflow::Step&) { set_up(d, place, image_id); });
  }
  run.step("publish-version/" + where, [&](workflow::Step& step) {
    // What was there before us is not this run's to withdraw, should it fail.
    const auto present = d.context.cloud.get_parameter(place, d.parameter());
    if (present && present->value == image_id) return;
    make_owned_detail(d.context, run, step, kParameterKind, place,
                      {{"name", d.parameter()}, {"value", image_id}}, [&] {
                        publish_parameter(d.context.cloud, place, d.parameter(), image_id,
                                          cloud::ParameterKind::image_id, d.edited);
                      });
  });
  run.step("publish-latest/" + where, [&](workflow::Step& step) {
    const std::vector<std::string> present = read_latest(d.context.cloud, place);
    if (std::find(present.begin(), present.end(), image_id) != present.end()) return;
    make_owned_detail(
        d.context, run, step, kLatestKind, place,
        {{"image_id", image_id}, {"image_key", d.image.image_key}},
        [&] { add_to_latest(d.context.cloud, place, image_id, d.image.image_key, d.edited); });
  });
  bring_templates(d, run, place, image_id, wanted, seen);
  const ImageTarget target{.place = place,
                           .image_id = image_id,
                           .delivery = delivery,
                           .state = TargetState::available,
                           .detail = "",
                           .updated_at = "",
                           .unit = wanted.unit,
                           .launch_templates = names_of(wanted.launch_templates)};
  const bool is_held = run.step("settle/" + where, [&](workflow::Step&) {
    if (delivery != "share") {
      d.context.cloud.remove_tags(place, image_id, {kRunTag, kTokenTag, kDeadlineTag});
    }
    note_target(d, target);
    for (const workflow::LedgerEntry& entry : d.context.ledger.open(run.id())) {
      if (is_of(entry, place)) d.context.ledger.released(entry.entry_id);
    }
    // After the record: a promotion that begins now finds the place there.
    return !held_channels(d.context.database, d.image).empty();
  });
  if (!is_held) return;
  run.step("channels/" + where, [&](workflow::Step&) {
    bring_channels(d.context, d.image, target, d.edited == Edited::overwritten);
  });
}

Json to_json(const OwnedImage& image) {
  Json keys = Json::array();
  for (const KeyUse& key : image.keys) {
    keys.push_back(
        {{"key_id", key.key_id}, {"can_be_shared", key.can_be_shared}, {"grants", key.grants}});
  }
  return {{"image_id", image.image_id}, {"shares", image.shares}, {"keys", keys}};
}

OwnedImage owned_from(const Json& json) {
  OwnedImage image{.expected_id = member<std::string>(json, "image_id"),
                   .image_id = member<std::string>(json, "image_id"),
                   .exists = true,
                   .problems = {},
                   .shares = member<std::vector<std::string>>(json, "shares"),
                   .keys = {}};
  for (const Json& key : member<Json>(json, "keys")) {
    image.keys.push_back({.key_id = member<std::string>(key, "key_id"),
                          .can_be_shared = member<bool>(key, "can_be_shared"),
                          .grants = member<std::vector<std::string>>(key, "grants")});
  }
  return image;
}

/// Before anything is copied or shared that is encrypted: says what the key's policy lacks, instead
/// of a copy that fails an hour later. `key_id` empty: the one that the cloud is set up with.
void check_key(const Distribution& d, workflow::Run& run, const cloud::Place& place,
               const std::string& key_id, bool to_share) {
  if (!d.context.image_services.abilities().key_checks) return;
  const std::string step = "key/" + cloud::to_string(place) + (to_share ? "/share/" + key_id : "");
  const auto unread = run.step(step, [&](workflow::Step&) {
    const auto check = d.context.image_services.check_key(place, key_id, to_share);
    if (check.problems.empty()) return check.unread;
    Error error(ErrorKind::denied, "the key {} in {} cannot be used: {}", check.key_id,
                place.region, join(check.problems, "; "));
    if (!check.missing_statement.empty()) {
      error.hint("add this statement to the key's policy: " + check.missing_statement);
    }
    throw error;
  });
  // AWS names its refusal itself, if it comes to that.
  if (!unread.empty()) run.note(step + "/unread", unread);
}

/// Who gets the image from a region besides ourselves.
struct RegionShares {
  bool to_share = false;
  std::set<std::string> accounts;  ///< without those that get it as a part of a unit
};

/// The image to hand out in that region of our own account, copying if need be, and whom it is
/// shared with if others get it from there.
OwnedImage bring_to_region(const Distribution& d, workflow::Run& run, const cloud::Place& place,
                           const Placement& wanted, const RegionShares& shares) {
  const bool is_home = place == d.image.home;
  const Seen seen = look_at(d, run, place, wanted);
  OwnedImage owned;
  owned.image_id = seen.image_id;
  if (owned.image_id.empty()) {
    if (is_home) {
      Error error(ErrorKind::failed, "image {} cannot be used", home_image_id(d.context, d.image));
      if (list_archives(d.context.database, d.image.run_id).empty()) {
        error.hint("build a new version, then decommission this one: nothing is left to copy");
      } else {
        error.hint("bring it back: hallmark image unarchive " + d.image.image_key);
      }
      throw error;
    }
    forget(d, run, place, seen, "");
    const auto& keys = d.pipeline.image.kms_keys;
    const auto key = keys.find(place.region);
    check_key(d, run, place, key == keys.end() ? "" : key->second, false);
    owned.image_id = copy_to(d, run, home_image_id(d.context, d.image), d.image.home.region, place);
  }
  if (!seen.correct) publish(d, run, place, owned.image_id, wanted, seen);
  if (shares.to_share) {
    const Json seen_shares =
        run.step("shares-and-keys/" + cloud::to_string(place), [&](workflow::Step&) {
          OwnedImage look = owned;
          look_at_shares(d.context, place, look);
          return to_json(look);
        });
    owned = owned_from(seen_shares);
    for (const KeyUse& key : owned.keys) {
      const bool all_have_it = std::includes(key.grants.begin(), key.grants.end(),
                                             shares.accounts.begin(), shares.accounts.end());
      if (key.can_be_shared && !all_have_it) check_key(d, run, place, key.key_id, true);
    }
  }
  return owned;
}

/// Lets the account use the image's keys.
void grant(const Distribution& d, workflow::Run& run, const OwnedImage& regional,
           const cloud::Place& place) {
  const cloud::Place owner{d.image.home.account_id, place.region};
  for (const KeyUse& key : regional.keys) {
    if (std::binary_search(key.grants.begin(), key.grants.end(), place.account_id)) continue;
    run.step("grant/" + cloud::to_string(place) + "/" + key.key_id, [&](workflow::Step& step) {
      make_owned_detail(
          d.context, run, step, kKeyGrantKind, owner,
          {{"image_id", regional.image_id}, {"key_id", key.key_id}, {"with", place.account_id}},
          [&] {
            d.context.cloud.grant_key(owner, key.key_id, regional.image_id, place.account_id);
          });
    });
  }
}

void bring_to_account(const Distribution& d, workflow::Run& run, const OwnedImage& regional,
                      const cloud::Place& place, const Placement& wanted) {
  const std::string where = cloud::to_string(place);
  const bool is_share = wanted.delivery == "share";
  const Seen seen = look_at(d, run, place, wanted, is_share ? &regional : nullptr);
  if (seen.correct) return;
  for (const KeyUse& key : regional.keys) {
    if (key.can_be_shared) continue;
    throw Error(ErrorKind::usage,
                "image {} is encrypted with {}, which the cloud manages and nobody else can use",
                regional.image_id, key.key_id)
        .hint(
            "name a key of your own under image.kms_keys in golden.yaml, or as the region's "
            "kms_key in config.yaml, and build a new version");
  }
  const cloud::Place owner{d.image.home.account_id, place.region};
  std::string image_id = is_share ? regional.image_id : seen.image_id;
  // What is shared goes on being used until the copy can take its place.
  const bool is_replaced = image_id.empty() && seen.recorded_delivery == "share";
  if (!is_replaced) forget(d, run, place, seen, image_id);
  const bool by_unit = is_share && !wanted.unit.empty();
  const bool is_shared = by_unit || std::binary_search(regional.shares.begin(),
                                                       regional.shares.end(), place.account_id);
  // A copy is made by the account from what is shared with it. A unit's key is open to all of it.
  if (!by_unit && (is_share || image_id.empty())) grant(d, run, regional, place);
  if (!is_shared && (is_share || image_id.empty())) {
    run.step("share/" + where, [&](workflow::Step& step) {
      make_owned_detail(d.context, run, step, kShareKind, owner,
                        {{"image_id", regional.image_id}, {"with", place.account_id}}, [&] {
                          d.context.cloud.share_image(owner, regional.image_id, place.account_id);
                        });
    });
  }
  if (image_id.empty()) {
    image_id = copy_to(d, run, regional.image_id, place.region, place);
    if (is_replaced) forget(d, run, place, seen, image_id);
    run.step("unshare/" + where, [&](workflow::Step&) {
      d.context.cloud.unshare_image(owner, regional.image_id, place.account_id);
      for (const KeyUse& key : regional.keys) {
        d.context.cloud.revoke_key(owner, key.key_id, regional.image_id, place.account_id);
      }
    });
  }
  publish(d, run, place, image_id, wanted, seen);
}

/// Shares the image of that region with all accounts of a unit.
void share_with_unit(const Distribution& d, workflow::Run& run, const OwnedImage& regional,
                     const cloud::Place& share) {
  const std::string& unit = share.account_id;
  const std::string where = cloud::to_string(share);
  const cloud::Place owner{d.image.home.account_id, share.region};
  for (const KeyUse& key : regional.keys) {
    run.step("unit-key/" + where + "/" + key.key_id, [&](workflow::Step& step) {
      check_unit_key(d.context, owner, key, unit, step.stop());
    });
  }
  if (std::binary_search(regional.shares.begin(), regional.shares.end(), unit)) return;
  run.step("share/" + where, [&](workflow::Step& step) {
    make_owned_detail(d.context, run, step, kShareKind, owner,
                      {{"image_id", regional.image_id}, {"with", unit}},
                      [&] { d.context.cloud.share_image(owner, regional.image_id, unit); });
    // A launch permission alone: once it is given nothing of it is half done.
    d.context.ledger.released(step.token());
  });
}

/// Ends the shares with units that are no targets any more. A line for each that failed.
std::vector<std::string> prune_unit_shares(const Distribution& d, workflow::Run& run,
                                           const std::set<cloud::Place>& wanted) {
  if (d.context.organizations == nullptr) return {};
  return run.step("unit-extras", [&](workflow::Step& step) {
    std::vector<std::string> lines;
    for (const PlaceCheck& check : check_unit_shares(d.context, d.image, wanted, step.stop())) {
      if (check.presence != Presence::extra) continue;
      try {
        d.context.cloud.unshare_image({d.image.home.account_id, check.place.region}, check.image_id,
                                      check.place.account_id);
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::cancelled) throw;
        lines.push_back(cloud::to_string(check.place) + ": " + with_hint(e));
      }
    }
    return lines;
  });
}

/// Leaves the accounts that left their unit. A copy that machines run from stays: it is theirs.
std::vector<std::string> leave_former_members(const Distribution& d, workflow::Run& run,
                                              const Membership& membership) {
  Context& context = d.context;
  const auto left = run.step("former-members", [&](workflow::Step&) {
    return unit_places(context, d.image, d.pipeline.targets, membership).left;
  });
  std::vector<ImageTarget> leaving;
  std::vector<std::string> lines;
  for (const ImageTarget& target : left) {
    const auto used =
        run.step("former-users/" + cloud::to_string(target.place),
                 [&](workflow::Step&) -> std::vector<std::string> {
                   if (target.delivery != "copy") return {};
                   std::vector<std::string> names;
                   for (const ImageUser& user : find_users(context, d.image, {target})) {
                     names.push_back(to_string(user));
                   }
                   return names;
                 });
    if (used.empty()) {
      leaving.push_back(target);
    } else {
      lines.push_back(cloud::to_string(target.place) + ": the account left " + target.unit +
                      ", but its copy is in use by " + join(used, ", "));
    }
  }
  for (std::string& line : leave_places(context, d.image, leaving, run)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

struct Failures {
  std::vector<std::string> lines;
  bool edited = false;  ///< a parameter, by hand
};

/// What `branches` came to, as failed targets in the record and lines of text.
void note_failures(const Distribution& d, const std::vector<workflow::BranchOutcome>& outcomes,
                   const std::map<std::string, ImageTarget>& targets, Failures& failures) {
  for (const workflow::BranchOutcome& outcome : outcomes) {
    if (!outcome.error) continue;
    auto found = targets.find(outcome.key);
    const bool is_place = found != targets.end();
    const std::string text = is_place
                                 ? d.run.step("standing/" + outcome.key,
                                              [&](workflow::Step& step) {
                                                return with_standing(d.context, found->second.place,
                                                                     *outcome.error, step.stop());
                                              })
                                 : with_hint(*outcome.error);
    failures.lines.push_back(outcome.key + ": " + text);
    // Of all conflicts those have this way out.
    failures.edited |= outcome.error->kind() == ErrorKind::conflict &&
                       outcome.error->hint().find("--force") != std::string::npos;
    if (!is_place) continue;
    ImageTarget target = found->second;
    target.state = TargetState::failed;
    target.detail = outcome.error->full_text();
    d.run.step("record-failure/" + outcome.key, [&](workflow::Step&) { note_failure(d, target); });
  }
}

}  // namespace

Json distribute(Context& context, workflow::Run& run) {
  const Json& input = run.input();
  Distribution d{context, run, {}, member<model::Pipeline>(input, "pipeline")};
  if (input.value("force", false)) d.edited = Edited::overwritten;
  d.image = get_golden_image(context.database, member<std::string>(input, "image_run_id"));
  run.on_exit("clean-up", workflow::ExitOn::always,
              [&context, &run](workflow::Step&) { remove_all_owned(context, run.id()); });

  if (d.pipeline.image.fast_launch && !context.image_services.abilities().fast_launch) {
    run.note("no-fast-launch", "it gets no fast launch: this cloud has none");
  }

  const std::vector<model::Target>& targets = d.pipeline.targets;
  const bool has_units = std::any_of(targets.begin(), targets.end(),
                                     [](const model::Target& each) { return !each.unit.empty(); });
  Membership membership;
  if (has_units) {
    membership = run.step("members", [&](workflow::Step& step) {
      return look_at_units(context, targets, step.stop());
    });
  }
  const std::set<cloud::Place> shares = unit_shares(targets);
  std::map<std::string, RegionShares> regions;
  std::map<cloud::Place, Placement> places;
  const Placements wanted = placements(d.image, targets, membership);
  for (const model::Target& target : targets) {
    for (const std::string& region : target.regions) {
      RegionShares& of_region = regions[region];
      if (target.account_id == d.image.home.account_id) continue;
      of_region.to_share = true;
      if (target.unit.empty()) of_region.accounts.insert(target.account_id);
    }
  }
  for (const auto& [place, placement] : wanted) {
    if (place.account_id != d.image.home.account_id) places[place] = placement;
  }

  std::vector<workflow::Run::Branch> copies;
  std::map<std::string, ImageTarget> copy_targets;
  for (const auto& [region, of_region] : regions) {
    cloud::Place place{d.image.home.account_id, region};
    copies.push_back({cloud::to_string(place),
                      [&d, &wanted, place, of_region = of_region](workflow::Run& branch) {
                        return to_json(
                            bring_to_region(d, branch, place, wanted.at(place), of_region));
                      }});
    copy_targets[cloud::to_string(place)] = {.place = place, .delivery = "regional"};
  }
  Failures failures;
  std::map<std::string, OwnedImage> regional;
  const auto copied = run.branches(copies, kPlacesAtOnce);
  note_failures(d, copied, copy_targets, failures);
  for (const workflow::BranchOutcome& outcome : copied) {
    if (outcome.error) continue;
    regional[outcome.key.substr(outcome.key.find('/') + 1)] = owned_from(outcome.result);
  }

  std::vector<workflow::Run::Branch> unit_branches;
  for (const cloud::Place& share : shares) {
    auto owned = regional.find(share.region);
    // The region is told of already.
    if (owned == regional.end()) continue;
    unit_branches.push_back(
        {cloud::to_string(share), [&d, &owned = owned->second, share](workflow::Run& branch) {
           share_with_unit(d, branch, owned, share);
           return Json({{"unit", share.account_id}, {"region", share.region}});
         }});
  }
  std::set<cloud::Place> shared;
  if (!unit_branches.empty()) {
    const auto outcomes = run.branches(unit_branches, kPlacesAtOnce);
    note_failures(d, outcomes, {}, failures);
    for (const workflow::BranchOutcome& outcome : outcomes) {
      if (outcome.error) continue;
      const std::string unit = member<std::string>(outcome.result, "unit");
      const std::string region = member<std::string>(outcome.result, "region");
      shared.insert({unit, region});
      std::vector<std::string>& present = regional.at(region).shares;
      present.push_back(unit);
      std::sort(present.begin(), present.end());
    }
  }

  std::vector<workflow::Run::Branch> deliveries;
  std::map<std::string, ImageTarget> delivery_targets;
  for (const auto& [place, placement] : places) {
    ImageTarget target{.place = place,
                       .image_id = "",
                       .delivery = placement.delivery,
                       .state = TargetState::pending,
                       .detail = "",
                       .updated_at = "",
                       .unit = placement.unit};
    delivery_targets[cloud::to_string(place)] = target;
    auto owned = regional.find(place.region);
    const bool by_unit = !placement.unit.empty() && placement.delivery == "share";
    const bool lacks_share = by_unit && !shared.contains({placement.unit, place.region});
    if (owned == regional.end() || lacks_share) {
      target.state = TargetState::failed;
      target.detail = owned == regional.end() ? "there is no copy in " + place.region
                                              : "it is not shared with " + placement.unit;
      failures.lines.push_back(cloud::to_string(place) + ": " + target.detail);
      run.step("record-failure/" + cloud::to_string(place),
               [&](workflow::Step&) { note_failure(d, target); });
      continue;
    }
    deliveries.push_back({cloud::to_string(place), [&d, place = place, placement = placement,
                                                    &owned = owned->second](workflow::Run& branch) {
                            bring_to_account(d, branch, owned, place, placement);
                            return Json();
                          }});
  }
  note_failures(d, run.branches(deliveries, kPlacesAtOnce), delivery_targets, failures);
  for (const auto& [unit, why] : membership.unread) {
    failures.lines.push_back(unit + ": its accounts are unknown: " + why);
  }
  if (has_units) {
    for (std::string& line : leave_former_members(d, run, membership)) {
      failures.lines.push_back(std::move(line));
    }
  }
  if (input.value("prune", false)) {
    const auto extras = run.step("extras", [&](workflow::Step&) {
      return extra_targets(context, d.image, d.pipeline.targets, membership);
    });
    for (std::string& line : prune_unit_shares(d, run, shares)) {
      failures.lines.push_back(std::move(line));
    }
    for (std::string& line : leave_places(context, d.image, extras, run)) {
      failures.lines.push_back(std::move(line));
    }
  }
  for (std::string& line : settle_catalog(context, d.image, run)) {
    failures.lines.push_back(std::move(line));
  }
  if (!failures.lines.empty()) {
    std::string hint =
        "the others are in place; try the failed ones again: hallmark run retry " + run.id();
    if (failures.edited) {
      hint += "; over what was edited by hand: hallmark image distribute " + d.image.image_key +
              " --force";
    }
    throw Error(ErrorKind::failed, "{} of {} targets failed", failures.lines.size(),
                regions.size() + shares.size() + places.size())
        .note(join(failures.lines, "\n  "))
        .hint(hint);
  }
  Json result = {{"image_key", d.image.image_key},
                 {"targets", regions.size() + shares.size() + places.size()}};
  if (has_units) result["left_out"] = left_out(membership);
  return result;
}

}  // namespace hallmark::pipeline
