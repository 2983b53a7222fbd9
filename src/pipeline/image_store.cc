#include "pipeline/image_store.h"

#include <array>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "pipeline/image_row.h"

namespace hallmark::pipeline {

namespace {

constexpr std::array<std::string_view, 9> kGoldenStates = {
    "building", "awaiting_approval", "active",          "deprecated",    "disabled",
    "failed",   "rejected",          "decommissioning", "decommissioned"};
constexpr std::array<std::string_view, 5> kTargetStates = {"pending", "available", "failed",
                                                           "disabled", "removed"};

/// Of so many images, the newest ones, one may have been meant by what is none.
constexpr std::int64_t kMostSuggested = 1000;

template <typename State, std::size_t N>
State state_from(const std::array<std::string_view, N>& names, const std::string& text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<State>(i);
  }
  throw Error(ErrorKind::corrupt, "unknown state \"{}\" in the database", text);
}

/// `where` is a condition and an order over golden_images, written here, never by a user.
std::vector<GoldenImage> select_images(db::Database& database, const std::string& where,
                                       const std::vector<db::Parameter>& parameters) {
  std::vector<GoldenImage> images;
  database.read([&](db::Connection& connection) {
    images.clear();
    for (const db::Row& row :
         connection.query("select * from golden_images where " + where, parameters)) {
      images.push_back(image_from(row));
      images.back().pipeline = parse_json(row.text("pipeline"), "golden_images.pipeline");
    }
  });
  return images;
}

}  // namespace

GoldenImage image_from(const db::Row& row) {
  GoldenImage image;
  image.run_id = row.text("run_id");
  image.image_key = row.text("image_key");
  image.product = row.text("product");
  image.os = row.text("os");
  image.version = row.text("version");
  image.state = state_from<GoldenState>(kGoldenStates, row.text("state"));
  image.state_reason = row.text("state_reason");
  image.home = {row.text("account_id"), row.text("region")};
  image.image_id = row.text("image_id");
  image.source_image_id = row.text("source_image_id");
  image.requested_by = row.text("requested_by");
  image.evidence_digest = row.text("evidence_digest");
  image.created_at = row.text("created_at");
  image.updated_at = row.text("updated_at");
  image.state_since = row.text("state_since");
  image.kept_until = row.text("kept_until");
  return image;
}

std::string_view to_string(GoldenState state) {
  return kGoldenStates.at(static_cast<std::size_t>(state));
}
GoldenState golden_state_from(const std::string& text) {
  return state_from<GoldenState>(kGoldenStates, text);
}
std::string_view to_string(TargetState state) {
  return kTargetStates.at(static_cast<std::size_t>(state));
}

void reserve_version(const Context& context, const GoldenImage& image) {
  using Told = std::optional<audit::Event>;
  context.audit.append([&](db::Connection& connection) -> Told {
    auto holders = connection.query(
        "select run_id, state from golden_images"
        " where image_key = :image_key and state not in ('failed', 'rejected')",
        {{"image_key", image.image_key}});
    if (!holders.empty()) {
      const bool is_ours = holders[0].text("run_id") == image.run_id;
      if (is_ours && holders[0].text("state") == "building") return std::nullopt;
      throw Error(ErrorKind::conflict, "version {} exists already (state {}, run {})",
                  image.image_key, holders[0].text("state"), holders[0].text("run_id"))
          .hint("versions are never overwritten: build it under the next version");
    }
    // A failed attempt that is tried again takes its own row up again.
    std::int64_t revived = connection.execute(
        "update golden_images set state = 'building', state_reason = '', updated_at = :now"
        " where run_id = :run_id",
        {{"now", image.created_at}, {"run_id", image.run_id}});
    audit::Event told = {.token = random_id("event"),
                         .actor = image.requested_by,
                         .action = "image.building",
                         .subject = image.image_key,
                         .detail = {{"run_id", image.run_id}}};
    if (revived > 0) return told;
    connection.execute(
        "insert into golden_images (run_id, image_key, product, os, version, state, state_reason,"
        " account_id, region, image_id, source_image_id, requested_by, evidence_digest, pipeline,"
        " created_at, updated_at) values (:run_id, :image_key, :product, :os, :version, 'building',"
        " '', :account_id, :region, '', '', :requested_by, '', :pipeline, :now, :now2)",
        {{"run_id", image.run_id},
         {"image_key", image.image_key},
         {"product", image.product},
         {"os", image.os},
         {"version", image.version},
         {"account_id", image.home.account_id},
         {"region", image.home.region},
         {"requested_by", image.requested_by},
         {"pipeline", compact(image.pipeline)},
         {"now", image.created_at},
         {"now2", image.created_at}});
    return told;
  });
}

