#pragma once
/// Partitions of a source image, and GRUB put into them without a loop device or root.

#include <cstdint>
#include <string>
#include <string_view>

namespace hallmark::source {

inline constexpr std::uint64_t kSectorBytes = 512;
/// Where partitions start; 1 MiB steps suit every storage.
inline constexpr std::uint64_t kBiosBootSector = 2048;
inline constexpr std::uint64_t kRootSector = 4096;

/// Input of sfdisk(8): GPT with a BIOS boot partition of 1 MiB and the root partition.
std::string partition_script();
/// Size of the root partition on a disk of that size, in whole ext4 blocks of 4 KiB.
std::uint64_t root_size_bytes(std::uint64_t disk_size_bytes);

/// GRUB's core image, told where the rest of itself lies when it is written at `sector`. Throws
/// `corrupt` if it is not such an image and `usage` if it does not fit the BIOS boot partition.
std::string place_core_image(std::string core, std::uint64_t sector);
/// GRUB's boot sector with the partition table of `mbr` (the disk's first sector), told where the
/// core image lies. Throws `corrupt` if either is not a boot sector.
std::string place_boot_sector(std::string boot, std::string_view mbr, std::uint64_t core_sector);

/// Configuration inside the core image: finds the root file system and goes on with its grub.cfg.
std::string early_grub_config();
/// /boot/grub/grub.cfg: boots what Debian's links /vmlinuz and /initrd.img name, so that a kernel
/// update never has to run update-grub; the previous kernel if that one cannot be read.
std::string grub_config();

}  // namespace hallmark::source
