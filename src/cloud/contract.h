#pragma once
/// The contract suite: every promise of cloud/cloud.h as a test, run against any implementation.
///
/// An implementation's test file links the target `cloud_contract` and says
///
///     cloud::ContractSetup fresh_cloud() { ... }
///     INSTANTIATE_CLOUD_CONTRACT(Memory, {"plain", fresh_cloud});
///
/// Two groups come out of that:
///  - `CloudContract`: images, sharing, tags, parameters. No machine; each test asks for a fresh
///  setup
///    and makes small images from `disk_file`.
///  - `CloudMachineContract`: three tests, each with one launch, each going through many promises
///  in
///    named sections (a failure names its section), so that a cloud whose machines take long to
///    boot boots three times in all.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "cloud/cloud.h"

namespace hallmark::cloud {

/// What a test needs of the cloud under test. Nothing outside of it is assumed; the suite removes
/// what it made only where removing is what it tests.
struct ContractSetup {
  /// What the cloud stands on (a directory, a world); dropped after the last Cloud object.
  std::shared_ptr<void> keep;
  /// One more Cloud object over the same things, as another process would open it.
  std::function<std::unique_ptr<Cloud>()> open;
  Clock* clock = nullptr;  ///< the one the cloud uses; outlives the setup, or is part of `keep`

  Place home;   ///< our account in a region
  Place away;   ///< our account in another region
  Place guest;  ///< another account, same region as `home`

  /// A small readable disk. Machine tests launch it, so there it must boot and run commands.
  Path disk_file;

  /// Called between two looks at something that is not yet as hoped: sleeps or advances the clock.
  std::function<void()> settle;
  /// How many looks something may take before a test gives up.
  int looks = 200;

  bool machines = true;                        ///< else CloudMachineContract is skipped
  bool reboots = true;                         ///< exit code 194 reboots and runs again
  bool output_while_running = true;            ///< else a command's output comes with its end
  MachineSpec machine;                         ///< kind, size, network; the suite adds the rest
  std::string machine_directory = "/var/tmp";  ///< where scripts may keep files over a reboot
  Duration deadline_after = std::chrono::seconds(30);  ///< of the launch that tests the deadline
};

struct ContractFactory {
  std::string name;  ///< letters and digits
  std::function<ContractSetup()> make;
  /// Why the tests cannot run on this machine; empty text, or no function: they can.
  std::function<std::string()> why_not = {};
};
inline std::ostream& operator<<(std::ostream& out, const ContractFactory& factory) {
  return out << factory.name;
}

/// Shared by both groups: the setup, one Cloud object, and how to wait.
class CloudContractBase : public ::testing::TestWithParam<ContractFactory> {
 protected:
  ~CloudContractBase() override;
  void SetUp() override;

  /// Whether `condition` came true within the setup's looks.
  bool eventually(const std::function<bool()>& condition);
  /// Runs `call` until it does not throw `not_found`, `unavailable` or `throttled`: for calls right
  /// after a create. Throws what the last try threw.
  void insist(const std::function<void()>& call);
  /// Imports `disk_file` and waits until the image is available.
  std::string available_image(const Place& place, const std::string& name, Tags tags = {});
  /// Waits until the image is available and returns it; fails the test and throws if it never is.
  Image wait_available(const Place& place, const std::string& image_id);
  std::string token();  ///< a new one each time
  ImageSpec spec(const std::string& name, Tags tags = {});

  ContractSetup setup_;
  std::unique_ptr<Cloud> cloud_;
  std::stop_token stop_;

 private:
  int tokens_ = 0;
};

class CloudContract : public CloudContractBase {};

class CloudMachineContract : public CloudContractBase {
 protected:
  void SetUp() override;
  /// Launches `setup_.machine` from `image_id` and returns its id; waits for nothing.
  std::string launch(const Place& place, const std::string& image_id, const std::string& token,
                     Tags tags = {});
  Machine wait_machine(const Place& place, const std::string& machine_id,
                       const std::function<bool(const Machine&)>& good, const std::string& what);
  std::string start(const std::string& machine_id, const CommandSpec& spec);
  CommandSpec script(const std::string& text);
  /// Reads a command to its end, collecting all output by offsets.
  CommandStatus read_all(const std::string& machine_id, const std::string& command_id);
  CommandStatus run(const std::string& machine_id, const CommandSpec& spec);

  // The sections of the three tests.
  void check_commands(const std::string& machine_id);
  void check_streaming(const std::string& machine_id);
  void check_limits(const std::string& machine_id);
  void check_reboot(const std::string& machine_id);
  void check_bad_commands(const std::string& machine_id);
  void check_machine_listing(const std::string& machine_id, const std::string& launch_token);
  void check_machine_tags(const std::string& machine_id);
  void check_stopping(const std::string& machine_id);
  void check_image_of(const std::string& machine_id);
  void check_machine_removal(const std::string& machine_id);
};

/// What the kind of the error thrown by `call` is; nothing if it threw none.
std::optional<ErrorKind> error_kind_of(const std::function<void()>& call);

}  // namespace hallmark::cloud

/// INSTANTIATE_CLOUD_CONTRACT(Memory, {"plain", make_plain}, {"hooked", make_hooked});
#define INSTANTIATE_CLOUD_CONTRACT(prefix, ...)                                              \
  namespace hallmark_contract_##prefix {                                                     \
    inline const std::vector<::hallmark::cloud::ContractFactory> kFactories = {__VA_ARGS__}; \
    inline std::string factory_name(                                                         \
        const ::testing::TestParamInfo<::hallmark::cloud::ContractFactory>& info) {          \
      return info.param.name;                                                                \
    }                                                                                        \
  }                                                                                          \
  namespace hallmark::cloud {                                                                \
  INSTANTIATE_TEST_SUITE_P(prefix, CloudContract,                                            \
                           ::testing::ValuesIn(hallmark_contract_##prefix::kFactories),      \
                           hallmark_contract_##prefix::factory_name);                        \
  INSTANTIATE_TEST_SUITE_P(prefix, CloudMachineContract,                                     \
                           ::testing::ValuesIn(hallmark_contract_##prefix::kFactories),      \
                           hallmark_contract_##prefix::factory_name);                        \
  }                                                                                          \
  static_assert(true, "takes a semicolon")
