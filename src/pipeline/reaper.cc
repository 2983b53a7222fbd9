#include "pipeline/reaper.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/image_store.h"
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

bool is_gone(GoldenState state) {
  return state == GoldenState::decommissioned || state == GoldenState::failed ||
         state == GoldenState::rejected;
}

/// What our records say of golden images, by the ids that they name: keys and tags of another
/// installation's images may read like ours.
class Records {
 public:
  explicit Records(const Context& context) {
    for (const GoldenImage& image : list_golden_images(context.database, {})) {
      const bool gone = is_gone(image.state);
      auto add = [&](const cloud::Place& place, const std::string& image_id) {
        if (image_id.empty()) return;
        if (gone) {
          left_.insert_or_assign({place, image_id}, image.image_key);
        } else {
          present_.insert({place, image_id});
        }
      };
      add(image.home, image.image_id);
      for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
        if (gone || target.state != TargetState::removed) add(target.place, target.image_id);
      }
    }
  }
  /// The key of the version that had it and is gone; nothing if there is none, or one that is not.
  std::optional<std::string> left_by(const cloud::Place& place, const std::string& image_id) const {
    auto known = left_.find({place, image_id});
    if (known == left_.end() || has(place, image_id)) return std::nullopt;
    return known->second;
  }
  bool has(const cloud::Place& place, const std::string& image_id) const {
    return present_.contains({place, image_id});
  }

 private:
  std::map<std::pair<cloud::Place, std::string>, std::string> left_;
  std::set<std::pair<cloud::Place, std::string>> present_;
};

/// Whether it still is only versions that are gone that name it: places take long to look at, and
/// a build may have been tried again meanwhile.
bool is_left_now(db::Database& database, const cloud::Place& place, const std::string& image_id) {
  bool left = false;
  database.read([&](db::Connection& connection) {
    const auto rows = connection.query(
        "select state from golden_images where (account_id = :account_id and region = :region and"
        " image_id = :image_id) or run_id in (select image_run_id from image_targets where"
        " account_id = :account_id2 and region = :region2 and image_id = :image_id2)",
        {{"account_id", place.account_id},
         {"region", place.region},
         {"image_id", image_id},
         {"account_id2", place.account_id},
         {"region2", place.region},
         {"image_id2", image_id}});
    left = !rows.empty() && std::all_of(rows.begin(), rows.end(), [](const db::Row& row) {
      return is_gone(golden_state_from(row.text("state")));
    });
  });
  return left;
}

struct Reaper {
  workflow::Engine& engine;
  Context& context;
  bool dry_run;
  Owners owners;
  Records records;
  std::vector<Orphan> orphans;
  std::set<std::string> seen;  ///< ids

  template <typename Remove>
  void add(Orphan orphan, Remove remove) {
    remove_orphan(orphan, dry_run, remove);
    seen.insert(orphan.id);
    orphans.push_back(std::move(orphan));
  }

  void reap_ledger() {
    std::vector<workflow::LedgerEntry> entries = context.ledger.open();
    // Outside services last: one that is down keeps no machine alive.
    std::stable_partition(entries.begin(), entries.end(), [](const workflow::LedgerEntry& entry) {
      return entry.kind != kScanKind;
    });
    for (const workflow::LedgerEntry& entry : entries) {
      auto reason = owners.orphaned(entry.run_id, "");
      if (!reason) continue;
      add({.kind = entry.kind,
           .id = entry.external_id.empty() ? "planned " + entry.entry_id.substr(0, 12)
                                           : entry.external_id,
           .place = {entry.where.value("account_id", ""), entry.where.value("region", "")},
           .run_id = entry.run_id,
           .reason = *reason},
          [&] { remove_owned(context, entry); });
    }
  }

