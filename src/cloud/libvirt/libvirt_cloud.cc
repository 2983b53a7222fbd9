#include "cloud/libvirt/libvirt_cloud.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "cloud/libvirt/command_codec.h"
#include "cloud/libvirt/image_files.h"
#include "cloud/libvirt/image_store.h"
#include "cloud/libvirt/machine_store.h"
#include "cloud/libvirt/parameter_store.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;
using libvirt::DiskFacts;
using libvirt::ImageRecord;

// A guard may have to reach into a slow guest; past this it is taken for unreachable.
constexpr Duration kGuardTimeLimit = 60s;
// Between two looks at a command's output.
constexpr Duration kFirstCommandPause = 100ms;
constexpr Duration kLongestCommandPause = 2s;

class LibvirtCloud : public Cloud {
 public:
  LibvirtCloud(const LibvirtCloudConfig& config, const libvirt::StoreLayout& layout, Clock& clock)
      : config_(config),
        layout_(layout),
        clock_(clock),
        images_(layout, clock, config.units),
        machines_(layout, config.guard_command, config.uris, clock),
        parameters_(layout) {}

  // Images
  std::string import_image(const Place& place, const Path& file, const ImageSpec& spec,
                           const std::string& token, std::stop_token stop) override {
    return images_.create(place, spec, token, stop, [&](const Path& target, Image& image) {
      DiskFacts facts = libvirt::inspect_disk(file, stop);
      image.disk_size_bytes = facts.disk_size_bytes;
      if (facts.compressed) {
        libvirt::require_space(target.parent_path(), std::filesystem::file_size(file));
        libvirt::copy_disk_file(file, target, stop);
      } else {
        libvirt::compress_disk(file, facts.format, target, stop);
      }
    });
  }

  std::string create_image(const Place& place, const std::string& machine_id, const ImageSpec& spec,
                           const std::string& token, std::stop_token stop) override {
    return images_.create(place, spec, token, stop, [&](const Path& target, Image& image) {
      auto disk = machines_.stopped_disk(place, machine_id);
      image.source_image_id = disk.image_id;
      image.source_region = place.region;
      libvirt::compress_disk(disk.file, disk.format, target, stop);
      image.disk_size_bytes = libvirt::inspect_disk(target, stop).disk_size_bytes;
    });
  }

  std::string copy_image(const Place& place, const std::string& source_image_id,
                         const std::string& source_region, const ImageSpec& spec,
                         const std::string& token, std::stop_token stop) override {
    Place from{place.account_id, source_region};
    return images_.create(place, spec, token, stop, [&](const Path& target, Image& image) {
      ImageRecord source = images_.require_available(from, source_image_id);
      image.source_image_id = source_image_id;
      image.source_region = source_region;
      image.architecture = source.image.architecture;
      image.disk_size_bytes = source.image.disk_size_bytes;
      image.imds_v2_only = source.image.imds_v2_only;
      libvirt::copy_image_file(images_.file(from, source_image_id), target, stop);
    });
  }

  std::optional<Image> find_image(const Place& place, const std::string& image_id) override {
    std::optional<ImageRecord> record = images_.find(place, image_id);
    return record ? std::optional(record->image) : std::nullopt;
  }
  std::vector<Image> list_images(const Place& place, const ImageFilter& filter) override {
    return images_.list(place, filter);
  }
  void deprecate_image(const Place& place, const std::string& image_id,
                       std::optional<TimePoint> at) override {
    if (at) at = std::chrono::floor<std::chrono::minutes>(*at);
    images_.change(place, image_id, [&](ImageRecord& record) { record.image.deprecated_at = at; });
  }
  void disable_image(const Place& place, const std::string& image_id) override {
    images_.change(place, image_id, [&](ImageRecord& record) {
      if (record.image.state == ImageState::pending) {
        throw Error(ErrorKind::unavailable, "image {} is pending", image_id);
      }
      record.image.state = ImageState::disabled;
      record.shares.clear();
    });
  }
  void enable_image(const Place& place, const std::string& image_id) override {
    images_.change(place, image_id, [&](ImageRecord& record) {
      if (record.image.state == ImageState::disabled) record.image.state = ImageState::available;
    });
  }
  void require_imds_v2(const Place& place, const std::string& image_id) override {
    images_.change(place, image_id, [](ImageRecord& record) { record.image.imds_v2_only = true; });
  }
  void protect_image(const Place& place, const std::string& image_id, bool on) override {
    images_.change(place, image_id, [&](ImageRecord& record) { record.image.is_protected = on; });
  }
  void remove_image(const Place& place, const std::string& image_id) override {
    const auto record = images_.find(place, image_id);
    if (record && record->image.owner_id == place.account_id && record->image.is_protected) {
      throw Error(ErrorKind::conflict, "image {} is protected from being removed", image_id);
    }
    images_.remove(place, image_id);
  }
  std::unique_ptr<disk::BlockReader> open_image(const Place& place,
                                                const std::string& image_id) override {
    images_.require_available(place, image_id);
    return disk::open_disk(images_.file(place, image_id));
  }

