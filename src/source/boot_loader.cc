#include "source/boot_loader.h"

#include "base/error.h"

namespace hallmark::source {

namespace {

// Offsets of GRUB 2's i386-pc images, see grub-core/boot/i386/pc/boot.S and diskboot.S and
// include/grub/i386/pc/boot.h.
constexpr std::size_t kBootKernelSector = 0x5c;     // 8 bytes: first sector of the core image
constexpr std::size_t kBootDriveCheck = 0x66;       // a jump that a correct BIOS does not need
constexpr std::size_t kBootPartitionTable = 0x1b8;  // disk signature and partitions stay the disk's
constexpr std::size_t kBootSignature = 0x1fe;
// The last block list entry of diskboot.S: start (8 bytes), length (2), segment (2).
constexpr std::size_t kBlockListStart = 0x1f4;
constexpr std::size_t kBlockListLength = 0x1fc;

void put_little_endian(std::string& bytes, std::size_t at, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
}

bool is_boot_sector(std::string_view bytes) {
  return bytes.size() == kSectorBytes && bytes.substr(kBootSignature) == "\x55\xaa";
}

}  // namespace

std::string partition_script() {
  return fmt::format(
      "label: gpt\n"
      "start={}, size={}, type=21686148-6449-6E6F-744E-656564454649, name=bios\n"
      "start={}, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root\n",
      kBiosBootSector, kRootSector - kBiosBootSector, kRootSector);
}

std::uint64_t root_size_bytes(std::uint64_t disk_size_bytes) {
  // The backup partition table takes the last 33 sectors; sfdisk ends partitions on its 1 MiB grid.
  constexpr std::uint64_t kGrid = 1 << 20;
  std::uint64_t end = (disk_size_bytes - 33 * kSectorBytes) / kGrid * kGrid;
  return end - kRootSector * kSectorBytes;
}

std::string place_core_image(std::string core, std::uint64_t sector) {
  if (core.size() <= kSectorBytes)
    throw Error(ErrorKind::corrupt, "GRUB's core image is too short");
  std::uint64_t sectors = (core.size() + kSectorBytes - 1) / kSectorBytes;
  if (sectors > kRootSector - kBiosBootSector) {
    throw Error(ErrorKind::usage, "GRUB's core image ({} bytes) is larger than its partition",
                core.size());
  }
  core.resize(sectors * kSectorBytes, '\0');
  put_little_endian(core, kBlockListStart, sector + 1, 8);
  put_little_endian(core, kBlockListLength, sectors - 1, 2);
  return core;
}

std::string place_boot_sector(std::string boot, std::string_view mbr, std::uint64_t core_sector) {
  if (!is_boot_sector(boot)) throw Error(ErrorKind::corrupt, "GRUB's boot.img is no boot sector");
  if (!is_boot_sector(mbr)) throw Error(ErrorKind::corrupt, "the disk has no partition table");
  put_little_endian(boot, kBootKernelSector, core_sector, 8);
  boot.replace(kBootDriveCheck, 2, "\x90\x90");
  boot.replace(kBootPartitionTable, std::string::npos, mbr.substr(kBootPartitionTable));
  return boot;
}

std::string early_grub_config() {
  return "search --no-floppy --label root --set=root\n"
         "set prefix=($root)/boot/grub\n"
         "configfile /boot/grub/grub.cfg\n";
}

std::string grub_config() {
  return "# Boots what the links /vmlinuz and /initrd.img name. The kernel packages keep them at "
         "the\n"
         "# newest kernel, so nothing has to be regenerated after an update.\n"
         "search --no-floppy --label root --set=root\n"
         "set options=\"root=LABEL=root ro console=tty0 console=ttyS0,115200n8 quiet\"\n"
         "if linux /vmlinuz $options; then\n"
         "  initrd /initrd.img\n"
         "else\n"
         "  linux /vmlinuz.old $options\n"
         "  initrd /initrd.img.old\n"
         "fi\n"
         "boot\n";
}

}  // namespace hallmark::source
