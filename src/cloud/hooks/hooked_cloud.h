#pragma once
/// Retrying, limiting, logging and failing on purpose, around any Cloud: one forwarding wrapper for
/// all of them, so that a new call of the interface is forwarded in one place.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::cloud {

/// What a hook may know of a call. Never its secrets: no script, environment or parameter's value.
struct CallInfo {
  std::string_view operation;  ///< the function's name
  const Place& place;
  std::string_view subject_id;  ///< id or name of what the call is about
  bool mutating = false;
  /// Making the call again after its answer was lost ends in the same state and with the same
  /// answer.
  bool repeatable = true;
  std::stop_token stop = {};  ///< the call's own, if it has one
};

class CallHook {
 public:
  virtual ~CallHook() = default;
  /// Makes the call by calling `call`: once, several times or not at all. Throws what the caller is
  /// to see. Several threads may be in it.
  virtual void around(const CallInfo& info, const std::function<void()>& call) = 0;
};

/// Forwards to `inner` through all `hooks`, the first one outermost. Readers returned by open_image
/// and properties() go unhooked.
class HookedCloud : public Cloud {
 public:
  HookedCloud(std::shared_ptr<Cloud> inner, std::vector<std::shared_ptr<CallHook>> hooks);

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
  void remove_image(const Place& place, const std::string& image_id) override;
  std::unique_ptr<disk::BlockReader> open_image(const Place& place,
                                                const std::string& image_id) override;

  void share_image(const Place& place, const std::string& image_id,
                   const std::string& account_id) override;
  void unshare_image(const Place& place, const std::string& image_id,
                     const std::string& account_id) override;
  std::vector<std::string> list_shares(const Place& place, const std::string& image_id) override;

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
  void through(std::size_t hook, const CallInfo& info, const std::function<void()>& call);
  /// Makes the call through all hooks and returns what its last attempt returned.
  template <typename Call>
  auto forward(const CallInfo& info, Call call);

  std::shared_ptr<Cloud> inner_;
  std::vector<std::shared_ptr<CallHook>> hooks_;
};

}  // namespace hallmark::cloud
