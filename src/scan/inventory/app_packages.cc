#include "scan/inventory/app_packages.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

void add(model::Inventory& inventory, const char* manager, std::string name, std::string version,
         std::string architecture, std::string path) {
  inventory.gaps.push_back({fmt::format("{} {} {}", manager, name, version),
                            "what is inside is not read; advisories know its packages only"});
  inventory.packages.push_back({.name = name,
                                .version = version,
                                .architecture = std::move(architecture),
                                .source_name = name,
                                .source_version = version,
                                .manager = manager,
                                .path = std::move(path)});
}

}  // namespace

void read_snaps(model::Inventory& inventory, fs::FileSystem& files) {
  for (const char* path : {"/var/lib/snapd/snaps", "/var/lib/snapd/seed/snaps"}) {
    gap_on_error(inventory.gaps, path, [&, directory = std::string(path)] {
      for (const std::string& file : names_in(files, directory)) {
        if (!file.ends_with(".snap") || !is_file(files, directory + "/" + file)) continue;
        // "core22_1380.snap": the name and the revision.
        const std::string stem = file.substr(0, file.size() - 5);
        const std::size_t underscore = std::min(stem.rfind('_'), stem.size());
        add(inventory, "snap", stem.substr(0, underscore),
            stem.substr(std::min(underscore + 1, stem.size())), "", directory + "/" + file);
      }
    });
  }
}

void read_flatpaks(model::Inventory& inventory, fs::FileSystem& files) {
  for (const char* kind : {"app", "runtime"}) {
    const std::string root = std::string("/var/lib/flatpak/") + kind;
    gap_on_error(inventory.gaps, root, [&] {
      for (const std::string& name : names_in(files, root)) {
        for (const std::string& architecture : names_in(files, root + "/" + name)) {
          // A link to the one that is started.
          if (architecture == "current") continue;
          const std::string directory = root + "/" + name + "/" + architecture;
          for (const std::string& branch : names_in(files, directory)) {
            if (!files.stat(directory + "/" + branch + "/active")) continue;
            add(inventory, "flatpak", name, branch, dpkg_architecture(architecture),
                directory + "/" + branch);
          }
        }
      }
    });
  }
}

}  // namespace hallmark::scan
