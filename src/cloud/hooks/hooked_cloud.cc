#include "cloud/hooks/hooked_cloud.h"

namespace hallmark::cloud {

HookedCloud::HookedCloud(std::shared_ptr<Cloud> inner, CallHooks hooks)
    : inner_(std::move(inner)), hooks_(std::move(hooks)) {}

// --- images -------------------------------------------------------------------------------------

std::string HookedCloud::import_image(const Place& place, const Path& file, const ImageSpec& spec,
                                      const std::string& token, std::stop_token stop) {
  return forward({.operation = "import_image",
                  .place = place,
                  .subject_id = spec.name,
                  .mutating = true,
                  .stop = stop},
                 [&] { return inner_->import_image(place, file, spec, token, stop); });
}

std::string HookedCloud::create_image(const Place& place, const std::string& machine_id,
                                      const ImageSpec& spec, const std::string& token,
                                      std::stop_token stop) {
  return forward({.operation = "create_image",
                  .place = place,
                  .subject_id = machine_id,
                  .mutating = true,
                  .stop = stop},
                 [&] { return inner_->create_image(place, machine_id, spec, token, stop); });
}

std::string HookedCloud::copy_image(const Place& place, const std::string& source_image_id,
                                    const std::string& source_region, const ImageSpec& spec,
                                    const std::string& token, std::stop_token stop) {
  return forward(
      {.operation = "copy_image",
       .place = place,
       .subject_id = source_image_id,
       .mutating = true,
       .stop = stop},
      [&] { return inner_->copy_image(place, source_image_id, source_region, spec, token, stop); });
}

std::optional<Image> HookedCloud::find_image(const Place& place, const std::string& image_id) {
  return forward({.operation = "find_image", .place = place, .subject_id = image_id},
                 [&] { return inner_->find_image(place, image_id); });
}

std::vector<Image> HookedCloud::list_images(const Place& place, const ImageFilter& filter) {
  return forward({.operation = "list_images", .place = place},
                 [&] { return inner_->list_images(place, filter); });
}

void HookedCloud::deprecate_image(const Place& place, const std::string& image_id,
                                  std::optional<TimePoint> at) {
  forward(
      {.operation = "deprecate_image", .place = place, .subject_id = image_id, .mutating = true},
      [&] { inner_->deprecate_image(place, image_id, at); });
}

void HookedCloud::disable_image(const Place& place, const std::string& image_id) {
  forward({.operation = "disable_image", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->disable_image(place, image_id); });
}

void HookedCloud::enable_image(const Place& place, const std::string& image_id) {
  forward({.operation = "enable_image", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->enable_image(place, image_id); });
}

void HookedCloud::require_imds_v2(const Place& place, const std::string& image_id) {
  forward(
      {.operation = "require_imds_v2", .place = place, .subject_id = image_id, .mutating = true},
      [&] { inner_->require_imds_v2(place, image_id); });
}

void HookedCloud::protect_image(const Place& place, const std::string& image_id, bool on) {
  forward({.operation = "protect_image", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->protect_image(place, image_id, on); });
}

void HookedCloud::remove_image(const Place& place, const std::string& image_id) {
  forward({.operation = "remove_image", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->remove_image(place, image_id); });
}

std::unique_ptr<disk::BlockReader> HookedCloud::open_image(const Place& place,
                                                           const std::string& image_id) {
  return forward({.operation = "open_image", .place = place, .subject_id = image_id},
                 [&] { return inner_->open_image(place, image_id); });
}

// --- sharing and tags ---------------------------------------------------------------------------

void HookedCloud::share_image(const Place& place, const std::string& image_id,
                              const std::string& account_id) {
  forward({.operation = "share_image", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->share_image(place, image_id, account_id); });
}

void HookedCloud::unshare_image(const Place& place, const std::string& image_id,
                                const std::string& account_id) {
  forward({.operation = "unshare_image", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->unshare_image(place, image_id, account_id); });
}

std::vector<std::string> HookedCloud::list_shares(const Place& place, const std::string& image_id) {
  return forward({.operation = "list_shares", .place = place, .subject_id = image_id},
                 [&] { return inner_->list_shares(place, image_id); });
}

std::vector<ImageKey> HookedCloud::find_image_keys(const Place& place,
                                                   const std::string& image_id) {
  return forward({.operation = "find_image_keys", .place = place, .subject_id = image_id},
                 [&] { return inner_->find_image_keys(place, image_id); });
}

void HookedCloud::grant_key(const Place& place, const std::string& key_id,
                            const std::string& image_id, const std::string& account_id) {
  forward({.operation = "grant_key", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->grant_key(place, key_id, image_id, account_id); });
}

void HookedCloud::revoke_key(const Place& place, const std::string& key_id,
                             const std::string& image_id, const std::string& account_id) {
  forward({.operation = "revoke_key", .place = place, .subject_id = image_id, .mutating = true},
          [&] { inner_->revoke_key(place, key_id, image_id, account_id); });
}

std::vector<std::string> HookedCloud::list_key_grants(const Place& place, const std::string& key_id,
                                                      const std::string& image_id) {
  return forward({.operation = "list_key_grants", .place = place, .subject_id = image_id},
                 [&] { return inner_->list_key_grants(place, key_id, image_id); });
}

void HookedCloud::set_tags(const Place& place, const std::string& resource_id, const Tags& tags) {
  forward({.operation = "set_tags", .place = place, .subject_id = resource_id, .mutating = true},
          [&] { inner_->set_tags(place, resource_id, tags); });
}

void HookedCloud::remove_tags(const Place& place, const std::string& resource_id,
                              const TagKeys& keys) {
  forward({.operation = "remove_tags", .place = place, .subject_id = resource_id, .mutating = true},
          [&] { inner_->remove_tags(place, resource_id, keys); });
}

// --- machines and commands ----------------------------------------------------------------------

void HookedCloud::check_launch(const Place& place, const MachineSpec& spec, std::stop_token stop) {
  forward({.operation = "check_launch", .place = place, .subject_id = spec.image_id, .stop = stop},
          [&] { inner_->check_launch(place, spec, stop); });
}

std::string HookedCloud::launch_machine(const Place& place, const MachineSpec& spec,
                                        const std::string& token, std::stop_token stop) {
  return forward({.operation = "launch_machine",
                  .place = place,
                  .subject_id = spec.image_id,
                  .mutating = true,
                  .stop = stop},
                 [&] { return inner_->launch_machine(place, spec, token, stop); });
}

std::optional<Machine> HookedCloud::find_machine(const Place& place,
                                                 const std::string& machine_id) {
  return forward({.operation = "find_machine", .place = place, .subject_id = machine_id},
                 [&] { return inner_->find_machine(place, machine_id); });
}

std::vector<Machine> HookedCloud::list_machines(const Place& place, const MachineFilter& filter) {
  return forward({.operation = "list_machines", .place = place},
                 [&] { return inner_->list_machines(place, filter); });
}

void HookedCloud::stop_machine(const Place& place, const std::string& machine_id) {
  forward({.operation = "stop_machine", .place = place, .subject_id = machine_id, .mutating = true},
          [&] { inner_->stop_machine(place, machine_id); });
}

void HookedCloud::remove_machine(const Place& place, const std::string& machine_id) {
  forward(
      {.operation = "remove_machine", .place = place, .subject_id = machine_id, .mutating = true},
      [&] { inner_->remove_machine(place, machine_id); });
}

std::string HookedCloud::start_command(const Place& place, const std::string& machine_id,
                                       const CommandSpec& spec, const std::string& token) {
  return forward(
      {.operation = "start_command", .place = place, .subject_id = machine_id, .mutating = true},
      [&] { return inner_->start_command(place, machine_id, spec, token); });
}

CommandStatus HookedCloud::read_command(const Place& place, const std::string& machine_id,
                                        const std::string& command_id, std::uint64_t output_offset,
                                        Duration wait, std::stop_token stop) {
  return forward(
      {.operation = "read_command", .place = place, .subject_id = command_id, .stop = stop}, [&] {
        return inner_->read_command(place, machine_id, command_id, output_offset, wait, stop);
      });
}

void HookedCloud::cancel_command(const Place& place, const std::string& machine_id,
                                 const std::string& command_id) {
  forward(
      {.operation = "cancel_command", .place = place, .subject_id = command_id, .mutating = true},
      [&] { inner_->cancel_command(place, machine_id, command_id); });
}

// --- parameters ---------------------------------------------------------------------------------

std::optional<Parameter> HookedCloud::get_parameter(const Place& place, const std::string& name) {
  return forward({.operation = "get_parameter", .place = place, .subject_id = name},
                 [&] { return inner_->get_parameter(place, name); });
}

std::int64_t HookedCloud::put_parameter(const Place& place, const std::string& name,
                                        const std::string& value, std::int64_t expected_version,
                                        ParameterKind kind) {
  // Having written, the same call finds the next version and says `conflict`.
  return forward({.operation = "put_parameter",
                  .place = place,
                  .subject_id = name,
                  .mutating = true,
                  .repeatable = false},
                 [&] { return inner_->put_parameter(place, name, value, expected_version, kind); });
}

void HookedCloud::remove_parameter(const Place& place, const std::string& name,
                                   std::int64_t expected_version) {
  // Having removed, the same call could remove what somebody else has put there since.
  forward({.operation = "remove_parameter",
           .place = place,
           .subject_id = name,
           .mutating = true,
           .repeatable = false},
          [&] { inner_->remove_parameter(place, name, expected_version); });
}

std::vector<Parameter> HookedCloud::list_parameters(const Place& place, const std::string& path) {
  return forward({.operation = "list_parameters", .place = place, .subject_id = path},
                 [&] { return inner_->list_parameters(place, path); });
}

// --- what names an image ------------------------------------------------------------------------

std::vector<ImageUse> HookedCloud::list_image_uses(const Place& place) {
  return forward({.operation = "list_image_uses", .place = place, .subject_id = ""},
                 [&] { return inner_->list_image_uses(place); });
}

}  // namespace hallmark::cloud
