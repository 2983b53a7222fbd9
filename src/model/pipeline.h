#pragma once
/// What golden.yaml says, as plain structs with defaults. Loading and checking: pipeline_file.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/catalog_offer.h"
#include "model/policy.h"

namespace hallmark::model {

/// Exactly one of the first four is set.
struct SourceRef {
  std::string image_id;      ///< "ami-..."
  std::string name;          ///< its name, or a pattern of names (* and ?): the newest is taken
  std::string golden_image;  ///< "product/os" (its newest active version) or "product/os/version"
  std::string parameter;     ///< name of a parameter that holds an image id: "/aws/service/..."
  // With `name` only.
  std::vector<std::string> owners;      ///< "self", "amazon", "aws-marketplace", account ids; none:
                                        ///< ourselves and whoever shares images with us
  std::string architecture = "x86_64";  ///< of the image
};

enum class BuildMode { offline, boot };

struct BuildOptions {
  BuildMode mode = BuildMode::offline;
  std::string machine_size;         ///< empty: the cloud's default
  std::string region;               ///< empty: the first region of the cloud
  Duration deadline{2 * 3600'000};  ///< builder and test machine switch themselves off then
  /// By then a machine must be reachable. A minimal guest takes 20 s under emulation on two cores;
  /// a large one on a busy host needs minutes, and so does one in a public cloud.
  Duration boot_limit{10 * 60'000};
  /// Windows: the last thing done to the builder; else its identity stays in the image.
  bool sysprep = true;
};

/// A script with its text: loaded from a path, fetched from a URL, or written inline.
struct Script {
  std::string name;  ///< where it came from, for people: a path, a URL, or "inline"
  std::string text;
  std::string url;     ///< set if it is still to be fetched; text is empty then
  std::string sha256;  ///< of text; with a URL in golden.yaml it pins the expected content
  Duration time_limit{30 * 60'000};
};

/// Package updates between the two scripts.
struct Updates {
  bool enabled = true;
  bool all = true;                   ///< every package that has an update
  std::vector<std::string> include;  ///< if not all: only these
  std::vector<std::string> exclude;  ///< never these
  // Windows only; packages are then KB numbers, "KB5031364". Empty: any.
  std::vector<std::string> categories;  ///< "Security Updates"
  std::vector<std::string> severities;  ///< "Critical", as Microsoft rates it
  Duration time_limit{60 * 60'000};
};

struct ImageTest {
  std::string name;
  Script script;
};

/// A scanner outside of Hallmark that looks at a machine booted from the candidate.
struct ScannerUse {
  std::string name;                ///< as config.yaml has it
  Duration deadline{60 * 60'000};  ///< from launch to the scan's end
};

enum class Delivery {
  share,  ///< the region's copy stays ours and the account may launch it
  copy,   ///< the account gets a copy that it owns
};

/// A launch template that gets a version with the image.
struct TemplateUse {
  std::string name;
  bool set_default = false;  ///< machines are launched from the newest active version's image then
  bool operator==(const TemplateUse&) const = default;
};

struct Target {
  std::string account_id;
  std::vector<std::string> regions;
  Delivery delivery = Delivery::share;
  std::string role_name;  ///< empty: goldenAMICrossAccountRole
  std::string external_id;
  std::string unit = {};  ///< instead of account_id: an organization or a unit of it, by its ARN
  std::vector<TemplateUse> launch_templates = {};  ///< in each region
};
/// Its account id or its unit.
const std::string& recipient_of(const Target& target);

/// Windows machines launch from snapshots that the cloud has prepared.
struct FastLaunch {
  int snapshots = 0;  ///< kept ready in each region; 0: as the cloud has it
  /// By region, the launch template that says where they are prepared; else the default network.
  std::map<std::string, std::string> launch_templates;
};

/// What is set on the image and on each of its copies.
struct ImageSettings {
  /// By region: what encrypts the copies there. In other regions: what the cloud is set up with.
  std::map<std::string, std::string> kms_keys;
  bool imds_v2_only = false;  ///< copies of an image that has it have it in any case
  bool is_protected = false;  ///< nobody can remove it but who decommissions it here
  std::optional<Duration>
      deprecate_after;                  ///< since it was asked for; its consumers are warned then
  std::optional<Duration> copy_within;  ///< each copy is to be done by then, which costs more
  std::optional<FastLaunch> fast_launch;
  bool watermark = false;  ///< marks the image, and whatever is made from it, with its key
};

/// When versions of a product and OS go. The newest version's word counts for all of them, and it
/// stays in any case. Nothing set: none goes by itself.
struct Retention {
  std::optional<int> keep_versions;  ///< so many of the newest versions are not deprecated
  std::optional<Duration> max_age;   ///< older ones are deprecated
  bool when_gate_fails = false;      ///< those whose newest assessment fails the gate, too
  Duration disable_after{30 * 24 * 3600'000LL};  ///< deprecated for so long, a version is disabled
  Duration decommission_after{30 * 24 *
                              3600'000LL};  ///< disabled for so long, it is decommissioned
};

/// What reassessing an active version may start by itself.
struct ReassessmentPolicy {
  /// The gate holds a finding against the newest version that it did not before, and there is a
  /// fix: the next version is built, and waits for approval as any.
  bool rebuild_on_finding = false;
};

/// What is read from an image's disk.
struct InventorySettings {
  bool languages = true;  ///< packages of programming languages too
};

struct Pipeline {
  std::string product;  ///< "ProductName-ProductVersion"
  std::string os;       ///< "OSName-OSVersion"
  std::string version;
  std::string description;
  SourceRef source;
  BuildOptions build;
  std::optional<Script> pre_update;
  std::optional<Script> post_update;
  /// For all scripts. Values of secrets are read from the environment by name when a run needs them
  /// and are never stored.
  std::map<std::string, std::string> environment;
  std::vector<std::string> secrets;
  Updates updates;
  std::vector<ImageTest> tests;
  std::vector<ScannerUse> scanners;
  Gate gate;
  ApprovalPolicy approval;
  std::vector<Target> targets;
  ImageSettings image;
  Retention retention;
  std::optional<CatalogOffer> catalog;  ///< nothing: it is in no catalog
  ReassessmentPolicy reassessment;
  InventorySettings inventory;
  std::map<std::string, std::string> tags;
};

/// "{product}-{os}-{version}", the image's name in the cloud.
std::string image_name(const Pipeline& pipeline);
/// "{product}/{os}/{version}", the image's name in Hallmark.
std::string image_key(const Pipeline& pipeline);

void to_json(Json& json, const TemplateUse& value);
void from_json(const Json& json, TemplateUse& value);
void to_json(Json& json, const Target& value);
void from_json(const Json& json, Target& value);
/// Complete and stable: what evidence digests cover and runs take as input.
void to_json(Json& json, const Pipeline& value);
void from_json(const Json& json, Pipeline& value);

std::string_view to_string(BuildMode mode);
std::string_view to_string(Delivery delivery);

}  // namespace hallmark::model
