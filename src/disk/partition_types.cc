#include <string_view>
#include <utility>

#include "disk/partitions.h"

namespace hallmark::disk {

std::string partition_type_name(const std::string& type) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root (x86-64)"},
      {"b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root (ARM 64-bit)"},
      {"44479540-f297-41b2-9af7-d131d5f0458a", "Linux root (x86)"},
      {"8484680c-9521-48c6-9c11-b0720656f69e", "Linux /usr (x86-64)"},
      {"b0e01050-ee5f-4390-949a-9101b17104e9", "Linux /usr (ARM 64-bit)"},
      {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "Linux /var"},
      {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "Linux /srv"},
      {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux /home"},
      {"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "Linux verity (root, x86-64)"},
      {"df3300ce-d69f-4c92-978c-9bfb0f38d820", "Linux verity (root, ARM 64-bit)"},
      {"77ff5f63-e7b6-4633-acf4-1565b864c0e6", "Linux verity (/usr, x86-64)"},
      {"6e11a4e7-fbca-4ded-b9e9-e1a512bb664e", "Linux verity (/usr, ARM 64-bit)"},
      {"41092b05-9fc8-4523-994f-2def0408b176", "Linux verity (signature of root, x86-64)"},
      {"6db69de6-29f4-4758-a7a5-962190f00ce3", "Linux verity (signature of root, ARM 64-bit)"},
      {"e7bb33fb-06cf-4e81-8273-e543b413e2e2", "Linux verity (signature of /usr, x86-64)"},
      {"c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", "Linux verity (signature of /usr, ARM 64-bit)"},
      {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux file system"},
      {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
      {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
      {"9e1a2d38-c612-4316-aa26-8b49521e5a8b", "PReP boot"},
      {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
      {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
      {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
      {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
      {"0x83", "Linux"},
      {"0x82", "Linux swap"},
      {"0x8e", "Linux LVM"},
      {"0xef", "EFI system"},
      {"0x41", "PReP boot"},
  };
  for (const auto& [known, name] : kNames) {
    if (type == known) return std::string(name);
  }
  return {};
}

}  // namespace hallmark::disk
