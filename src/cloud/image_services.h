#pragma once
/// What only some clouds can do with images, beside cloud.h: keep them in buckets, launch them
/// faster, mark them for good, tell beforehand whether a key can be used, and list what images have
/// left behind. The rules at the top of cloud.h hold here too.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::cloud {

/// A call of a group that the cloud has not throws `usage`.
struct ImageAbilities {
  bool archives = false;
  bool fast_launch = false;
  bool watermarks = false;
  bool key_checks = false;
  bool loose_snapshots = false;
};

// --- archives -----------------------------------------------------------------------------------

enum class ArchiveState { absent, storing, stored, failed };

/// An image as one object in a bucket of its region: AWS's "store image task". The embedded cloud's
/// bucket is a directory.
struct ArchivedImage {
  ArchiveState state = ArchiveState::absent;
  std::string reason;  ///< why it failed, from the cloud
  int percent = 0;     ///< of what is to be stored
};

// --- fast launch --------------------------------------------------------------------------------

/// Windows machines launch from snapshots that the cloud has prepared: EC2's fast launch.
struct FastLaunch {
  int snapshots = 0;            ///< kept ready; 0: as the cloud has it
  std::string launch_template;  ///< its name: where they are prepared; empty: the default network
};
enum class FastLaunchState { off, enabling, on, disabling, failed };
struct FastLaunchStatus {
  FastLaunchState state = FastLaunchState::off;
  std::string reason;  ///< why it failed, from the cloud
};

// --- keys ---------------------------------------------------------------------------------------

/// Whether our account may encrypt copies with a key, and let others use it.
struct KeyCheck {
  std::string key_id;                 ///< empty: nothing is encrypted with a key of ours there
  std::vector<std::string> problems;  ///< one sentence each
  /// As it has to be in the key's policy, JSON to paste; empty: it lacks none.
  std::string missing_statement;
  std::string unread;  ///< what may not be looked at, and why; the rest was
};

// --- snapshots ----------------------------------------------------------------------------------

/// A snapshot of ours that belongs to no image.
struct LooseSnapshot {
  std::string snapshot_id;
  Tags tags;
  TimePoint created_at{};
};

class ImageServices {
 public:
  virtual ~ImageServices() = default;
  virtual ImageAbilities abilities() const = 0;

  /// Begins to store the image and says the object's name. Fine if it is stored or begun. Throws
  /// `not_found`, `denied`, `throttled` (too much is being stored).
  virtual std::string archive_image(const Place& place, const std::string& image_id,
                                    const std::string& bucket, const Tags& tags) = 0;
  virtual ArchivedImage find_archive(const Place& place, const std::string& image_id,
                                     const std::string& bucket, const std::string& object) = 0;
  /// An image of what is stored, with the tags it had and those of `spec`. Throws `not_found`,
  /// `denied`, `conflict` if the name is taken by an image made with another token.
  virtual std::string unarchive_image(const Place& place, const std::string& bucket,
                                      const std::string& object, const ImageSpec& spec,
                                      const std::string& token, std::stop_token stop) = 0;
  /// With all its versions. `object` empty: the one that archive_image names. Fine if there is
  /// none. Throws `unavailable` while it is being stored.
  virtual void remove_archive(const Place& place, const std::string& image_id,
                              const std::string& bucket, const std::string& object) = 0;

  virtual FastLaunchStatus find_fast_launch(const Place& place, const std::string& image_id) = 0;
  virtual void enable_fast_launch(const Place& place, const std::string& image_id,
                                  const FastLaunch& wanted) = 0;
  /// Ask find_fast_launch when it is off. Fine if it is.
  virtual void disable_fast_launch(const Place& place, const std::string& image_id) = 0;

  /// Goes on to whatever is made from the image, in any account and region; see Image::watermarks.
  /// Repeating is success. Only the owner may: `denied`.
  virtual void watermark_image(const Place& place, const std::string& image_id,
                               const std::string& name) = 0;

  /// `key_id` empty: the one the cloud is set up with. `to_share`: others are to use it too.
  virtual KeyCheck check_key(const Place& place, const std::string& key_id, bool to_share) = 0;

  /// With all of these tag keys.
  virtual std::vector<LooseSnapshot> list_loose_snapshots(const Place& place,
                                                          const TagKeys& tag_keys) = 0;
  virtual void remove_loose_snapshot(const Place& place, const std::string& snapshot_id) = 0;

  /// A completed snapshot as a disk, as Cloud::open_image. Throws `usage` on a cloud whose disks
  /// have no snapshots.
  virtual std::unique_ptr<disk::BlockReader> open_snapshot(const Place& place,
                                                           const std::string& snapshot_id);
};

/// Of a cloud that has none of it.
ImageServices& no_image_services();

}  // namespace hallmark::cloud
