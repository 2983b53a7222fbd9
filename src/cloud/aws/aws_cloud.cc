#include "cloud/aws/aws_cloud.h"

#include <array>

#include "base/error.h"
#include "cloud/aws/commands.h"
#include "cloud/aws/image_uses.h"
#include "cloud/aws/images.h"
#include "cloud/aws/keys.h"
#include "cloud/aws/machines.h"
#include "cloud/aws/parameters.h"

namespace hallmark::cloud {

namespace {

using namespace std::chrono_literals;

/// Amazon EC2 API Reference, "Eventual consistency": what cannot be seen for this long was never
/// made.
constexpr Duration kSettleTime = 5min;

class AwsCloud final : public Cloud {
 public:
  explicit AwsCloud(on_aws::Session session)
      : session_(std::make_shared<const on_aws::Session>(std::move(session))) {}

  Properties properties() const override {
    Properties properties{.name = "aws",
                          .account_id = session_->config.account_id,
                          .native_tokens = true,
                          .settle_time = kSettleTime};
    for (const AwsRegion& region : session_->config.regions)
      properties.regions.push_back(region.name);
    return properties;
  }

  // Images
  std::string import_image(const Place& place, const Path& file, const ImageSpec& spec,
                           const std::string& token, std::stop_token stop) override {
    return on_aws::import_image(*session_, place, file, spec, token, stop);
  }
  std::string create_image(const Place& place, const std::string& machine_id, const ImageSpec& spec,
                           const std::string& token, std::stop_token stop) override {
    return on_aws::create_image(*session_, place, machine_id, spec, token, stop);
  }
  std::string copy_image(const Place& place, const std::string& source_image_id,
                         const std::string& source_region, const ImageSpec& spec,
                         const std::string& token, std::stop_token stop) override {
    return on_aws::copy_image(*session_, place, source_image_id, source_region, spec, token, stop);
  }
  std::optional<Image> find_image(const Place& place, const std::string& image_id) override {
    return on_aws::find_image(*session_, place, image_id);
  }
  std::vector<Image> list_images(const Place& place, const ImageFilter& filter) override {
    return on_aws::list_images(*session_, place, filter);
  }
  void deprecate_image(const Place& place, const std::string& image_id,
                       std::optional<TimePoint> at) override {
    on_aws::deprecate_image(*session_, place, image_id, at);
  }
  void disable_image(const Place& place, const std::string& image_id) override {
    on_aws::disable_image(*session_, place, image_id);
  }
  void enable_image(const Place& place, const std::string& image_id) override {
    on_aws::enable_image(*session_, place, image_id);
  }
  void require_imds_v2(const Place& place, const std::string& image_id) override {
    on_aws::require_imds_v2(*session_, place, image_id);
  }
  void protect_image(const Place& place, const std::string& image_id, bool on) override {
    on_aws::protect_image(*session_, place, image_id, on);
  }
  void remove_image(const Place& place, const std::string& image_id) override {
    on_aws::remove_image(*session_, place, image_id);
  }
  std::unique_ptr<disk::BlockReader> open_image(const Place& place,
                                                const std::string& image_id) override {
    return on_aws::open_image(session_, place, image_id);
  }

  // Sharing
  void share_image(const Place& place, const std::string& image_id,
                   const std::string& account_id) override {
    on_aws::share_image(*session_, place, image_id, account_id);
  }
  void unshare_image(const Place& place, const std::string& image_id,
                     const std::string& account_id) override {
    on_aws::unshare_image(*session_, place, image_id, account_id);
  }
  std::vector<std::string> list_shares(const Place& place, const std::string& image_id) override {
    return on_aws::list_shares(*session_, place, image_id);
  }

  // Keys
  std::vector<ImageKey> find_image_keys(const Place& place, const std::string& image_id) override {
    return on_aws::find_image_keys(*session_, place, image_id);
  }
  void grant_key(const Place& place, const std::string& key_id, const std::string& image_id,
                 const std::string& account_id) override {
    on_aws::grant_key(*session_, place, key_id, image_id, account_id);
  }
  void revoke_key(const Place& place, const std::string& key_id, const std::string& image_id,
                  const std::string& account_id) override {
    on_aws::revoke_key(*session_, place, key_id, image_id, account_id);
  }
  std::vector<std::string> list_key_grants(const Place& place, const std::string& key_id,
                                           const std::string& image_id) override {
    return on_aws::list_key_grants(*session_, place, key_id, image_id);
  }

