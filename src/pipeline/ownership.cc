#include "pipeline/ownership.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "pipeline/fast_launch.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/launch_templates.h"
#include "pipeline/names.h"
#include "pipeline/outside_scan.h"

namespace hallmark::pipeline {

namespace {

cloud::Place place_of(const Json& where) {
  return {member<std::string>(where, "account_id"), member<std::string>(where, "region")};
}

Json where_is(const cloud::Place& place) {
  return {{"account_id", place.account_id}, {"region", place.region}};
}

/// A machine or image that was planned but whose id was never noted carries the step's token as a
/// tag.
std::string find_by_token(Context& context, const workflow::LedgerEntry& entry) {
  cloud::Place place = place_of(entry.where);
  cloud::Tags wanted = {{kTokenTag, entry.entry_id}};
  if (entry.kind == kMachineKind) {
    auto machines = context.cloud.list_machines(place, {.tags = wanted, .reachability = false});
    return machines.empty() ? "" : machines.front().machine_id;
  }
  auto images = context.cloud.list_images(place, {.tags = wanted});
  return images.empty() ? "" : images.front().image_id;
}

}  // namespace

std::string make_owned(
    Context& context, const workflow::Run& run, const std::string& token, const std::string& kind,
    const cloud::Place& place, TimePoint deadline,
    const std::function<std::string(const std::string& token, const cloud::Tags& tags)>& create) {
  context.ledger.plan({.entry_id = token,
                       .run_id = run.id(),
                       .kind = kind,
                       .where = where_is(place),
                       .planned_at = context.clock.now(),
                       .deadline = deadline});
  std::string id = create(token, owner_tags(run.id(), token, deadline));
  context.ledger.created(token, id);
  return id;
}

void make_owned_detail(Context& context, const workflow::Run& run, workflow::Step& step,
                       const std::string& kind, const cloud::Place& place, const Json& details,
                       const std::function<void()>& create) {
  Json where = where_is(place);
  where.update(details);
  context.ledger.plan({.entry_id = step.token(),
                       .run_id = run.id(),
                       .kind = kind,
                       .where = where,
                       .planned_at = context.clock.now()});
  create();
  context.ledger.created(step.token(), kind);
}

void remove_owned(Context& context, const workflow::LedgerEntry& entry) {
  cloud::Place place = place_of(entry.where);
  if (entry.kind == kMachineKind || entry.kind == kImageKind) {
    std::string id = entry.external_id.empty() ? find_by_token(context, entry) : entry.external_id;
    if (id.empty() &&
        context.clock.now() < entry.planned_at + context.cloud.properties().settle_time) {
      throw Error(ErrorKind::unavailable, "a {} planned at {} may still appear", entry.kind,
                  to_rfc3339(entry.planned_at));
    }
    if (!id.empty() && entry.kind == kMachineKind) context.cloud.remove_machine(place, id);
    if (!id.empty() && entry.kind == kImageKind) remove_own_image(context, place, id);
  } else if (entry.kind == kParameterKind) {
    withdraw_parameter(context.cloud, place, member<std::string>(entry.where, "name"),
                       member<std::string>(entry.where, "value"));
  } else if (entry.kind == kLatestKind) {
    // Entries of before there was an index have no key.
    remove_from_latest(context.cloud, place, member<std::string>(entry.where, "image_id"),
                       entry.where.value("image_key", ""));
  } else if (entry.kind == kShareKind) {
    std::string image_id = member<std::string>(entry.where, "image_id");
    if (context.cloud.find_image(place, image_id)) {
      context.cloud.unshare_image(place, image_id, member<std::string>(entry.where, "with"));
    }
  } else if (entry.kind == kKeyGrantKind) {
    context.cloud.revoke_key(place, member<std::string>(entry.where, "key_id"),
                             member<std::string>(entry.where, "image_id"),
                             member<std::string>(entry.where, "with"));
  } else if (entry.kind == kArchiveKind) {
    context.image_services.remove_archive(place, member<std::string>(entry.where, "image_id"),
                                          member<std::string>(entry.where, "bucket"),
                                          entry.external_id);
  } else if (entry.kind == kTemplateKind) {
    withdraw_template(context, place, member<std::string>(entry.where, "name"),
                      member<std::string>(entry.where, "image_key"));
  } else if (entry.kind == kScanKind) {
    remove_scan(context, entry.where, entry.external_id);
  } else {
    throw Error(ErrorKind::conflict, "the ledger has an entry of unknown kind \"{}\"", entry.kind)
        .hint("a newer version of Hallmark wrote it; use that version to remove it");
  }
  context.ledger.released(entry.entry_id);
}

void remove_own_image(Context& context, const cloud::Place& place, const std::string& image_id) {
  if (!end_fast_launch(context, place, image_id)) {
    throw Error(ErrorKind::unavailable, "the fast launch of {} in {} is being ended", image_id,
                cloud::to_string(place));
  }
  try {
    context.cloud.remove_image(place, image_id);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::conflict) throw;
    context.cloud.protect_image(place, image_id, false);
    context.cloud.remove_image(place, image_id);
  }
}

void remove_all_owned(Context& context, const std::string& run_id) {
  std::vector<workflow::LedgerEntry> entries = context.ledger.open(run_id);
  // The newest first: a share goes before the image it is a share of.
  std::reverse(entries.begin(), entries.end());
  std::optional<Error> first_failure;
  for (const workflow::LedgerEntry& entry : entries) {
    if (entry.kind == kScanKind) continue;
    try {
      remove_owned(context, entry);
    } catch (Error& e) {
      e.note("while removing a " + entry.kind + " of run " + run_id);
      if (!first_failure) first_failure = e;
    }
  }
  if (first_failure) throw *first_failure;
}

void release_all_owned(Context& context, const std::string& run_id) {
  for (const workflow::LedgerEntry& entry : context.ledger.open(run_id)) {
    if (entry.kind == kScanKind) continue;
    context.ledger.released(entry.entry_id);
  }
}

}  // namespace hallmark::pipeline