  // Sharing
  void share_image(const Place& place, const std::string& image_id,
                   const std::string& recipient) override {
    check_recipient(recipient);
    images_.change(place, image_id, [&](ImageRecord& record) {
      if (std::find(record.shares.begin(), record.shares.end(), recipient) == record.shares.end()) {
        record.shares.push_back(recipient);
      }
    });
  }
  void unshare_image(const Place& place, const std::string& image_id,
                     const std::string& recipient) override {
    images_.change(place, image_id,
                   [&](ImageRecord& record) { std::erase(record.shares, recipient); });
  }
  std::vector<std::string> list_shares(const Place& place, const std::string& image_id) override {
    return images_.require_owned(place, image_id).shares;
  }

  // Keys: nothing here is encrypted.
  std::vector<ImageKey> find_image_keys(const Place& place, const std::string& image_id) override {
    images_.require_owned(place, image_id);
    return {};
  }
  void grant_key(const Place& place, const std::string& key_id, const std::string&,
                 const std::string&) override {
    throw Error(ErrorKind::not_found, "there is no key {} in {}", key_id, to_string(place));
  }
  void revoke_key(const Place&, const std::string&, const std::string&,
                  const std::string&) override {}
  std::vector<std::string> list_key_grants(const Place& place, const std::string& key_id,
                                           const std::string&) override {
    throw Error(ErrorKind::not_found, "there is no key {} in {}", key_id, to_string(place));
  }

  // Tagging
  void set_tags(const Place& place, const std::string& resource_id, const Tags& tags) override {
    change_tags(place, resource_id, [&](Tags& present) {
      for (const auto& [key, value] : tags) present[key] = value;
    });
  }
  void remove_tags(const Place& place, const std::string& resource_id,
                   const TagKeys& keys) override {
    change_tags(place, resource_id, [&](Tags& present) {
      for (const std::string& key : keys) present.erase(key);
    });
  }

  // Machines
  std::string launch_machine(const Place& place, const MachineSpec& spec, const std::string& token,
                             std::stop_token stop) override {
    // A repeated launch finds its machine even if the image has gone since.
    bool visible = images_.find(place, spec.image_id).has_value();
    if (!visible) {
      std::string made = libvirt::created_id("i", place, token);
      if (machines_.find(place, made)) return made;
    }
    images_.require_available(place, spec.image_id);
    return machines_.launch(place, spec, images_.file(place, spec.image_id), token, stop);
  }
  std::optional<Machine> find_machine(const Place& place, const std::string& machine_id) override {
    return machines_.find(place, machine_id);
  }
  std::vector<Machine> list_machines(const Place& place, const MachineFilter& filter) override {
    return machines_.list(place, filter);
  }
  void stop_machine(const Place& place, const std::string& machine_id) override {
    machines_.stop(place, machine_id);
  }
  void remove_machine(const Place& place, const std::string& machine_id) override {
    machines_.remove(place, machine_id);
  }

  // Commands
  std::string start_command(const Place& place, const std::string& machine_id,
                            const CommandSpec& spec, const std::string& token) override {
    check_command(spec);
    std::string id = libvirt::created_id("cmd", place, machine_id + "/" + token);
    Json request = libvirt::to_json(spec);
    request["operation"] = "start_command";
    request["command_id"] = id;
    machines_.ask(place, machine_id, request, kGuardTimeLimit);
    return id;
  }

