#pragma once
/// The records of golden images: what exists, in which state, where, on what evidence. Writers are
/// idempotent so that a step may repeat them.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cloud/cloud.h"
#include "db/database.h"
#include "model/assessment.h"
#include "pipeline/context.h"

namespace hallmark::pipeline {

enum class GoldenState {
  building,           ///< source to candidate, tests and assessment
  awaiting_approval,  ///< assessed, gate passed
  active,             ///< approved and registered: a golden image
  deprecated,         ///< golden still, but no longer offered: to be replaced
  disabled,           ///< withdrawn: nobody can launch it, but it can be restored
  failed,             ///< a build that came to nothing; its things are removed
  rejected,           ///< gate or approver said no; its things are removed
  decommissioning,
  decommissioned,
};
std::string_view to_string(GoldenState state);
/// The inverse; throws `corrupt`.
GoldenState golden_state_from(const std::string& text);

struct GoldenImage {
  std::string run_id;
  std::string image_key;  ///< "product/os/version"
  std::string product;
  std::string os;
  std::string version;
  GoldenState state = GoldenState::building;
  std::string state_reason;
  cloud::Place home;
  std::string image_id;
  std::string source_image_id;
  std::string requested_by;
  std::string evidence_digest;
  Json pipeline;
  std::string created_at;
  std::string updated_at;
  std::string state_since;  ///< empty for states of before this was recorded
  std::string kept_until;   ///< restored: until then no policy retires it; empty: no such time
};

/// Records the image as `building`. Throws `conflict` if another run holds the version (being
/// built, active, or once active). The audit log is told.
void reserve_version(const Context& context, const GoldenImage& image);
/// Changes what is given; also touches updated_at. A new state goes to the audit log.
struct GoldenImageChange {
  std::optional<GoldenState> state;
  std::optional<std::string> state_reason;
  std::optional<std::string> image_id;
  std::optional<std::string> source_image_id;
  std::optional<std::string> evidence_digest;
  std::optional<std::string> kept_until;
};
void change_image(const Context& context, const std::string& run_id,
                  const GoldenImageChange& change);

/// `reference`: "product/os/version", "product/os" (newest active), an image id in any region, a
/// run id, or the cloud name "product-os-version". Attempts that failed are found by run id only,
/// or by key if nothing better has that key.
std::optional<GoldenImage> find_golden_image(db::Database& database, const std::string& reference);
/// Like find_golden_image, but throws `not_found` with the closest key as hint.
GoldenImage get_golden_image(db::Database& database, const std::string& reference);
/// Newest first; empty states: all.
std::vector<GoldenImage> list_golden_images(db::Database& database,
                                            const std::vector<GoldenState>& states);

enum class TargetState {
  pending,
  available,
  failed,
  disabled,  ///< withdrawn with its image; restoring brings it back
  removed,
};
std::string_view to_string(TargetState state);

struct ImageTarget {
  cloud::Place place;
  std::string image_id;
  std::string delivery;  ///< "home", "regional", "share", "copy"
  TargetState state = TargetState::pending;
  std::string detail;
  std::string updated_at;
  std::string unit = {};                           ///< through which the account has it
  std::vector<std::string> launch_templates = {};  ///< that have a version with it, sorted
};
void record_target(db::Database& database, const std::string& run_id, const ImageTarget& target,
                   TimePoint now);
std::vector<ImageTarget> list_targets(db::Database& database, const std::string& run_id);
std::optional<ImageTarget> find_target(db::Database& database, const std::string& run_id,
                                       const cloud::Place& place);

inline constexpr const char* kReassessmentPurpose = "reassessment";
inline constexpr const char* kRescanPurpose = "rescan";  ///< an outside scanner's

struct AssessmentRecord {
  std::string assessment_id;
  std::string purpose;  ///< "candidate", "source", kReassessmentPurpose, kRescanPurpose
  std::string assessed_at;
  std::string digest;
  model::Assessment assessment;
};
/// Repeating with the same id is fine.
void record_assessment(db::Database& database, const std::string& run_id,
                       const AssessmentRecord& record);
/// Oldest first.
std::vector<AssessmentRecord> list_assessments(db::Database& database, const std::string& run_id);

struct Decision {
  std::string approver;
  bool approve = false;
  std::string comment;
  std::string evidence_digest;
  std::string decided_at;
  Json proof = {{"kind", "none"}};  ///< see decision.h
};
/// The audit log is told.
void record_decision(const Context& context, const std::string& run_id, const Decision& decision);
std::vector<Decision> list_decisions(db::Database& database, const std::string& run_id);

void to_json(Json& json, const GoldenImage& value);
void to_json(Json& json, const ImageTarget& value);
void from_json(const Json& json, ImageTarget& value);
void to_json(Json& json, const Decision& value);
void from_json(const Json& json, Decision& value);

}  // namespace hallmark::pipeline
