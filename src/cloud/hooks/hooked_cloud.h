#pragma once
/// Hooks around any Cloud: one forwarding wrapper for all of them, so that a new call of the
/// interface is forwarded in one place.

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/hooks/call_hook.h"

namespace hallmark::cloud {

/// Forwards to `inner` through all `hooks`, the first one outermost. Readers returned by open_image
/// and properties() go unhooked.
class HookedCloud : public Cloud {
 public:
  HookedCloud(std::shared_ptr<Cloud> inner, CallHooks hooks);

  std::string import_image(const Place& place, const Path& file, const ImageSpec& spec,
                           const std::string& token, std::stop_token stop) override;
  std::string create_image(const Place& place, const std::string& machine_id, const ImageSpec& spec,
                           const std::string& token, std::stop_token stop) override;
  std::string copy_image(const Place& place, const std::string& source_image_id,
                         const std::string& source_region, const ImageSpec& spec,
                         const std::string& token, std::stop_token stop) override;
  std::optional<Image> find_image(const Place& place, const std::string& image_id) override;
  std::vector<Image> list_images(const Place& place, const ImageFilter& filter) override;
  void deprecate_image(const Place& place, const std::string& image_id,
                       std::optional<TimePoint> at) override;
  void disable_image(const Place& place, const std::string& image_id) override;
  void enable_image(const Place& place, const std::string& image_id) override;
  void require_imds_v2(const Place& place, const std::string& image_id) override;
  void protect_image(const Place& place, const std::string& image_id, bool on) override;
  void remove_image(const Place& place, const std::string& image_id) override;
  std::unique_ptr<disk::BlockReader> open_image(const Place& place,
                                                const std::string& image_id) override;

  void share_image(const Place& place, const std::string& image_id,
                   const std::string& account_id) override;
  void unshare_image(const Place& place, const std::string& image_id,
                     const std::string& account_id) override;
  std::vector<std::string> list_shares(const Place& place, const std::string& image_id) override;

  std::vector<ImageKey> find_image_keys(const Place& place, const std::string& image_id) override;
  void grant_key(const Place& place, const std::string& key_id, const std::string& image_id,
                 const std::string& account_id) override;
  void revoke_key(const Place& place, const std::string& key_id, const std::string& image_id,
                  const std::string& account_id) override;
  std::vector<std::string> list_key_grants(const Place& place, const std::string& key_id,
                                           const std::string& image_id) override;

  void set_tags(const Place& place, const std::string& resource_id, const Tags& tags) override;
  void remove_tags(const Place& place, const std::string& resource_id,
                   const TagKeys& keys) override;

  void check_launch(const Place& place, const MachineSpec& spec, std::stop_token stop) override;
  std::string launch_machine(const Place& place, const MachineSpec& spec, const std::string& token,
                             std::stop_token stop) override;
  std::optional<Machine> find_machine(const Place& place, const std::string& machine_id) override;
  std::vector<Machine> list_machines(const Place& place, const MachineFilter& filter) override;
  void stop_machine(const Place& place, const std::string& machine_id) override;
  void remove_machine(const Place& place, const std::string& machine_id) override;

  std::string start_command(const Place& place, const std::string& machine_id,
                            const CommandSpec& spec, const std::string& token) override;
  CommandStatus read_command(const Place& place, const std::string& machine_id,
                             const std::string& command_id, std::uint64_t output_offset,
                             Duration wait, std::stop_token stop) override;
  void cancel_command(const Place& place, const std::string& machine_id,
                      const std::string& command_id) override;

  std::optional<Parameter> get_parameter(const Place& place, const std::string& name) override;
  std::int64_t put_parameter(const Place& place, const std::string& name, const std::string& value,
                             std::int64_t expected_version,
                             ParameterKind kind = ParameterKind::text) override;
  void remove_parameter(const Place& place, const std::string& name,
                        std::int64_t expected_version) override;
  std::vector<Parameter> list_parameters(const Place& place, const std::string& path) override;

  std::vector<ImageUse> list_image_uses(const Place& place) override;

  Properties properties() const override { return inner_->properties(); }

 private:
  template <typename Call>
  auto forward(const CallInfo& info, Call call) {
    return forward_call(hooks_, info, std::move(call));
  }

  std::shared_ptr<Cloud> inner_;
  CallHooks hooks_;
};

}  // namespace hallmark::cloud