  CommandStatus read_command(const Place& place, const std::string& machine_id,
                             const std::string& command_id, std::uint64_t output_offset,
                             Duration wait, std::stop_token stop) override {
    libvirt::check_command_id(command_id);
    Json request = {{"operation", "read_command"},
                    {"command_id", command_id},
                    {"output_offset", output_offset}};
    TimePoint until = clock_.now() + wait;
    for (Duration pause = kFirstCommandPause;;
         pause = std::min<Duration>(pause * 2, kLongestCommandPause)) {
      if (auto ended = machines_.ended_command(place, machine_id, command_id)) {
        ended->output_offset = output_offset;
        return *ended;
      }
      CommandStatus status =
          libvirt::command_status_from(machines_.ask(place, machine_id, request, kGuardTimeLimit));
      if (status.state != CommandState::running || !status.output.empty()) return status;
      TimePoint now = clock_.now();
      if (now >= until) return status;
      if (!clock_.sleep_until(std::min(until, now + pause), stop)) {
        throw Error(ErrorKind::cancelled, "stopped while reading command {}", command_id);
      }
    }
  }

  void cancel_command(const Place& place, const std::string& machine_id,
                      const std::string& command_id) override {
    libvirt::check_command_id(command_id);
    if (machines_.ended_command(place, machine_id, command_id)) return;
    machines_.ask(place, machine_id, {{"operation", "cancel_command"}, {"command_id", command_id}},
                  kGuardTimeLimit);
  }

  // Parameters
  std::optional<Parameter> get_parameter(const Place& place, const std::string& name) override {
    return parameters_.get(place, name);
  }
  std::int64_t put_parameter(const Place& place, const std::string& name, const std::string& value,
                             std::int64_t expected_version, ParameterKind kind) override {
    if (kind == ParameterKind::image_id) images_.require_available(place, value);
    return parameters_.put(place, name, value, expected_version);
  }
  void remove_parameter(const Place& place, const std::string& name,
                        std::int64_t expected_version) override {
    parameters_.remove(place, name, expected_version);
  }
  std::vector<Parameter> list_parameters(const Place& place, const std::string& path) override {
    return parameters_.list(place, path);
  }

  // Nothing here launches machines by itself.
  std::vector<ImageUse> list_image_uses(const Place&) override { return {}; }

  Properties properties() const override {
    Properties properties;
    properties.name = "libvirt";
    properties.regions = config_.regions;
    properties.account_id = config_.account_id;
    // Mounting a disk takes root.
    properties.offline_builds = ::geteuid() == 0;
    properties.native_tokens = true;
    return properties;
  }

 private:
  void change_tags(const Place& place, const std::string& resource_id,
                   const std::function<void(Tags&)>& change) {
    if (resource_id.starts_with("ami-")) {
      images_.change(place, resource_id, [&](ImageRecord& record) { change(record.image.tags); });
    } else {
      machines_.change_tags(place, resource_id, change);
    }
  }

  LibvirtCloudConfig config_;
  libvirt::StoreLayout layout_;
  Clock& clock_;
  libvirt::ImageStore images_;
  libvirt::MachineStore machines_;
  libvirt::ParameterStore parameters_;
};

}  // namespace

std::unique_ptr<Cloud> make_libvirt_cloud(const LibvirtCloudConfig& config, Clock& clock) {
  auto refuse = [](const std::string& why) {
    throw Error(ErrorKind::usage, "local cloud: {}", why);
  };
  if (config.root.empty()) refuse("its directory is not given");
  check_account_id(config.account_id);
  if (config.regions.empty()) refuse("it has no region");
  for (const std::string& region : config.regions) {
    if (region.empty() ||
        region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos) {
      refuse("\"" + region + "\" is not a region's name");
    }
  }
  for (const auto& [region, uri] : config.uris) {
    if (std::find(config.regions.begin(), config.regions.end(), region) == config.regions.end()) {
      refuse("a URI is given for region \"" + region + "\", which it does not have");
    }
  }
  libvirt::StoreLayout layout{std::filesystem::absolute(config.root).lexically_normal(),
                              config.regions};
  return std::make_unique<LibvirtCloud>(config, layout, clock);
}

}  // namespace hallmark::cloud
