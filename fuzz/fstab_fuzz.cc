#include <cstddef>
#include <cstdint>
#include <string>

#include "fs/fstab.h"
#include "fuzz/only_errors.h"

using namespace hallmark;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fs::Volume partition, logical;
  partition.number = 2;
  partition.uuid = "0a";
  partition.label = "a/b";
  logical.group = "g-0";
  logical.name = "root";
  only_errors([&] {
    for (const fs::Mount& mount : fs::parse_fstab(std::string(data, data + size))) {
      fs::is_wanted(mount);
      fs::is_source(mount.source, partition);
      fs::is_source(mount.source, logical);
      mount.value_of("subvol");
    }
  });
  return 0;
}
