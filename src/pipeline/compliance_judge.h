#pragma once
/// What runs, against what may run: a pure judgement over facts that somebody else has gathered.

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "cloud/cloud.h"
#include "model/exemption_file.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// Worst first.
enum class Verdict {
  non_compliant,
  unknown,     ///< nobody can tell
  superseded,  ///< a newer version is active, not for long yet
  derived,     ///< made from an active golden image, where that is accepted
  exempt,      ///< somebody answers for it
  compliant,   ///< its image id is in /GoldenAMI/latest
};
inline constexpr std::size_t kVerdicts = 6;
std::string_view to_string(Verdict verdict);  ///< "non-compliant", "unknown", ...
/// Whether nothing has to be done about it.
inline bool is_fine(Verdict verdict) { return verdict > Verdict::unknown; }
using VerdictCounts = std::array<std::size_t, kVerdicts>;

/// Something that runs from an image, or launches machines from it.
struct Resource {
  std::string_view kind = kMachine;
  std::string id;
  std::string name;
  std::string version;  ///< of a launch template
  std::string image_id;
  std::string_view state;  ///< of a machine
  cloud::Tags tags;
  std::optional<TimePoint> launched_at;
  std::string launched_by;  ///< as far as its tags say: "auto scaling group web"

  static constexpr std::string_view kMachine = "machine";
  static constexpr std::string_view kLaunchTemplate = "launch template";
  static constexpr std::string_view kAutoScalingGroup = "auto scaling group";
};

/// An image that we made, by the id it has somewhere.
struct OwnImage {
  std::string image_key;
  GoldenState state = GoldenState::active;
  std::string superseded_by;  ///< key of the newest active version, if there is a newer one
  TimePoint superseded_at{};  ///< since when there is a newer active one
};
using OwnImages = std::unordered_map<std::string, OwnImage>;

/// What an image was made from.
struct Descent {
  std::string golden_id;  ///< the nearest that is golden; empty: there is none
  std::string problem;    ///< why it is not known whether there is one
};

struct PlaceFacts {
  cloud::Place place;
  std::unordered_set<std::string> golden;            ///< /GoldenAMI/latest; empty: there is none
  std::string list_problem;                          ///< why the list could not be read
  std::unordered_map<std::string, Descent> descent;  ///< of ids that are not golden here
  std::vector<Resource> resources;
};

struct Facts {
  OwnImages own_images;
  std::vector<model::Exemption> exemptions;
  bool accept_derived = false;
  Duration grace{};  ///< how long a superseded version is fine
  TimePoint now{};
};

/// References point into what PlaceRulings holds.
struct Ruling {
  Verdict verdict;
  const std::string* reason;     ///< one sentence for people
  const std::string* image_key;  ///< of the image, or of the golden one it was made from; may be ""
};

/// One ruling for each resource, in their order. Stays valid when it is moved.
struct PlaceRulings {
  std::vector<Ruling> of;
  VerdictCounts counts{};
  struct ImageRuling {
    Verdict verdict = Verdict::non_compliant;
    std::string reason;
    std::string image_key;
  };
  std::unordered_map<std::string, std::shared_ptr<const ImageRuling>> images;  ///< by image id
  std::unordered_map<const model::Exemption*, std::string> exempt_reasons;
};

/// Whether the exemption's names and patterns fit; says nothing of its end.
bool covers(const model::Exemption& exemption, const cloud::Place& place, const Resource& resource);

/// References must outlive it.
class Judge {
 public:
  explicit Judge(const Facts& facts);
  PlaceRulings judge(const PlaceFacts& place);
  /// Exemptions of what was judged that have ended or will soon.
  std::vector<std::string> warnings() const;

 private:
  struct Bucket {
    std::unordered_map<std::string, std::vector<std::size_t>> of;
  };
  std::shared_ptr<const PlaceRulings::ImageRuling> rule(const PlaceFacts& place,
                                                        const std::string& image_id);
  PlaceRulings::ImageRuling rule_here(const PlaceFacts& place, const std::string& image_id) const;
  PlaceRulings::ImageRuling rule_listed(const std::string& image_id) const;
  PlaceRulings::ImageRuling rule_unlisted(const PlaceFacts& place,
                                          const std::string& image_id) const;
  /// Those whose tag it has; many machines have the same.
  const std::vector<std::size_t>& with_tag(const std::string& key, const std::string& value);
  const model::Exemption* exemption_for(const PlaceFacts& place, const Resource& resource);

  const Facts& facts_;
  /// Each exemption stands in one of them: the narrowest of its names.
  Bucket by_machine_, by_image_, by_tag_, by_account_;
  std::vector<bool> concerned_;
  Bucket by_tag_value_;  ///< by "Team=forensics-1", as far as asked for
  /// What is said of an image in a list is the same everywhere: made once.
  std::unordered_map<std::string, std::shared_ptr<const PlaceRulings::ImageRuling>> listed_;
};

}  // namespace hallmark::pipeline