  // Tagging
  void set_tags(const Place& place, const std::string& resource_id, const Tags& tags) override {
    on_aws::set_tags(*session_, place, resource_id, tags);
  }
  void remove_tags(const Place& place, const std::string& resource_id,
                   const TagKeys& keys) override {
    on_aws::remove_tags(*session_, place, resource_id, keys);
  }

  // Machines
  void check_launch(const Place& place, const MachineSpec& spec, std::stop_token stop) override {
    on_aws::check_launch(*session_, place, spec, stop);
  }
  std::string launch_machine(const Place& place, const MachineSpec& spec, const std::string& token,
                             std::stop_token stop) override {
    return on_aws::launch_machine(*session_, place, spec, token, stop);
  }
  std::optional<Machine> find_machine(const Place& place, const std::string& machine_id) override {
    return on_aws::find_machine(*session_, place, machine_id);
  }
  std::vector<Machine> list_machines(const Place& place, const MachineFilter& filter) override {
    return on_aws::list_machines(*session_, place, filter);
  }
  void stop_machine(const Place& place, const std::string& machine_id) override {
    on_aws::stop_machine(*session_, place, machine_id);
  }
  void remove_machine(const Place& place, const std::string& machine_id) override {
    on_aws::remove_machine(*session_, place, machine_id);
  }

  // Commands
  std::string start_command(const Place& place, const std::string& machine_id,
                            const CommandSpec& spec, const std::string& token) override {
    return on_aws::start_command(*session_, place, machine_id, spec, token);
  }
  CommandStatus read_command(const Place& place, const std::string& machine_id,
                             const std::string& command_id, std::uint64_t output_offset,
                             Duration wait, std::stop_token stop) override {
    return on_aws::read_command(*session_, place, machine_id, command_id, output_offset, wait,
                                stop);
  }
  void cancel_command(const Place& place, const std::string& machine_id,
                      const std::string& command_id) override {
    on_aws::cancel_command(*session_, place, machine_id, command_id);
  }

  // Parameters
  std::optional<Parameter> get_parameter(const Place& place, const std::string& name) override {
    return on_aws::get_parameter(*session_, place, name);
  }
  std::int64_t put_parameter(const Place& place, const std::string& name, const std::string& value,
                             std::int64_t expected_version, ParameterKind kind) override {
    return on_aws::put_parameter(*session_, place, name, value, expected_version, kind);
  }
  void remove_parameter(const Place& place, const std::string& name,
                        std::int64_t expected_version) override {
    on_aws::remove_parameter(*session_, place, name, expected_version);
  }
  std::vector<Parameter> list_parameters(const Place& place, const std::string& path) override {
    return on_aws::list_parameters(*session_, place, path);
  }

  // What names an image
  std::vector<ImageUse> list_image_uses(const Place& place) override {
    return on_aws::list_image_uses(*session_, place);
  }

 private:
  /// Readers that this cloud handed out may outlive it.
  const std::shared_ptr<const on_aws::Session> session_;
};

}  // namespace

std::span<const hallmark::aws::Need> aws_model_needs() {
  static constexpr std::array<hallmark::aws::Need, 10> kNeeds = {
      {{"ec2", "DescribeImages", "IncludeDisabled"},
       {"ec2", "DescribeImages", "MaxResults"},
       {"ec2", "RegisterImage", "TagSpecifications"},
       {"ec2", "CopyImage", "TagSpecifications"},
       {"ec2", "CopyImage", "SnapshotCopyCompletionDurationMinutes"},
       {"ec2", "DeregisterImage", "DeleteAssociatedSnapshots"},
       {"ec2", "DisableImage", "ImageId"},
       {"ec2", "EnableImage", "ImageId"},
       {"ec2", "ModifyImageAttribute", "ImdsSupport"},
       {"ec2", "EnableImageDeregistrationProtection", "ImageId"}}};
  return kNeeds;
}

std::unique_ptr<Cloud> make_aws_cloud(AwsCloudConfig config,
                                      std::shared_ptr<hallmark::aws::Caller> caller,
                                      CredentialsOf credentials_of, Clock& clock) {
  check_account_id(config.account_id);
  if (config.regions.empty()) {
    throw Error(ErrorKind::usage, "the AWS cloud has no regions")
        .hint("name at least one under cloud.regions in config.yaml");
  }
  if (config.instance_types.empty()) {
    throw Error(ErrorKind::usage, "the AWS cloud has no instance types")
        .hint("name at least one under cloud.instance_types in config.yaml");
  }
  return std::make_unique<AwsCloud>(
      on_aws::Session{std::move(config), std::move(caller), std::move(credentials_of), clock});
}

}  // namespace hallmark::cloud
