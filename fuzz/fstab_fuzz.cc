#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fs/fstab.h"
#include "fs/mount_units.h"
#include "fuzz/only_errors.h"
#include "scan/inventory/memory_files.h"

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
  only_errors([&] {
    scan::MemoryFiles files{{"/etc/systemd/system/a.mount", std::string(data, data + size)},
                            {"/etc/systemd/system/x.wants/a.mount", ""}};
    std::vector<fs::Gap> gaps;
    fs::mount_units(files, gaps);
  });
  return 0;
}
