#pragma once
/// What Hallmark asks of a cloud. Small groups; every implementation passes the contract suite in
/// cloud/contract.h. Retrying, limiting, logging and failing on purpose are wrappers
/// (cloud/hooks/), never parameters.
///
/// Common rules, for every call of every group:
///  - `place` says in which account and region the call acts.
///  - Creating calls take a `token`: calling again with the same token returns the thing made the
///    first time and makes nothing new, also from another process after a crash.
///  - Creating calls tag the thing in the same call, so that nothing ever exists untagged.
///  - Creating calls may return before the thing is ready: look at its state.
///  - A `find` right after a create may return nothing for a while (eventual consistency).
///  - `remove` of what is gone, or of what is going, is success.
///  - Calls block and are safe from several threads. They throw Error: `not_found`, `denied`,
///    `conflict`, `throttled` (try later), `unavailable` (try later), `usage`, `corrupt`,
///    `cancelled` if `stop` is requested.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "disk/block_reader.h"

namespace hallmark::cloud {

/// An account in a region: where a thing lives, and what a distribution is aimed at.
struct Place {
  std::string account_id;  ///< 12 digits
  std::string region;      ///< "us-east-1"
  auto operator<=>(const Place&) const = default;
};
std::string to_string(const Place& place);  ///< "111122223333/us-east-1"

using Tags = std::map<std::string, std::string>;
using TagKeys = std::vector<std::string>;

// --- images -------------------------------------------------------------------------------------

enum class ImageState { pending, available, failed, disabled };

/// What runs in an image, as far as commands care.
enum class Platform { linux, windows };

struct Image {
  std::string image_id;  ///< "ami-0123456789abcdef0"
  std::string name;      ///< unique per owner and region
  std::string description;
  ImageState state = ImageState::pending;
  std::string state_reason;  ///< why it failed, from the cloud
  std::string owner_id;      ///< account
  std::string region;
  std::string architecture;             ///< "x86_64"
  std::string source_image_id;          ///< what it was copied or made from; empty if imported
  std::string source_region;            ///< of source_image_id
  std::uint64_t disk_size_bytes = 0;    ///< as the guest sees it
  std::uint64_t stored_size_bytes = 0;  ///< what it takes in storage, 0 if unknown
  Tags tags;
  TimePoint created_at{};
  Platform platform = Platform::linux;
  std::string owner_alias;  ///< "amazon", "aws-marketplace"; empty if the owner has none
  /// Of a marketplace: what has to be subscribed to before the image can be launched.
  std::vector<std::string> product_codes;
  std::optional<TimePoint> deprecated_at;  ///< see Images::deprecate_image
  bool imds_v2_only = false;               ///< see Images::require_imds_v2
  bool is_protected = false;               ///< see Images::protect_image
  bool is_encrypted = false;               ///< any volume of it, see Keys; only the owner is told
  /// "{account}:{name}", sorted: its own and those of what it was made from, see ImageServices.
  std::vector<std::string> watermarks;
};

/// All given members must match.
struct ImageFilter {
  std::optional<std::string> name;
  Tags tags;               ///< each key present with this value
  TagKeys tag_keys;        ///< each key present
  bool owned_only = true;  ///< else also those shared with place.account_id
  /// Instead of `name`: * stands for any characters and ? for one.
  std::optional<std::string> name_pattern;
  /// Whose, instead of `owned_only`: "self", an account id, or an owner_alias. Those that are named
  /// are looked through for public images too.
  std::vector<std::string> owners;
};

struct ImageSpec {
  std::string name;  ///< 3-128 of A-Z a-z 0-9 ( ) [ ] space . / - ' @ _
  std::string description;
  Tags tags;
  /// Of copies: encrypts them. Empty: what the cloud is set up with; what is encrypted stays so.
  std::string kms_key;
  /// Of copies: the cloud has them done by then, see check_copy_within. Nothing: when it can.
  std::optional<Duration> copy_within;
};

class Images {
 public:
  virtual ~Images() = default;
  /// An image from a disk file (raw or qcow2). Throws `corrupt` if the file is not a readable disk,
  /// `conflict` if the name is taken by an image made with another token.
  virtual std::string import_image(const Place& place, const Path& file, const ImageSpec& spec,
                                   const std::string& token, std::stop_token stop) = 0;
  /// An image of a stopped machine's disk. Throws `conflict` if the machine is not stopped or the
  /// name is taken.
  virtual std::string create_image(const Place& place, const std::string& machine_id,
                                   const ImageSpec& spec, const std::string& token,
                                   std::stop_token stop) = 0;
  /// A copy of `source` (in the same account, region `source_region`, or shared with it) owned by
  /// place.account_id in place.region.
  virtual std::string copy_image(const Place& place, const std::string& source_image_id,
                                 const std::string& source_region, const ImageSpec& spec,
                                 const std::string& token, std::stop_token stop) = 0;
  /// Only what place.account_id owns or was given a share of.
  virtual std::optional<Image> find_image(const Place& place, const std::string& image_id) = 0;
  virtual std::vector<Image> list_images(const Place& place, const ImageFilter& filter) = 0;
  /// From then on the image is not offered to those who look for one; who knows its id goes on
  /// using it. Nothing takes that back, a time that has passed means at once. Kept to the minute.
  /// Only the owner may: `denied`.
  virtual void deprecate_image(const Place& place, const std::string& image_id,
                               std::optional<TimePoint> at) = 0;
  /// Nobody can launch or copy it any more, and its shares end; its storage stays, and machines run
  /// on. Fine if it is disabled. Only the owner may: `denied`. Throws `unavailable` while the image
  /// is pending.
  virtual void disable_image(const Place& place, const std::string& image_id) = 0;
  /// The shares do not come back. Fine if it is enabled.
  virtual void enable_image(const Place& place, const std::string& image_id) = 0;
  /// Machines launched from it answer IMDSv2 alone, unless the launch says otherwise. Nothing takes
  /// that back. Only the owner may: `denied`.
  virtual void require_imds_v2(const Place& place, const std::string& image_id) = 0;
  /// While it is protected nobody can remove it: `conflict`. Only the owner may: `denied`.
  virtual void protect_image(const Place& place, const std::string& image_id, bool on) = 0;
  /// Deregisters it and deletes its storage. Only the owner may: `denied`.
  virtual void remove_image(const Place& place, const std::string& image_id) = 0;
  /// The disk's bytes, read without a machine. Throws `unavailable` while the image is pending.
  virtual std::unique_ptr<disk::BlockReader> open_image(const Place& place,
                                                        const std::string& image_id) = 0;
};

// --- sharing ------------------------------------------------------------------------------------

class Sharing {
 public:
  virtual ~Sharing() = default;
  /// Lets an account, or all accounts of a unit (cloud/organizations.h), launch and see the image.
  /// An account can copy it too. Repeating is success. Only the owner may.
  virtual void share_image(const Place& place, const std::string& image_id,
                           const std::string& recipient) = 0;
  virtual void unshare_image(const Place& place, const std::string& image_id,
                             const std::string& recipient) = 0;
  /// Accounts and units, sorted. Only the owner may ask.
  virtual std::vector<std::string> list_shares(const Place& place, const std::string& image_id) = 0;
};

// --- keys ---------------------------------------------------------------------------------------

/// What encrypts an image's storage.
struct ImageKey {
  std::string key_id;          ///< "arn:aws:kms:us-east-1:111122223333:key/..."
  bool can_be_shared = false;  ///< not the one that the cloud manages by itself for the account
};

/// An encrypted image can be launched and copied only by who may use its keys: each of its volumes
/// may have one. A grant says so for one key, image and account.
class Keys {
 public:
  virtual ~Keys() = default;
  /// Of all its volumes, sorted; none: it is not encrypted. Only the owner may ask: `denied`.
  virtual std::vector<ImageKey> find_image_keys(const Place& place,
                                                const std::string& image_id) = 0;
  /// Repeating is success. Throws `denied` with what the key's policy lacks, `not_found`.
  virtual void grant_key(const Place& place, const std::string& key_id, const std::string& image_id,
                         const std::string& account_id) = 0;
  /// Fine if there is no such grant, or no key any more.
  virtual void revoke_key(const Place& place, const std::string& key_id,
                          const std::string& image_id, const std::string& account_id) = 0;
  /// Accounts, sorted.
  virtual std::vector<std::string> list_key_grants(const Place& place, const std::string& key_id,
                                                   const std::string& image_id) = 0;
};

// --- tags ---------------------------------------------------------------------------------------

/// On images and machines alike, told apart by the id's prefix ("ami-", "i-").
class Tagging {
 public:
  virtual ~Tagging() = default;
  /// Adds or overwrites.
  virtual void set_tags(const Place& place, const std::string& resource_id, const Tags& tags) = 0;
  /// Missing keys are fine.
  virtual void remove_tags(const Place& place, const std::string& resource_id,
                           const TagKeys& keys) = 0;
};

// --- machines -----------------------------------------------------------------------------------

enum class MachineState { pending, running, stopping, stopped, terminated, failed };

/// How a builder works on its disk.
enum class MachineKind {
  boot,     ///< a machine that runs the image
  offline,  ///< nothing boots: the disk is mounted and commands run in namespaces on it
};

struct MachineSpec {
  std::string image_id;  ///< must be visible from the place and available
  MachineKind kind = MachineKind::boot;
  std::string machine_size;  ///< "t3.small"; the cloud's own names; empty means its default
  std::string name;
  Tags tags;
  /// The machine switches itself off (and its disk goes with it on clouds that can) at this time,
  /// even if Hallmark never comes back.
  std::optional<TimePoint> deadline;
  bool network = true;
};

struct Machine {
  std::string machine_id;  ///< "i-0123456789abcdef0"
  MachineState state = MachineState::pending;
  std::string state_reason;
  std::string image_id;
  MachineKind kind = MachineKind::boot;
  std::string name;
  std::string account_id;
  std::string region;
  /// "10.0.0.7", for others in its network; empty if none of them can reach it.
  std::string ip;
  bool reachable = false;  ///< commands can be started now (the guest agent answers)
  Tags tags;
  TimePoint launched_at{};
};

struct MachineFilter {
  Tags tags;
  TagKeys tag_keys;
  bool include_terminated = false;
  /// Else Machine::reachable says nothing: of many machines it costs the most to find out.
  bool reachability = true;
};

class Machines {
 public:
  virtual ~Machines() = default;
  /// Throws what keeps launch_machine from ever succeeding with this spec: `not_found`, `denied`
  /// (no permission, a marketplace image that is not subscribed to), `usage`. Makes and costs
  /// nothing. A cloud that cannot tell beforehand says nothing.
  virtual void check_launch(const Place& place, const MachineSpec& spec, std::stop_token stop);
  /// Throws `not_found`/`denied` if the image cannot be used from the place, `unavailable` if there
  /// is no room now (capacity, disk, memory).
  virtual std::string launch_machine(const Place& place, const MachineSpec& spec,
                                     const std::string& token, std::stop_token stop) = 0;
  virtual std::optional<Machine> find_machine(const Place& place,
                                              const std::string& machine_id) = 0;
  virtual std::vector<Machine> list_machines(const Place& place, const MachineFilter& filter) = 0;
  /// Asks for a clean shutdown; poll until `stopped`. Fine if stopped already.
  virtual void stop_machine(const Place& place, const std::string& machine_id) = 0;
  /// Ends the machine and deletes its disk. Fine if it is gone.
  virtual void remove_machine(const Place& place, const std::string& machine_id) = 0;
};

// --- commands in a machine ----------------------------------------------------------------------

struct CommandSpec {
  std::string script;                              ///< run by its own #! line, or by /bin/sh;
                                                   ///< PowerShell on Windows
  std::map<std::string, std::string> environment;  ///< not logged, but whoever may look into the
                                                   ///< cloud's own records of commands may see it
  /// More of the environment, which is seen by the script alone: in no log, record or process list.
  std::map<std::string, std::string> secrets;
  Duration time_limit{};                         ///< then the whole process group is killed
  std::uint64_t output_limit_bytes = 16u << 20;  ///< output past this is dropped and said so
  Platform platform = Platform::linux;           ///< the machine's
};

enum class CommandState {
  running,
  finished,     ///< exit_code is set
  timed_out,    ///< killed at its time limit
  interrupted,  ///< the machine went down under it, and it had not asked for that
};

/// A script that ends with exit code 194 (3010 on Windows) asks for a reboot and is then run again
/// from its start, as AWS Systems Manager does ("Rebooting managed node from scripts"); until then
/// it counts as running.
struct CommandStatus {
  CommandState state = CommandState::running;
  int exit_code = -1;
  std::string output;               ///< stdout and stderr as they came, from the asked offset on
  std::uint64_t output_offset = 0;  ///< ask with this next time
  bool output_truncated = false;
};

class Commands {
 public:
  virtual ~Commands() = default;
  /// Starts it and returns at once. Throws `unavailable` while the machine is not reachable.
  virtual std::string start_command(const Place& place, const std::string& machine_id,
                                    const CommandSpec& spec, const std::string& token) = 0;
  /// Waits up to `wait` for more output or the end, then says how it stands. Another process may
  /// ask about a command that this one never started. Throws `not_found`, `unavailable`.
  virtual CommandStatus read_command(const Place& place, const std::string& machine_id,
                                     const std::string& command_id, std::uint64_t output_offset,
                                     Duration wait, std::stop_token stop) = 0;
  /// Kills it. Fine if it has ended.
  virtual void cancel_command(const Place& place, const std::string& machine_id,
                              const std::string& command_id) = 0;
};

// --- parameters ---------------------------------------------------------------------------------

enum class ParameterKind {
  text,
  image_id,  ///< of an image that the place may use: the cloud checks it, and offers it to launches
};

/// What an advanced parameter of AWS Systems Manager holds (PutParameter, Tier). Past
/// kStandardParameterBytes a parameter is an advanced one, which AWS charges for.
inline constexpr std::size_t kMaxParameterBytes = 8192;
inline constexpr std::size_t kStandardParameterBytes = 4096;

struct Parameter {
  std::string name;  ///< "/GoldenAMI/latest"
  std::string value;
  std::int64_t version = 0;  ///< 1 when created, one more with each put
};

class Parameters {
 public:
  virtual ~Parameters() = default;
  virtual std::optional<Parameter> get_parameter(const Place& place, const std::string& name) = 0;
  /// Writes if the present version is `expected_version` (0: it must not exist), else throws
  /// `conflict`. Returns the new version. Values are not empty and at most kMaxParameterBytes:
  /// `usage`. What the cloud does not take as an image id is `usage` too.
  virtual std::int64_t put_parameter(const Place& place, const std::string& name,
                                     const std::string& value, std::int64_t expected_version,
                                     ParameterKind kind = ParameterKind::text) = 0;
  /// Removes if the present version is `expected_version`, else `conflict`. Fine if it is gone.
  virtual void remove_parameter(const Place& place, const std::string& name,
                                std::int64_t expected_version) = 0;
  /// All whose name starts with `path`, sorted by name.
  virtual std::vector<Parameter> list_parameters(const Place& place, const std::string& path) = 0;
};

// --- what names an image ------------------------------------------------------------------------

/// Something that is no machine and launches machines from an image.
struct ImageUse {
  std::string kind;  ///< "launch template", "auto scaling group"
  std::string id;    ///< "lt-0123456789abcdef0"; a group's name
  std::string name;
  std::string version;   ///< of a launch template
  std::string image_id;  ///< empty if it leaves the image to whoever launches
};

class ImageUses {
 public:
  virtual ~ImageUses() = default;
  /// Launch templates by their default and newest versions, and auto scaling groups by what they
  /// would launch now.
  virtual std::vector<ImageUse> list_image_uses(const Place& place) = 0;
};

// --- all of it ----------------------------------------------------------------------------------

/// Facts that callers and wrappers decide on.
struct Properties {
  std::string name;                  ///< "libvirt"
  std::vector<std::string> regions;  ///< those that can be used
  std::string account_id;            ///< ours, where images are built
  bool offline_builds = false;       ///< MachineKind::offline works
  bool native_tokens = false;        ///< idempotency is the cloud's own
  /// A thing that cannot be found this long after the call that made it was never made.
  Duration settle_time{0};
};

class Cloud : public Images,
              public Sharing,
              public Keys,
              public Tagging,
              public Machines,
              public Commands,
              public Parameters,
              public ImageUses {
 public:
  virtual Properties properties() const = 0;
};

std::string_view to_string(ImageState state);
std::string_view to_string(MachineState state);
std::string_view to_string(MachineKind kind);
std::string_view to_string(CommandState state);
std::string_view to_string(Platform platform);
/// The inverse; throws `corrupt` on an unknown word.
ImageState image_state_from(std::string_view text);
MachineState machine_state_from(std::string_view text);
MachineKind machine_kind_from(std::string_view text);
Platform platform_from(std::string_view text);

/// Throws `usage` unless the name follows EC2's rule for image names (see ImageSpec).
void check_image_name(const std::string& name);
/// Throws `usage` unless it is 15 minutes to 48 hours in steps of 15 minutes, as EC2 has it.
void check_copy_within(Duration within);
/// Throws `usage` unless the name is a path of non-empty parts out of A-Z a-z 0-9 . - _ ("/a/b"),
/// at most 1011 characters and 15 parts, as AWS Systems Manager has it.
void check_parameter_name(const std::string& name);
/// Throws `usage` if the value is empty or longer than kMaxParameterBytes.
void check_parameter_value(const std::string& name, const std::string& value);
/// Throws `usage` unless it is 12 digits.
void check_account_id(const std::string& account_id);
/// Throws `usage` if a variable's name is none, a value or the script holds a NUL, or a limit is
/// negative. A time limit of zero is none.
void check_command(const CommandSpec& spec);
/// Throws `usage` if a filter names an image in two ways, or an owner is neither "self", an account
/// id nor an alias.
void check_image_filter(const ImageFilter& filter);
/// Whether an image's name and owner satisfy a filter; tags are not looked at. `place` is where it
/// was asked.
bool matches_name_and_owner(const Image& image, const ImageFilter& filter, const Place& place);
/// Whether `tags` satisfies a filter's tags and tag_keys.
bool matches(const Tags& tags, const Tags& wanted, const TagKeys& wanted_keys);

}  // namespace hallmark::cloud
