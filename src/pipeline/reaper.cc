#include "pipeline/reaper.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"

namespace hallmark::pipeline {

namespace {

/// Why a thing with this owner is nobody's any more; nothing if it still is somebody's.
class Owners {
 public:
  Owners(workflow::Engine& engine, TimePoint now) : engine_(engine), now_(now) {}

  std::optional<std::string> orphaned(const std::string& run_id, const std::string& deadline) {
    auto [known, inserted] = states_.try_emplace(run_id);
    if (inserted) known->second = state_of(run_id);
    if (known->second) {
      if (!workflow::ended(*known->second)) return std::nullopt;
      return "its run has ended: " + std::string(workflow::to_string(*known->second));
    }
    if (deadline.empty()) return "its run is unknown";
    // Another installation may share the account; its things are left alone until their deadline.
    if (now_ < from_rfc3339(deadline)) return std::nullopt;
    return "its run is unknown and its deadline has passed: " + deadline;
  }

 private:
  std::optional<workflow::RunState> state_of(const std::string& run_id) {
    try {
      return engine_.show(run_id).state;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::not_found) throw;
      return std::nullopt;
    }
  }
  workflow::Engine& engine_;
  TimePoint now_;
  std::map<std::string, std::optional<workflow::RunState>> states_;
};

std::string tag(const cloud::Tags& tags, const char* key) {
  auto found = tags.find(key);
  return found == tags.end() ? "" : found->second;
}

template <typename Remove>
void remove_orphan(Orphan& orphan, bool dry_run, Remove remove) {
  if (dry_run) return;
  try {
    remove();
    orphan.removed = true;
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    orphan.problem = e.full_text();
  }
}

}  // namespace

std::vector<Orphan> reap(workflow::Engine& engine, Context& context,
                         const std::vector<cloud::Place>& places, bool dry_run) {
  Owners owners(engine, context.clock.now());
  std::vector<Orphan> orphans;
  std::set<std::string> seen;

  std::vector<workflow::LedgerEntry> entries = context.ledger.open();
  // Outside services last: one that is down keeps no machine alive.
  std::stable_partition(entries.begin(), entries.end(),
                        [](const workflow::LedgerEntry& entry) { return entry.kind != kScanKind; });
  for (const workflow::LedgerEntry& entry : entries) {
    auto reason = owners.orphaned(entry.run_id, "");
    if (!reason) continue;
    Orphan orphan{.kind = entry.kind,
                  .id = entry.external_id.empty() ? "planned " + entry.entry_id.substr(0, 12)
                                                  : entry.external_id,
                  .place = {entry.where.value("account_id", ""), entry.where.value("region", "")},
                  .run_id = entry.run_id,
                  .reason = *reason};
    remove_orphan(orphan, dry_run, [&] { remove_owned(context, entry); });
    seen.insert(orphan.id);
    orphans.push_back(std::move(orphan));
  }

  for (const cloud::Place& place : places) {
    auto consider = [&](const char* kind, const std::string& id, const cloud::Tags& tags,
                        auto remove) {
      if (seen.contains(id)) return;
      auto reason = owners.orphaned(tag(tags, kRunTag), tag(tags, kDeadlineTag));
      if (!reason) return;
      Orphan orphan{
          .kind = kind, .id = id, .place = place, .run_id = tag(tags, kRunTag), .reason = *reason};
      remove_orphan(orphan, dry_run, remove);
      orphans.push_back(std::move(orphan));
    };
    for (const auto& machine : context.cloud.list_machines(place, {.tag_keys = {kRunTag}})) {
      consider(kMachineKind, machine.machine_id, machine.tags,
               [&] { context.cloud.remove_machine(place, machine.machine_id); });
    }
    for (const auto& image : context.cloud.list_images(place, {.tag_keys = {kRunTag}})) {
      consider(kImageKind, image.image_id, image.tags,
               [&] { context.cloud.remove_image(place, image.image_id); });
    }
  }
  return orphans;
}

void to_json(Json& json, const Orphan& value) {
  json = {{"kind", value.kind},
          {"id", value.id},
          {"account_id", value.place.account_id},
          {"region", value.place.region},
          {"run_id", value.run_id},
          {"reason", value.reason},
          {"removed", value.removed},
          {"problem", value.problem}};
}

}  // namespace hallmark::pipeline
