#pragma once
/// The local cloud: images, parameters and machines of several accounts and regions in one
/// directory, machines under libvirt's embedded QEMU driver or a libvirt elsewhere. Any number of
/// processes may use the same directory at once, and any of them may be killed at any time.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cloud/cloud.h"
#include "cloud/organizations.h"

namespace hallmark::cloud {

struct LibvirtCloudConfig {
  Path root;                         ///< made if missing
  std::string account_id;            ///< ours
  std::vector<std::string> regions;  ///< "us-east-1"; letters, digits and -
  /// Region -> libvirt URI, such as qemu:///system or qemu+ssh://host/system, for regions whose
  /// machines do not run under the embedded driver. `root` must be visible there under the same
  /// path and writable for its QEMU processes; guest agents are reached through that connection.
  std::map<std::string, std::string> uris;
  UnitList units;  ///< which accounts belong together
  /// How to start a machine's guard (see machine_guard_main): a program and leading arguments, to
  /// which the machine's directory is added. The default is this program's own hidden command.
  std::vector<std::string> guard_command = {"/proc/self/exe", "internal", "machine-guard"};
};

/// Throws `usage` if the configuration is malformed. Touches no hypervisor: machines do, when they
/// are launched. `clock` must outlive the cloud; machines themselves always live by the wall clock.
std::unique_ptr<Cloud> make_libvirt_cloud(const LibvirtCloudConfig& config, Clock& clock);

/// Of the configured units. Null if there are none.
std::unique_ptr<Organizations> make_libvirt_organizations(const LibvirtCloudConfig& config);

/// The body of the hidden command `hallmark internal machine-guard DIRECTORY`: one process per
/// running machine, started by launch_machine and outliving whoever called it. It owns the
/// machine's connection to libvirt (the embedded driver serves one process only) or, for an offline
/// machine, its mounts; serves commands over a socket in the directory; ends the machine at its
/// deadline. Must be called before the process starts any thread. Returns an exit code.
int machine_guard_main(const std::vector<std::string>& arguments);

}  // namespace hallmark::cloud