namespace {

/// What the audit log is told of a change of state; nothing if the image is in that state already,
/// because a step was repeated.
std::optional<audit::Event> transition(db::Connection& connection, const std::string& run_id,
                                       const GoldenImageChange& change) {
  if (!change.state) return std::nullopt;
  auto rows =
      connection.query("select * from golden_images where run_id = :run_id", {{"run_id", run_id}});
  if (rows.empty()) return std::nullopt;
  const GoldenImage before = image_from(rows.front());
  if (before.state == *change.state) return std::nullopt;
  Json detail = {{"run_id", run_id},
                 {"image_id", change.image_id.value_or(before.image_id)},
                 {"evidence_digest", change.evidence_digest.value_or(before.evidence_digest)}};
  const std::string reason = change.state_reason.value_or(before.state_reason);
  if (!reason.empty()) detail["reason"] = reason;
  return audit::Event{.token = random_id("event"),
                      .actor = "hallmark",
                      .action = fmt::format("image.{}", to_string(*change.state)),
                      .subject = before.image_key,
                      .detail = std::move(detail)};
}

}  // namespace

void change_image(const Context& context, const std::string& run_id,
                  const GoldenImageChange& change) {
  std::string assignments = "updated_at = :updated_at";
  std::vector<db::Parameter> parameters = {{"updated_at", to_rfc3339(context.clock.now())}};
  auto assign = [&](const char* column, const std::optional<std::string>& value) {
    if (!value) return;
    assignments += std::string(", ") + column + " = :" + column;
    parameters.push_back({column, *value});
  };
  if (change.state) {
    const std::string state(to_string(*change.state));
    // A step that is repeated does not make it younger.
    assignments += ", state_since = case when state = :same_state then state_since else :since end";
    parameters.push_back({"same_state", state});
    parameters.push_back({"since", to_rfc3339(context.clock.now())});
    assign("state", state);
  }
  if (change.state == GoldenState::active) {
    // Neither a step that is repeated nor restoring makes it younger.
    assignments += ", active_at = case when active_at = '' then :active_at else active_at end";
    parameters.push_back({"active_at", to_rfc3339(context.clock.now())});
  }
  assign("state_reason", change.state_reason);
  assign("image_id", change.image_id);
  assign("source_image_id", change.source_image_id);
  assign("evidence_digest", change.evidence_digest);
  assign("kept_until", change.kept_until);
  parameters.push_back({"run_id", run_id});
  context.audit.append([&](db::Connection& connection) {
    auto told = transition(connection, run_id, change);
    connection.execute("update golden_images set " + assignments + " where run_id = :run_id",
                       parameters);
    return told;
  });
}

std::optional<GoldenImage> find_golden_image(db::Database& database, const std::string& reference) {
  // What lives beats what failed, what is newer beats what is older.
  const std::string order =
      " order by case when state in ('failed', 'rejected') then 1 else 0 end, created_at desc";
  auto first = [&](const std::string& condition) -> std::optional<GoldenImage> {
    std::vector<GoldenImage> images =
        select_images(database, condition + order, {{"reference", reference}});
    if (images.empty()) return std::nullopt;
    return images.front();
  };
  for (const char* condition :
       {"run_id = :reference", "image_key = :reference", "image_id = :reference",
        "product || '/' || os = :reference and state = 'active'",
        "product || '-' || os || '-' || version = :reference",
        "run_id in (select image_run_id from image_targets where image_id = :reference)"}) {
    if (auto image = first(condition)) return image;
  }
  return std::nullopt;
}

GoldenImage get_golden_image(db::Database& database, const std::string& reference) {
  if (auto image = find_golden_image(database, reference)) return *image;
  Error error(ErrorKind::not_found, "there is no golden image \"{}\"", reference);
  std::vector<std::string> keys;
  database.read([&](db::Connection& connection) {
    keys.clear();
    for (const db::Row& row : connection.query(
             "select image_key from golden_images order by created_at desc limit :most",
             {{"most", kMostSuggested}})) {
      keys.push_back(row.text("image_key"));
    }
  });
  auto close = suggestion(reference, keys);
  error.hint(close ? "did you mean " + *close + "?" : "see: hallmark image list --all");
  throw error;
}

