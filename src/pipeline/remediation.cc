#include "pipeline/remediation.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "model/exemption_file.h"
#include "model/pipeline_file.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/notice.h"

namespace hallmark::pipeline {

namespace {

/// As for checks: far below what one account's limits allow.
constexpr int kRemediationWidth = 8;
constexpr const char* kWorkflow = "remediate";
/// A run that was interrupted may go on days later, when the machine may be fine.
constexpr Duration kVerdictHolds{3600'000};

struct Offender {
  cloud::Place place;
  std::string machine_id;
  std::string image_id;
  std::string name;
  std::string reason;
  bool was_listed = false;  ///< superseded for too long, say, or disabled
  std::string tag_value;    ///< of the policy's tag, as the machine has it
  std::string since;
  bool is_new = false;
};

void to_json(Json& json, const Offender& value) {
  json = {{"account_id", value.place.account_id},
          {"region", value.place.region},
          {"machine_id", value.machine_id},
          {"image_id", value.image_id},
          {"name", value.name},
          {"reason", value.reason},
          {"was_listed", value.was_listed},
          {"tag_value", value.tag_value},
          {"since", value.since},
          {"is_new", value.is_new}};
}

void from_json(const Json& json, Offender& value) {
  value = {.place = {member<std::string>(json, "account_id"), member<std::string>(json, "region")},
           .machine_id = member<std::string>(json, "machine_id"),
           .image_id = member<std::string>(json, "image_id"),
           .name = member<std::string>(json, "name"),
           .reason = member<std::string>(json, "reason"),
           .was_listed = member<bool>(json, "was_listed"),
           .tag_value = member<std::string>(json, "tag_value"),
           .since = member<std::string>(json, "since"),
           .is_new = member<bool>(json, "is_new")};
}

/// A machine that is fine and has the policy's tag, whoever set it.
struct Tagged {
  cloud::Place place;
  std::string machine_id;
  std::string value;
};

void to_json(Json& json, const Tagged& value) {
  json = {{"account_id", value.place.account_id},
          {"region", value.place.region},
          {"machine_id", value.machine_id},
          {"value", value.value}};
}

void from_json(const Json& json, Tagged& value) {
  value = {.place = {member<std::string>(json, "account_id"), member<std::string>(json, "region")},
           .machine_id = member<std::string>(json, "machine_id"),
           .value = member<std::string>(json, "value")};
}

std::vector<model::Exemption> exemptions_of(const model::RemediationPolicy& policy) {
  if (policy.exemptions.empty()) return {};
  std::vector<model::Problem> problems;
  auto exemptions = model::read_exemptions(policy.exemptions, problems);
  // Machines would be stopped that somebody answers for.
  if (problems.empty()) return exemptions;
  Error error(ErrorKind::usage, "the exemptions are not readable");
  for (const model::Problem& problem : problems)
    error.note(model::to_string(problem, "exemptions"));
  throw error.hint("see: docs/compliance.md");
}

struct Judged {
  std::string checked_at;
  std::vector<Offender> offenders;
  std::vector<Tagged> tagged;           ///< though they are fine
  std::vector<Tagged> unknown;          ///< nobody can tell now: what is known of them stays
  std::vector<cloud::Place> looked_at;  ///< all of it
  std::vector<std::string> problems;
};

void to_json(Json& json, const Judged& value) {
  json = {{"checked_at", value.checked_at}, {"offenders", value.offenders},
          {"tagged", value.tagged},         {"unknown", value.unknown},
          {"looked_at", Json::array()},     {"problems", value.problems}};
  for (const cloud::Place& place : value.looked_at) {
    json["looked_at"].push_back({place.account_id, place.region});
  }
}

void from_json(const Json& json, Judged& value) {
  value.checked_at = member<std::string>(json, "checked_at");
  value.offenders = member<std::vector<Offender>>(json, "offenders");
  value.tagged = member<std::vector<Tagged>>(json, "tagged");
  // Runs that were recorded before have none.
  value.unknown = json.value("unknown", std::vector<Tagged>());
  value.problems = member<std::vector<std::string>>(json, "problems");
  for (const Json& place : json.at("looked_at")) value.looked_at.push_back({place[0], place[1]});
}

Judged judge(Context& context, const std::vector<cloud::Place>& places,
             const model::RemediationPolicy& policy, std::stop_token stop) {
  const ComplianceReport report =
      check_compliance(context, places,
                       {.exemptions = exemptions_of(policy),
                        .accept_derived = policy.accept_derived,
                        .grace = policy.grace.value_or(kSupersededGrace)},
                       stop);
  Judged judged{.checked_at = to_rfc3339(report.checked_at)};
  for (const PlaceReport& place : report.places) {
    for (const std::string& problem : place.problems) {
      judged.problems.push_back(to_string(place.facts.place) + ": " + problem);
    }
    // What is missing here may be there all the same; what is here may be judged by half a list.
    if (!place.problems.empty()) continue;
    judged.looked_at.push_back(place.facts.place);
    for (std::size_t i = 0; i < place.rulings.of.size(); ++i) {
      const Resource& resource = place.facts.resources[i];
      const Ruling& ruling = place.rulings.of[i];
      if (resource.kind != Resource::kMachine) continue;
      auto tag = resource.tags.find(policy.tag);
      if (is_fine(ruling.verdict) && tag != resource.tags.end()) {
        judged.tagged.push_back({place.facts.place, resource.id, tag->second});
      }
      if (ruling.verdict == Verdict::unknown) {
        judged.unknown.push_back({place.facts.place, resource.id, ""});
      }
      if (ruling.verdict != Verdict::non_compliant) continue;
      judged.offenders.push_back({.place = place.facts.place,
                                  .machine_id = resource.id,
                                  .image_id = resource.image_id,
                                  .name = resource.name,
                                  .reason = *ruling.reason,
                                  .was_listed = place.facts.golden.contains(resource.image_id),
                                  .tag_value = tag == resource.tags.end() ? "" : tag->second});
    }
  }
  return judged;
}

constexpr const char* kThisMachine =
    " where account_id = :account and region = :region and machine_id = :machine";

std::vector<db::Parameter> key_of(const cloud::Place& place, const std::string& machine_id) {
  return {{"account", place.account_id}, {"region", place.region}, {"machine", machine_id}};
}

void forget(db::Connection& connection, const cloud::Place& place, const std::string& machine_id) {
  connection.execute(std::string("delete from remediations") + kThisMachine,
                     key_of(place, machine_id));
}

/// Since when, of the machine with this image; new ones from now on.
std::string since_of(db::Connection& connection, const Offender& one, const std::string& now) {
  auto key = key_of(one.place, one.machine_id);
  const auto rows =
      connection.query(std::string("select image_id, since from remediations") + kThisMachine, key);
  if (!rows.empty() && rows[0].text("image_id") == one.image_id) return rows[0].text("since");
  forget(connection, one.place, one.machine_id);
  key.push_back({"image", one.image_id});
  key.push_back({"since", now});
  connection.execute(
      "insert into remediations (account_id, region, machine_id, image_id, since, stop_token)"
      " values (:account, :region, :machine, :image, :since, '')",
      key);
  return now;
}

/// A record whose machine is fine again, until its tag is off; another image's time begins anew,
/// and so does that of any image after this.
void mark_fine(db::Connection& connection, const cloud::Place& place,
               const std::string& machine_id) {
  connection.execute(std::string("update remediations set image_id = ''") + kThisMachine,
                     key_of(place, machine_id));
}

struct Remembered {
  std::vector<Offender> offenders;
  std::vector<Tagged> fine_again;  ///< with the tag that we set
};

void to_json(Json& json, const Remembered& value) {
  json = {{"offenders", value.offenders}, {"fine_again", value.fine_again}};
}

void from_json(const Json& json, Remembered& value) {
  value = {.offenders = member<std::vector<Offender>>(json, "offenders"),
           .fine_again = member<std::vector<Tagged>>(json, "fine_again")};
}

/// Fills in since when, from our records, and keeps them: the tag is for people, and they may
/// change it.
Remembered remember(db::Database& database, const Judged& judged) {
  Remembered remembered;
  std::map<std::vector<std::string>, const Tagged*> tagged;
  for (const Tagged& one : judged.tagged) {
    tagged[{one.place.account_id, one.place.region, one.machine_id}] = &one;
  }
  database.transaction([&](db::Connection& connection) {
    remembered = {.offenders = judged.offenders};
    std::set<std::vector<std::string>> present;
    for (Offender& one : remembered.offenders) {
      present.insert({one.place.account_id, one.place.region, one.machine_id});
      one.since = since_of(connection, one, judged.checked_at);
      one.is_new = one.since == judged.checked_at;
    }
    for (const Tagged& one : judged.unknown) {
      present.insert({one.place.account_id, one.place.region, one.machine_id});
    }
    for (const cloud::Place& place : judged.looked_at) {
      const auto known = connection.query(
          "select machine_id, since from remediations"
          " where account_id = :account and region = :region",
          {{"account", place.account_id}, {"region", place.region}});
      for (const db::Row& row : known) {
        const std::string id = row.text("machine_id");
        const std::vector<std::string> key = {place.account_id, place.region, id};
        if (present.contains(key)) continue;
        auto tag = tagged.find(key);
        // A value that is not ours is somebody else's tag.
        if (tag != tagged.end() && tag->second->value == row.text("since")) {
          mark_fine(connection, place, id);
          remembered.fine_again.push_back(*tag->second);
        } else {
          forget(connection, place, id);
        }
      }
    }
  });
  return remembered;
}

bool is_due(const Offender& one, const model::RemediationPolicy& policy,
            const std::string& checked_at) {
  return policy.stop_after &&
         from_rfc3339(one.since) + *policy.stop_after <= from_rfc3339(checked_at);
}

void claim_stop(db::Database& database, const Offender& one, const std::string& token) {
  auto parameters = key_of(one.place, one.machine_id);
  parameters.push_back({"token", token});
  database.transaction([&](db::Connection& connection) {
    connection.execute(std::string("update remediations set stop_token = :token") + kThisMachine,
                       parameters);
  });
}

bool was_stopped_by(db::Database& database, const Offender& one, const std::string& token) {
  bool found = false;
  database.read([&](db::Connection& connection) {
    const auto rows =
        connection.query(std::string("select stop_token from remediations") + kThisMachine,
                         key_of(one.place, one.machine_id));
    found = !rows.empty() && rows[0].text("stop_token") == token;
  });
  return found;
}

/// Between the check and now somebody may have listed its image.
bool is_listed_by_now(Context& context, const Offender& one) {
  if (one.was_listed) return false;
  const auto ids = read_latest(context.cloud, one.place);
  return std::find(ids.begin(), ids.end(), one.image_id) != ids.end();
}

/// Looks again: somebody may have replaced it.
bool stop_machine(Context& context, const Offender& one, const std::string& checked_at,
                  workflow::Step& step) {
  const auto machine = context.cloud.find_machine(one.place, one.machine_id);
  if (!machine || machine->image_id != one.image_id) return false;
  // One that is about to run is stopped by the next run; EC2 refuses to stop it now.
  if (machine->state == cloud::MachineState::running) {
    if (context.clock.now() - from_rfc3339(checked_at) > kVerdictHolds) {
      throw Error(ErrorKind::conflict, "it was judged at {}, too long ago to stop it now",
                  checked_at)
          .hint("run it again: hallmark compliance remediate");
    }
    if (is_listed_by_now(context, one)) return false;
    // First, so that whoever comes here after a crash knows who stopped it.
    claim_stop(context.database, one, step.token());
    context.cloud.stop_machine(one.place, one.machine_id);
  } else if (!was_stopped_by(context.database, one, step.token())) {
    return false;
  }
  context.audit.append({.token = step.token(),
                        .actor = "hallmark",
                        .action = "machine.stopped",
                        .subject = one.machine_id,
                        .detail = {{"account_id", one.place.account_id},
                                   {"region", one.place.region},
                                   {"image_id", one.image_id},
                                   {"since", one.since},
                                   {"reason", one.reason}}});
  return true;
}

Json treat(Context& context, workflow::Run& run, const model::RemediationPolicy& policy,
           const Offender& one, const std::string& checked_at) {
  const std::string key = to_string(one.place) + "/" + one.machine_id;
  Json result = {{"tagged", false}, {"stopped", false}};
  if (!policy.tag.empty() && one.tag_value != one.since) {
    result["tagged"] = run.step("tag/" + key, [&](workflow::Step&) {
      try {
        context.cloud.set_tags(one.place, one.machine_id, {{policy.tag, one.since}});
        return true;
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return false;
        throw;
      }
    });
  }
  if (is_due(one, policy, checked_at)) {
    result["stopped"] = run.step("stop/" + key, [&](workflow::Step& step) {
      return stop_machine(context, one, checked_at, step);
    });
  }
  return result;
}

Json take_tag_off(Context& context, workflow::Run& run, const model::RemediationPolicy& policy,
                  const Tagged& one) {
  const std::string key = to_string(one.place) + "/" + one.machine_id;
  return run.step("untag/" + key, [&](workflow::Step&) {
    try {
      context.cloud.remove_tags(one.place, one.machine_id, {policy.tag});
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
    }
    context.database.transaction(
        [&](db::Connection& connection) { forget(connection, one.place, one.machine_id); });
    return Json(true);
  });
}

void tell(Context& context, workflow::Run& run, const Json& machines) {
  Json body = {{"new", Json::array()}, {"stopped", Json::array()}};
  for (const Json& machine : machines) {
    if (machine.at("is_new").get<bool>()) body["new"].push_back(machine);
    if (machine.at("stopped").get<bool>()) body["stopped"].push_back(machine);
  }
  if (body["new"].empty() && body["stopped"].empty()) return;
  run.step("notice", [&](workflow::Step& step) {
    record_notice(context, {.notice_id = id_from_token("notice", step.token()),
                            .kind = kComplianceNotice,
                            .subject = "machines",
                            .created_at = to_rfc3339(context.clock.now()),
                            .body = body});
  });
}

}  // namespace

std::string start_remediation(workflow::Engine& engine, const model::RemediationPolicy& policy,
                              const std::vector<cloud::Place>& places,
                              std::optional<std::string> run_id) {
  if (!policy.does_anything()) {
    throw Error(ErrorKind::usage, "no policy says what is to be done about machines")
        .hint("write a file of remediation; see: docs/compliance.md");
  }
  exemptions_of(policy);
  const auto open =
      engine.list({.workflow = kWorkflow,
                   .states = {workflow::RunState::pending, workflow::RunState::running,
                              workflow::RunState::waiting}});
  if (!open.empty()) {
    throw Error(ErrorKind::conflict, "run {} has not ended", open.front().run_id)
        .hint("go on with it: hallmark run resume " + open.front().run_id);
  }
  Json listed = Json::array();
  for (const cloud::Place& place : places) listed.push_back({place.account_id, place.region});
  return engine.start(kWorkflow, "machines", {{"policy", policy}, {"places", listed}},
                      std::move(run_id));
}

Json remediate(Context& context, workflow::Run& run) {
  const auto policy = member<model::RemediationPolicy>(run.input(), "policy");
  std::vector<cloud::Place> places;
  for (const Json& place : run.input().at("places")) places.push_back({place[0], place[1]});
  const auto judged = run.step(
      "judge", [&](workflow::Step& step) { return judge(context, places, policy, step.stop()); });
  const auto remembered =
      run.step("remember", [&](workflow::Step&) { return remember(context.database, judged); });
  const auto& [offenders, fine_again] = remembered;
  std::vector<workflow::Run::Branch> branches;
  for (const Offender& one : offenders) {
    branches.push_back(
        {to_string(one.place) + "/" + one.machine_id, [&, one](workflow::Run& branch) {
           return treat(context, branch, policy, one, judged.checked_at);
         }});
  }
  for (const Tagged& one : fine_again) {
    branches.push_back(
        {to_string(one.place) + "/" + one.machine_id,
         [&, one](workflow::Run& branch) { return take_tag_off(context, branch, policy, one); }});
  }
  const auto outcomes = run.branches(branches, kRemediationWidth);
  std::size_t failed = 0;
  Json machines = Json::array();
  for (std::size_t i = 0; i < offenders.size(); ++i) {
    Json machine = offenders[i];
    machine.erase("tag_value");
    machine.erase("was_listed");
    machine["problem"] = "";
    if (outcomes[i].error) {
      ++failed;
      machine.update(
          {{"tagged", false}, {"stopped", false}, {"problem", outcomes[i].error->full_text()}});
    } else {
      machine.update(outcomes[i].result);
    }
    machines.push_back(std::move(machine));
  }
  Json untagged = Json::array();
  for (std::size_t i = 0; i < fine_again.size(); ++i) {
    const auto& error = outcomes[offenders.size() + i].error;
    failed += error ? 1 : 0;
    Json machine = fine_again[i];
    machine["problem"] = error ? error->full_text() : "";
    untagged.push_back(std::move(machine));
  }
  if (policy.notify) tell(context, run, machines);
  return {{"machines", machines},
          {"fine_again", untagged},
          {"problems", judged.problems},
          {"failed", failed}};
}

}  // namespace hallmark::pipeline
