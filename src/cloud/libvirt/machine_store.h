#pragma once
/// The machines of a region as their directories and guards show them: what the callers' side of
/// the local cloud does with machines. Everything that needs the hypervisor or a mount is asked of
/// the machine's guard.

#include <functional>
#include <stop_token>

#include "base/json.h"
#include "cloud/libvirt/image_store.h"
#include "cloud/libvirt/machine_record.h"

namespace hallmark::cloud::libvirt {

class MachineStore {
 public:
  MachineStore(StoreLayout layout, std::vector<std::string> guard_command,
               std::map<std::string, std::string> uris, Clock& clock)
      : layout_(std::move(layout)),
        guard_command_(std::move(guard_command)),
        uris_(std::move(uris)),
        clock_(clock) {}

  std::string launch(const Place& place, const MachineSpec& spec, const Path& image_file,
                     const std::string& token, std::stop_token stop);
  std::optional<Machine> find(const Place& place, const std::string& machine_id);
  std::vector<Machine> list(const Place& place, const MachineFilter& filter);
  void stop(const Place& place, const std::string& machine_id);
  void remove(const Place& place, const std::string& machine_id);
  void change_tags(const Place& place, const std::string& machine_id,
                   const std::function<void(Tags&)>& change);

  /// One request to the guard of a running machine; starts the guard anew if it was killed. Throws
  /// `not_found` if there is no such machine, `unavailable` if it is not running, and what the
  /// guard answers.
  Json ask(const Place& place, const std::string& machine_id, const Json& request,
           Duration time_limit);

  /// How a command ended, if the machine itself has come to its end; else nothing.
  std::optional<CommandStatus> ended_command(const Place& place, const std::string& machine_id,
                                             const std::string& command_id);

  /// The disk of a stopped machine and its format. Throws `not_found`, `conflict`.
  struct StoppedDisk {
    Path file;
    std::string format;
    std::string image_id;
  };
  StoppedDisk stopped_disk(const Place& place, const std::string& machine_id);

 private:
  Path directory(const Place& place, const std::string& machine_id) const;
  std::optional<MachineRecord> read(const Place& place, const std::string& machine_id) const;
  MachineRecord require(const Place& place, const std::string& machine_id) const;
  void clear_debris(const Place& place, const std::string& except_id);
  void ensure_guard(const Path& directory, const MachineRecord& record);
  Machine look(const Path& directory, const MachineRecord& record);

  StoreLayout layout_;
  std::vector<std::string> guard_command_;
  std::map<std::string, std::string> uris_;
  Clock& clock_;
};

}  // namespace hallmark::cloud::libvirt