std::vector<GoldenImage> list_golden_images(db::Database& database,
                                            const std::vector<GoldenState>& states) {
  std::string condition = "1 = 1";
  if (!states.empty()) {
    condition = "state in (";
    for (GoldenState state : states) {
      if (condition.back() != '(') condition += ", ";
      condition += "'" + std::string(to_string(state)) + "'";
    }
    condition += ")";
  }
  return select_images(database, condition + " order by created_at desc, run_id", {});
}

void record_target(db::Database& database, const std::string& run_id, const ImageTarget& target,
                   TimePoint now) {
  database.transaction([&](db::Connection& connection) {
    std::vector<db::Parameter> parameters = {
        {"run_id", run_id},
        {"account_id", target.place.account_id},
        {"region", target.place.region},
        {"image_id", target.image_id},
        {"delivery", target.delivery},
        {"state", std::string(to_string(target.state))},
        {"detail", target.detail},
        {"unit", target.unit},
        {"launch_templates", compact(Json(target.launch_templates))},
        {"now", to_rfc3339(now)}};
    connection.execute(
        "insert into image_targets (image_run_id, account_id, region, image_id, delivery, state,"
        " detail, unit, launch_templates, updated_at) values (:run_id, :account_id, :region,"
        " :image_id, :delivery, :state, :detail, :unit, :launch_templates, :now) on conflict "
        "(image_run_id, account_id, region) do update set"
        " image_id = excluded.image_id, delivery = excluded.delivery, state = excluded.state,"
        " detail = excluded.detail, unit = excluded.unit,"
        " launch_templates = excluded.launch_templates, updated_at = excluded.updated_at",
        parameters);
  });
}

namespace {

std::vector<ImageTarget> select_targets(db::Database& database, const std::string& rest,
                                        const std::vector<db::Parameter>& parameters) {
  std::vector<ImageTarget> targets;
  database.read([&](db::Connection& connection) {
    targets.clear();
    for (const db::Row& row : connection.query(
             "select * from image_targets where image_run_id = :run_id" + rest, parameters)) {
      targets.push_back(
          {.place = {row.text("account_id"), row.text("region")},
           .image_id = row.text("image_id"),
           .delivery = row.text("delivery"),
           .state = state_from<TargetState>(kTargetStates, row.text("state")),
           .detail = row.text("detail"),
           .updated_at = row.text("updated_at"),
           .unit = row.text("unit"),
           .launch_templates = parse_json(row.text("launch_templates"), "image_targets")
                                   .get<std::vector<std::string>>()});
    }
  });
  return targets;
}

}  // namespace

std::vector<ImageTarget> list_targets(db::Database& database, const std::string& run_id) {
  return select_targets(database, " order by account_id, region", {{"run_id", run_id}});
}

std::optional<ImageTarget> find_target(db::Database& database, const std::string& run_id,
                                       const cloud::Place& place) {
  std::vector<ImageTarget> targets = select_targets(
      database, " and account_id = :account_id and region = :region",
      {{"run_id", run_id}, {"account_id", place.account_id}, {"region", place.region}});
  if (targets.empty()) return std::nullopt;
  return targets.front();
}

void record_assessment(db::Database& database, const std::string& run_id,
                       const AssessmentRecord& record) {
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "insert into assessments (assessment_id, image_run_id, purpose, assessed_at, completeness,"
        " finding_count, gap_count, assessment_digest, assessment) values (:assessment_id, :run_id,"
        " :purpose, :assessed_at, :completeness, :finding_count, :gap_count, :digest, :assessment)"
        " on conflict (assessment_id) do nothing",
        {{"assessment_id", record.assessment_id},
         {"run_id", run_id},
         {"purpose", record.purpose},
         {"assessed_at", record.assessed_at},
         {"completeness", std::string(model::to_string(record.assessment.completeness))},
         {"finding_count", static_cast<std::int64_t>(record.assessment.findings.size())},
         {"gap_count", static_cast<std::int64_t>(record.assessment.gaps.size())},
         {"digest", record.digest},
         {"assessment", compact(record.assessment)}});
  });
}

std::vector<AssessmentRecord> list_assessments(db::Database& database, const std::string& run_id) {
  std::vector<AssessmentRecord> records;
  database.read([&](db::Connection& connection) {
    records.clear();
    for (const db::Row& row :
         connection.query("select * from assessments where image_run_id = :run_id"
                          " order by assessed_at, assessment_id",
                          {{"run_id", run_id}})) {
      records.push_back({.assessment_id = row.text("assessment_id"),
                         .purpose = row.text("purpose"),
                         .assessed_at = row.text("assessed_at"),
                         .digest = row.text("assessment_digest"),
                         .assessment = parse_json(row.text("assessment"), "assessments.assessment")
                                           .get<model::Assessment>()});
    }
  });
  return records;
}

