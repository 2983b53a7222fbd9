#pragma once
/// The images of a region: a qcow2 file and a JSON sidecar each. Safe between threads and
/// processes.
///
/// While an image is being made its maker holds the lock `locks/<image id>.lock`, which the kernel
/// frees when the process dies. A pending sidecar whose lock is free is therefore debris of a
/// killed process: it is not shown, the next creating call clears it away, and the same token
/// starts over.

#include <functional>
#include <stop_token>

#include "base/json.h"
#include "cloud/libvirt/store_layout.h"
#include "cloud/organizations.h"

namespace hallmark::cloud::libvirt {

struct ImageRecord {
  Image image;
  std::vector<std::string> shares;  ///< accounts and units, sorted
};

Json to_json(const ImageRecord& record);
/// Throws `corrupt`.
ImageRecord image_record_from(const Json& json);

class ImageStore {
 public:
  ImageStore(StoreLayout layout, Clock& clock, UnitList units = {})
      : layout_(std::move(layout)), clock_(clock), units_(std::move(units)) {}

  /// Creates the image unless the token has made it already. `make` writes the disk to the given
  /// path and may fill in members of the image.
  std::string create(const Place& place, const ImageSpec& spec, const std::string& token,
                     std::stop_token stop,
                     const std::function<void(const Path& file, Image& image)>& make);

  /// What place.account_id owns or was given a share of.
  std::optional<ImageRecord> find(const Place& place, const std::string& image_id) const;
  std::vector<Image> list(const Place& place, const ImageFilter& filter) const;
  Path file(const Place& place, const std::string& image_id) const;
  /// As find, but throws `not_found`, and `unavailable` unless the image is available.
  ImageRecord require_available(const Place& place, const std::string& image_id) const;

  /// Changes the sidecar under the region's lock. Throws `not_found`, `denied` if not the owner.
  void change(const Place& place, const std::string& image_id,
              const std::function<void(ImageRecord&)>& change);
  ImageRecord require_owned(const Place& place, const std::string& image_id) const;
  void remove(const Place& place, const std::string& image_id);

 private:
  Path sidecar(const Place& place, const std::string& image_id) const;
  std::vector<ImageRecord> read_all(const Place& place) const;
  std::optional<ImageRecord> read(const Place& place, const std::string& image_id) const;
  bool is_visible(const ImageRecord& record, const std::string& account_id) const;
  bool is_debris(const Place& place, const ImageRecord& record) const;
  void clear_debris(const Place& place, const std::string& except_id);
  void reserve(const Place& place, const ImageRecord& record);

  StoreLayout layout_;
  Clock& clock_;
  UnitList units_;
};

}  // namespace hallmark::cloud::libvirt
