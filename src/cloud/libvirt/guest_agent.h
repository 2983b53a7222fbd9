#pragma once
/// The QEMU guest agent's protocol, over any way to reach it. Every call throws `unavailable` if
/// the agent does not answer, `failed` if it refuses.
/// https://www.qemu.org/docs/master/interop/qemu-ga-ref.html

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace hallmark::cloud::libvirt {

/// Sends one command and returns its "return" member.
using AgentCall = std::function<Json(const Json& command, Duration time_limit)>;

class GuestAgent {
 public:
  explicit GuestAgent(AgentCall call) : call_(std::move(call)) {}

  bool answers();
  struct Result {
    int exit_code = -1;
    std::string output;  ///< stdout, then stderr
  };
  /// Runs a program with `input` on its stdin and waits for its end. What is secret belongs into
  /// `input`: arguments show in the guest's process list.
  Result run(const std::vector<std::string>& argv, const std::string& input, Duration time_limit);
  /// Like run, but a non-zero exit throws `failed`.
  std::string check(const std::vector<std::string>& argv, const std::string& input,
                    Duration time_limit);
  /// Up to `limit` bytes from `offset`; nothing if the file does not exist.
  std::optional<std::string> read_file(const std::string& path, std::uint64_t offset,
                                       std::uint64_t limit);
  /// Starts a program and waits for nothing: for what ends the agent itself.
  void start(const std::vector<std::string>& argv);

 private:
  Json execute(const std::string& command, Json arguments, Duration time_limit);
  AgentCall call_;
};

}  // namespace hallmark::cloud::libvirt
