#pragma once
/// One process's view of a MemoryWorld.

#include <memory>

#include "cloud/cloud.h"
#include "cloud/memory/world.h"

namespace hallmark::cloud {

class MemoryCloud : public Cloud {
 public:
  explicit MemoryCloud(std::shared_ptr<MemoryWorld> world) : world_(std::move(world)) {}

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
                   const std::string& recipient) override;
  void unshare_image(const Place& place, const std::string& image_id,
                     const std::string& recipient) override;
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

  Properties properties() const override;

 private:
  using Call = MemoryWorld::Call;
  MemoryImage& owned_image(Call& call, const Place& place, const std::string& image_id);
  /// An image to use: visible and available.
  MemoryImage& usable_image(Call& call, const Place& place, const std::string& image_id);
  /// Whether the place may use the image's keys.
  bool may_use(Call& call, const MemoryImage& image, const Place& place);
  void check_name_free(Call& call, const Place& place, const std::string& name);
  std::string add_image(Call& call, const Place& place, const ImageSpec& spec,
                        const std::string& token_key, MemoryImage record);
  MemoryMachine& visible_machine(Call& call, const Place& place, const std::string& machine_id);
  Tags& tags_of(Call& call, const Place& place, const std::string& resource_id);
  MemoryCommand& command_in(Call& call, const Place& place, const std::string& machine_id,
                            const std::string& command_id);
  void execute(const std::string& command_id, const Machine& machine, const CommandSpec& spec);

  std::shared_ptr<MemoryWorld> world_;
};

}  // namespace hallmark::cloud