void record_decision(const Context& context, const std::string& run_id, const Decision& decision) {
  const std::string verdict = decision.approve ? "approve" : "reject";
  context.audit.append([&](db::Connection& connection) {
    connection.execute(
        "insert into decisions (image_run_id, approver, decision, comment, evidence_digest,"
        " decided_at, proof) values (:run_id, :approver, :decision, :comment, :evidence_digest,"
        " :decided_at, :proof)"
        " on conflict (image_run_id, approver, evidence_digest) do nothing",
        {{"run_id", run_id},
         {"approver", decision.approver},
         {"decision", verdict},
         {"comment", decision.comment},
         {"evidence_digest", decision.evidence_digest},
         {"decided_at", decision.decided_at},
         {"proof", compact(decision.proof)}});
    return std::optional<audit::Event>(
        {.token = "decision/" + run_id + "/" + decision.approver + "/" + decision.evidence_digest,
         .actor = decision.approver,
         .action = "decision." + verdict,
         .subject = run_id,
         .detail = decision});
  });
}

std::vector<Decision> list_decisions(db::Database& database, const std::string& run_id) {
  std::vector<Decision> decisions;
  database.read([&](db::Connection& connection) {
    decisions.clear();
    for (const db::Row& row : connection.query(
             "select * from decisions where image_run_id = :run_id order by decided_at, approver",
             {{"run_id", run_id}})) {
      decisions.push_back({.approver = row.text("approver"),
                           .approve = row.text("decision") == "approve",
                           .comment = row.text("comment"),
                           .evidence_digest = row.text("evidence_digest"),
                           .decided_at = row.text("decided_at"),
                           .proof = parse_json(row.text("proof"), "decisions.proof")});
    }
  });
  return decisions;
}

void to_json(Json& json, const GoldenImage& value) {
  json = {{"image_key", value.image_key},
          {"product", value.product},
          {"os", value.os},
          {"version", value.version},
          {"state", to_string(value.state)},
          {"state_reason", value.state_reason},
          {"image_id", value.image_id},
          {"account_id", value.home.account_id},
          {"region", value.home.region},
          {"source_image_id", value.source_image_id},
          {"run_id", value.run_id},
          {"requested_by", value.requested_by},
          {"evidence_digest", value.evidence_digest},
          {"created_at", value.created_at},
          {"updated_at", value.updated_at},
          {"state_since", value.state_since},
          {"kept_until", value.kept_until}};
}

void to_json(Json& json, const ImageTarget& value) {
  json = {{"account_id", value.place.account_id}, {"region", value.place.region},
          {"image_id", value.image_id},           {"delivery", value.delivery},
          {"state", to_string(value.state)},      {"detail", value.detail},
          {"updated_at", value.updated_at}};
  if (!value.unit.empty()) json["unit"] = value.unit;
  if (!value.launch_templates.empty()) json["launch_templates"] = value.launch_templates;
}

void from_json(const Json& json, ImageTarget& value) {
  value.place = {member<std::string>(json, "account_id"), member<std::string>(json, "region")};
  value.image_id = member<std::string>(json, "image_id");
  value.delivery = member<std::string>(json, "delivery");
  value.state = state_from<TargetState>(kTargetStates, member<std::string>(json, "state"));
  value.detail = member<std::string>(json, "detail");
  value.updated_at = member<std::string>(json, "updated_at");
  value.unit = json.value("unit", "");
  value.launch_templates = json.value("launch_templates", std::vector<std::string>{});
}

void to_json(Json& json, const Decision& value) {
  json = {{"approver", value.approver},     {"approve", value.approve},
          {"comment", value.comment},       {"evidence_digest", value.evidence_digest},
          {"decided_at", value.decided_at}, {"proof", value.proof}};
}

void from_json(const Json& json, Decision& value) {
  value.approver = member<std::string>(json, "approver");
  value.approve = member<bool>(json, "approve");
  value.comment = member<std::string>(json, "comment");
  value.evidence_digest = member<std::string>(json, "evidence_digest");
  value.decided_at = member<std::string>(json, "decided_at");
  value.proof = member<Json>(json, "proof");
}

}  // namespace hallmark::pipeline
