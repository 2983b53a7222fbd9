#pragma once
/// Makes source images: a bootable disk from a distribution's own packages.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/files.h"

namespace hallmark::source {

struct DebianSourceSpec {
  std::string release = "bookworm";
  std::string architecture = "amd64";
  std::uint64_t disk_size_bytes = 3ull << 30;
  std::vector<std::string> extra_packages;
  Path output;                      ///< a qcow2 file; must not exist
  Path apt_directory = "/etc/apt";  ///< whose configuration names the mirror
};

/// What is being done, and how far (0..1) if known.
using Progress = std::function<void(std::optional<double> fraction, const std::string& text)>;

/// A bootable qcow2: GPT, ext4 root, cloud kernel, GRUB in the BIOS boot partition, guest agent,
/// sshd, DHCP; the release's packages only, none of its security updates. The mirror comes from the
/// machine's own apt configuration. Works as root and, where user namespaces and subordinate ids
/// are set up, as an ordinary user; else throws `denied` with the way out. Leaves nothing behind on
/// failure.
void make_debian_source(const DebianSourceSpec& spec, const Progress& progress,
                        std::stop_token stop);

}  // namespace hallmark::source
