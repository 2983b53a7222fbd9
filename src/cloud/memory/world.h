#pragma once
/// A small, eventually consistent cloud for tests: not a mock but a world in which things take a
/// while, calls are throttled, room runs out and answers get lost. It outlives the MemoryCloud
/// objects that look at it, as a real cloud outlives the processes that call it.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "cloud/memory/world_state.h"

namespace hallmark::cloud {

/// How a command ends: `finished` or `timed_out` with all its output, or `running` if it hangs
/// (until its time limit, a cancel, or the end of its machine). Called without any lock of the
/// world.
using CommandExecutor = std::function<CommandStatus(const Machine&, const CommandSpec&)>;

/// Finishes with exit code 0 and the script's text as output.
CommandStatus echo_script(const Machine& machine, const CommandSpec& spec);

/// The key that this cloud manages by itself: what it encrypts cannot be shared.
inline constexpr const char* kManagedKey = "alias/aws/ebs";

struct MemoryOptions {
  std::string account_id = "111122223333";
  std::vector<std::string> regions = {"eu-west-1", "us-east-1", "us-west-2"};
  bool offline_builds = true;
  Duration settle_time{0};

  // A look is a call that asks for one thing by its id or would list it.
  int find_lag = 0;         ///< looks for which a new thing cannot be found
  int ready_looks = 0;      ///< looks, once found, that see an image or machine `pending`
  Duration ready_after{0};  ///< and how long it stays `pending` at least
  int boot_looks = 0;       ///< looks at a running machine until it is reachable
  int stop_looks = 0;       ///< looks at a stopping machine until it is stopped
  int command_looks = 0;    ///< reads of a command that see it running, with a part of its output

  /// At most this many calls a second over a bucket of `call_burst`, else `throttled`; 0: no limit.
  double calls_per_second = 0;
  double call_burst = 10;
  /// Those that there are beside kManagedKey. With any other, copies fail.
  std::set<std::string> keys;
  ImageAbilities abilities = {true, true, true, true, true};
  int archive_looks = 0;      ///< looks at an archive that see it being stored
  int fast_launch_looks = 0;  ///< looks at fast launch until a change of it is done
  /// What check_key says of a key; of others that there is nothing wrong.
  std::map<std::string, KeyCheck> key_checks;
  /// Those of `keys` whose policy lets whole units use them.
  std::set<std::string> open_keys;
  /// Copies into a region that may be pending at once; one more is `throttled`. 0: no limit.
  int copies_at_once = 0;
  /// Machines that are on, per region; one more is `unavailable`.
  std::optional<int> machine_capacity;

  CommandExecutor execute = echo_script;
  /// The disk that an image made of this machine has; nothing: that of the machine's image.
  std::function<std::optional<Path>(const Machine&)> captured_disk;

  /// If set, the world is read from this file before each call and written after each change, under
  /// a lock between processes, so that a test may end a process anywhere. Disks lie beside it.
  Path state_file;
};

/// Whether an injected failure keeps the call from happening, or only its answer from arriving.
enum class FailureMoment { before, after };

class MemoryWorld {
 public:
  explicit MemoryWorld(Clock& clock, MemoryOptions options = {});

  /// The nth call from now (1: the next) of this operation, named as the function, throws `error`.
  void fail(std::string operation, int nth, Error error,
            FailureMoment moment = FailureMoment::before);
  /// Every call in the account throws `error`: it has no role for us, or is closed.
  void refuse_account(std::string account_id, Error error);
  /// The next image made ends in state `failed`.
  void fail_next_image(std::string reason);
  void set_machine_capacity(std::optional<int> capacity);
  /// Makes an image another one than import_image makes: another platform, owner or date. Throws
  /// `not_found`.
  void change_image(const std::string& image_id, const std::function<void(Image&)>& change);
  /// As if it had one more volume, which was made with this key. Throws `not_found`.
  void encrypt_image(const std::string& image_id, const std::string& key_id);
  /// What list_image_uses gives there from now on, in this process.
  void set_image_uses(const Place& place, std::vector<ImageUse> uses);
  /// A snapshot that belongs to no image.
  void leave_snapshot(const Place& place, const LooseSnapshot& snapshot);
  /// Makes the organization another one.
  void change_units(const std::function<void(UnitList&)>& change);
  UnitList units();
  /// A launch template with one version. Returns its id, the same each time.
  std::string make_template(const Place& place, const std::string& name,
                            const std::string& image_id);
  /// As if the hypervisor had pulled the plug. Throws `not_found`.
  void power_off(const std::string& machine_id);

  /// How often the operation changed something; repeated calls with one token count once.
  int effects(std::string_view operation);
  /// How often it was called.
  int calls(std::string_view operation);
  /// One line for each image, machine (unless terminated), parameter, grant of a key, archive, fast
  /// launch and loose snapshot that still exists, sorted.
  std::vector<std::string> leftovers();

  Clock& clock() { return clock_; }
  const MemoryOptions& options() const { return options_; }
  Path disk_path(const std::string& disk) const { return files_ / "disks" / disk; }
  /// What the command has written, also by an executor of another process.
  std::string output_of(const std::string& command_id) const;
  void keep_output(const std::string& command_id, std::string_view output);

  /// One call in the world: holds the locks, and writes the state if it was changed.
  class Call {
   public:
    WorldState& state() { return world_.state_; }
    /// The state will be written, and counts as an effect of the call if `effect`.
    void changed(bool effect = true);
    /// Ends the call. Throws what was planned with FailureMoment::after.
    void done();
    TimePoint now() const { return world_.clock_.now(); }

   private:
    friend class MemoryWorld;
    Call(MemoryWorld& world, std::string operation);
    MemoryWorld& world_;
    std::string operation_;
    std::unique_lock<std::mutex> lock_;
    std::optional<FileLock> file_lock_;
    std::optional<Error> late_failure_;
    bool dirty_ = false;
  };
  /// Throws `usage` for a place that is none, `throttled`, and what was planned with `fail`.
  Call enter(std::string operation, const Place& place);
  /// What the world does by itself: not counted, not throttled, not failing.
  Call enter();

  // Within a call: what a look sees. They count it and move the thing on.
  std::optional<Image> look_at(Call& call, MemoryImage& record, const Place& place);
  std::optional<Machine> look_at(Call& call, MemoryMachine& record, const Place& place);
  /// Stops or ends it, with everything that runs in it.
  void switch_off(Call& call, MemoryMachine& record, MachineState state, std::string reason);
  /// Copies a disk file into the world and returns its name there.
  std::string keep_disk(const Path& file);
  void drop_unused_disks(Call& call);
  const std::vector<ImageUse>& image_uses(const Place& place) { return image_uses_[place]; }
  std::string take_image_failure();

 private:
  struct PlannedFailure {
    int calls_left;
    Error error;
    FailureMoment moment;
  };

  void load();
  void save();
  void throttle();
  void pass_deadlines(Call& call);
  std::optional<Error> planned_failure(const std::string& operation);

  Clock& clock_;
  MemoryOptions options_;
  std::mutex mutex_;
  WorldState state_;
  // What the file says, as it was last read or written: to parse it for each call takes longest.
  WorldState kept_;
  std::optional<std::string> kept_text_;
  std::optional<TempDir> own_directory_;
  Path files_;
  std::multimap<std::string, PlannedFailure> failures_;
  std::map<std::string, Error> refused_;
  std::string image_failure_;
  std::map<Place, std::vector<ImageUse>> image_uses_;
  std::map<std::string, int, std::less<>> calls_;
  double bucket_;
  TimePoint bucket_filled_;
};

}  // namespace hallmark::cloud
