#include "source/root_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "base/error.h"
#include "source/boot_loader.h"

namespace hallmark::source {

namespace {

RootFile unit_link(const std::string& where, const std::string& unit) {
  return {"/etc/systemd/system/" + where, "", 0, "/lib/systemd/system/" + unit};
}

/// The place of an image's path in the tree. The packages bring links such as /lib -> usr/lib, but
/// nothing we write goes through one that leaves the tree.
Path place_in(const Path& root, const std::string& path) {
  Path place = root / path.substr(1);
  Path parent = std::filesystem::weakly_canonical(place.parent_path());
  Path top = std::filesystem::weakly_canonical(root);
  if (parent != top && !parent.string().starts_with(top.string() + "/")) {
    throw Error(ErrorKind::corrupt, "{} leads out of the image", path);
  }
  return place;
}

}  // namespace

std::vector<RootFile> early_root_files() {
  return {
      // A list instead of everything: the RAM disk is a tenth of the size and is read through the
      // BIOS. It holds the disk drivers of QEMU, of Xen and of Nitro machines, and the file system.
      {"/etc/initramfs-tools/conf.d/modules", "MODULES=list\nCOMPRESS=zstd\n"},
      {"/etc/initramfs-tools/modules",
       "virtio_pci\nvirtio_blk\nvirtio_scsi\nsd_mod\nnvme\nxen_blkfront\next4\ncrc32c_generic\n"},
      // The links /vmlinuz and /initrd.img are what grub.cfg boots.
      {"/etc/kernel-img.conf", "do_symlinks = yes\ndo_bootloader = no\nlink_in_boot = no\n"},
  };
}

std::vector<RootFile> final_root_files(const std::string& sources_list) {
  return {
      {"/etc/apt/sources.list", sources_list},
      {"/etc/apt/apt.conf.d/10no-languages", "Acquire::Languages \"none\";\n"},
      // Not checked at boot: ext4 replays its journal, and the disk is new.
      {"/etc/fstab", "LABEL=root / ext4 errors=remount-ro 0 0\n"},
      {"/etc/hostname", "debian\n"},
      {"/etc/hosts",
       "127.0.0.1 localhost\n127.0.1.1 debian\n::1 localhost ip6-localhost ip6-loopback\n"},
      {"/boot/grub/grub.cfg", grub_config()},
      {"/etc/systemd/network/80-dhcp.network",
       "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n\n[DHCPv4]\nUseDomains=yes\n"},
      {"/etc/resolv.conf", "", 0, "../run/systemd/resolve/stub-resolv.conf"},
      {"/etc/systemd/journald.conf.d/size.conf", "[Journal]\nSystemMaxUse=64M\n"},
      // Empty, not absent: each machine's first boot fills it.
      {"/etc/machine-id", "", 0444},
      {"/etc/systemd/system/ssh-host-keys.service",
       "[Unit]\n"
       "Description=Make this machine's own SSH host keys\n"
       "ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key\n"
       "Before=ssh.service\n\n"
       "[Service]\n"
       "Type=oneshot\n"
       // No RSA key: making one takes longer than the rest of a boot on an emulated processor, and
       // clients have known the others since 2014.
       "ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N \"\" -f /etc/ssh/ssh_host_ecdsa_key\n"
       "ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key\n\n"
       "[Install]\n"
       "WantedBy=ssh.service\n"},
      {"/etc/systemd/system/ssh.service.wants/ssh-host-keys.service", "", 0,
       "/etc/systemd/system/ssh-host-keys.service"},
      unit_link("multi-user.target.wants/systemd-networkd.service", "systemd-networkd.service"),
      unit_link("sockets.target.wants/systemd-networkd.socket", "systemd-networkd.socket"),
      unit_link("dbus-org.freedesktop.network1.service", "systemd-networkd.service"),
      unit_link("network-online.target.wants/systemd-networkd-wait-online.service",
                "systemd-networkd-wait-online.service"),
  };
}

std::vector<std::string> unwanted_root_files() {
  return {
      // A machine's identity must not be the image's.
      "/etc/ssh/ssh_host_*",
      "/var/lib/dbus/machine-id",
      "/var/lib/systemd/random-seed",
      // Ours, only for the installation.
      "/etc/apt/apt.conf.d/99mmdebstrap",
      "/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
      // Would take apt's lock behind the back of whoever updates the image.
      "/etc/systemd/system/timers.target.wants/apt-daily.timer",
      "/etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer",
      // For LVM, which the image does not use.
      "/etc/systemd/system/timers.target.wants/e2scrub_all.timer",
      "/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service",
      // Left by the installation.
      "/var/log/apt/*",
      "/var/log/dpkg.log",
      "/var/log/alternatives.log",
      "/var/log/bootstrap.log",
      "/var/cache/ldconfig/aux-cache",
      "/var/cache/apt/*.bin",
      "/var/lib/dpkg/*-old",
      "/tmp/*",
  };
}

void write_root_files(const Path& root, const std::vector<RootFile>& files) {
  for (const RootFile& file : files) {
    Path place = place_in(root, file.path);
    make_directories(place.parent_path());
    // An existing link would be followed.
    std::filesystem::remove(place);
    if (!file.link_to.empty()) {
      std::filesystem::create_symlink(file.link_to, place);
      continue;
    }
    // Not write_file: nothing here need survive a crash, and twenty syncs are slow on a busy disk.
    std::ofstream out(place, std::ios::binary);
    out << file.content;
    out.close();
    if (!out) throw_errno(errno, "cannot write " + file.path);
    if (::chmod(place.c_str(), file.mode) != 0) throw_errno(errno, "cannot chmod " + file.path);
  }
}

void remove_root_files(const Path& root, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::size_t star = path.find('*');
    if (star == std::string::npos) {
      hallmark::remove_all(place_in(root, path));
      continue;
    }
    Path directory = place_in(root, path.substr(0, path.rfind('/') + 1) + "x").parent_path();
    std::string prefix = path.substr(path.rfind('/') + 1, star - path.rfind('/') - 1);
    std::string suffix = path.substr(star + 1);
    std::vector<Path> found;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(directory, missing)) {
      std::string name = entry.path().filename();
      if (name.size() >= prefix.size() + suffix.size() && name.starts_with(prefix) &&
          name.ends_with(suffix)) {
        found.push_back(entry.path());
      }
    }
    for (const Path& entry : found) hallmark::remove_all(entry);
  }
}

}  // namespace hallmark::source