  void reap_place(const cloud::Place& place) {
    auto consider = [&](const char* kind, const std::string& id, const cloud::Tags& tags,
                        auto remove) {
      if (seen.contains(id)) return;
      auto reason = owners.orphaned(tag(tags, kRunTag), tag(tags, kDeadlineTag));
      if (!reason) return;
      add({.kind = kind, .id = id, .place = place, .run_id = tag(tags, kRunTag), .reason = *reason},
          remove);
    };
    const cloud::MachineFilter owned{.tag_keys = {kRunTag}, .reachability = false};
    for (const auto& machine : context.cloud.list_machines(place, owned)) {
      consider(kMachineKind, machine.machine_id, machine.tags,
               [&] { context.cloud.remove_machine(place, machine.machine_id); });
    }
    for (const auto& image : context.cloud.list_images(place, {.tag_keys = {kRunTag}})) {
      consider(kImageKind, image.image_id, image.tags,
               [&] { context.cloud.remove_image(place, image.image_id); });
    }
    if (context.image_services.abilities().loose_snapshots) {
      const TimePoint settled = context.clock.now() - context.cloud.properties().settle_time;
      for (const auto& loose : context.image_services.list_loose_snapshots(place, {kRunTag})) {
        // Its image may not be seen yet.
        if (loose.created_at > settled) continue;
        consider("snapshot", loose.snapshot_id, loose.tags,
                 [&] { context.image_services.remove_loose_snapshot(place, loose.snapshot_id); });
      }
    }
    for (const auto& image : context.cloud.list_images(place, {.tag_keys = {kImageKeyTag}})) {
      if (seen.contains(image.image_id) || image.tags.contains(kRunTag)) continue;
      const auto key = records.left_by(place, image.image_id);
      if (!key || image.owner_id != place.account_id) continue;
      add({.kind = kImageKind,
           .id = image.image_id,
           .place = place,
           .run_id = "",
           .reason = *key + " is gone, this was left"},
          [&] {
            if (!is_left_now(context.database, place, image.image_id)) {
              throw Error(ErrorKind::conflict, "a version that is not gone has it now");
            }
            context.cloud.remove_image(place, image.image_id);
          });
    }
    reap_parameters(place);
  }

  /// Whether there is no such image, and nobody of ours says that it should be here. An account
  /// that allows only some images (EC2's Allowed AMIs) does not see others that are shared with it:
  /// of what our own account still has nothing is known here.
  bool is_lost(const cloud::Place& place, const std::string& image_id) {
    if (records.has(place, image_id)) return false;
    const cloud::Place home = context.home(place.region);
    if (home != place && context.cloud.find_image(home, image_id)) return false;
    return !context.cloud.find_image(place, image_id);
  }

  void reap_parameters(const cloud::Place& place) {
    const std::string index = id_parameter("");
    std::set<std::string> listed;
    for (const std::string& id : read_latest(context.cloud, place)) {
      listed.insert(id);
      if (!is_lost(place, id)) continue;
      add({.kind = kLatestKind,
           .id = id + " in " + kLatestParameter,
           .place = place,
           .run_id = "",
           .reason = "there is no such image here"},
          [&] {
            const auto known = context.cloud.get_parameter(place, id_parameter(id));
            remove_from_latest(context.cloud, place, id, known ? known->value : "");
          });
    }
    for (const cloud::Parameter& parameter : context.cloud.list_parameters(place, kParameterRoot)) {
      if (parameter.name == kLatestParameter) continue;
      const bool in_index = parameter.name.starts_with(index);
      const std::string id = in_index ? parameter.name.substr(index.size()) : parameter.value;
      // Entries of the index go with their id in the list.
      if ((in_index && listed.contains(id)) || !id.starts_with("ami-") || !is_lost(place, id)) {
        continue;
      }
      add({.kind = kParameterKind,
           .id = parameter.name,
           .place = place,
           .run_id = "",
           .reason = "there is no image " + id + " here"},
          [&] { context.cloud.remove_parameter(place, parameter.name, parameter.version); });
    }
  }
};

}  // namespace

Reaping reap(workflow::Engine& engine, Context& context, const std::vector<cloud::Place>& places,
             bool dry_run) {
  Reaper reaper{engine,           context, dry_run, Owners(engine, context.clock.now()),
                Records(context), {},      {}};
  reaper.reap_ledger();
  Reaping reaping;
  for (const cloud::Place& place : places) {
    try {
      reaper.reap_place(place);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      reaping.unseen.push_back({place, e.message()});
    }
  }
  reaping.orphans = std::move(reaper.orphans);
  return reaping;
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

void to_json(Json& json, const UnseenPlace& value) {
  json = {{"account_id", value.place.account_id},
          {"region", value.place.region},
          {"problem", value.problem}};
}

}  // namespace hallmark::pipeline
