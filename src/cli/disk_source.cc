#include "cli/disk_source.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "cli/places.h"

namespace hallmark::cli {

namespace {

struct CloudDisk {
  bool is_snapshot = false;
  std::string id;
};

/// Nothing if it is a path. Nobody is kept from "./ami:x".
std::optional<CloudDisk> cloud_disk(const std::string& source) {
  for (const auto& [prefix, is_snapshot] : {std::pair("ami:", false), std::pair("snap:", true)}) {
    if (!source.starts_with(prefix)) continue;
    const std::string id = source.substr(source.find(':') + 1);
    if (id.empty()) {
      throw Error(ErrorKind::usage, "{} names no {}", source, is_snapshot ? "snapshot" : "image")
          .hint(is_snapshot ? "as snap:snap-0123456789abcdef0" : "as ami:ami-0123456789abcdef0");
    }
    return CloudDisk{is_snapshot, id};
  }
  return std::nullopt;
}

}  // namespace

ArgumentSpec source_argument() {
  return {"FILE",
          "a disk, a directory, a tar archive, ami:ID or snap:ID; it is only read, nothing boots"};
}

std::vector<OptionSpec> source_options() {
  return {{"--any-backing-file", "", "a qcow2 file may name backing files in other directories"},
          {"--account", "ACCOUNT", "of an image or snapshot; our own if not given"},
          {"--region", "REGION", "of an image or snapshot; the first one if not given"}};
}

std::vector<OptionSpec> source_options(std::vector<OptionSpec> more) {
  for (OptionSpec& option : source_options()) more.push_back(std::move(option));
  return more;
}

fs::System open_source(App& app, const Arguments& arguments) {
  const std::string source = arguments.value_or("FILE", "");
  const std::optional<CloudDisk> named = cloud_disk(source);
  if (!named) {
    if (arguments.has("--account") || arguments.has("--region")) {
      throw Error(ErrorKind::usage, "--account and --region say where an image lies, {} is a file",
                  source)
          .hint("ami:ID names an image, snap:ID a snapshot");
    }
    return fs::open_system(source, arguments.has("--any-backing-file")
                                       ? disk::BackingFiles::anywhere
                                       : disk::BackingFiles::beside);
  }
  pipeline::Context& context = app.workplace().context;
  const cloud::Place place = place_of(app, arguments);
  std::unique_ptr<disk::BlockReader> disk =
      named->is_snapshot ? context.image_services.open_snapshot(place, named->id)
                         : context.cloud.open_image(place, named->id);
  fs::System system = fs::open_system(*disk);
  system.storage.insert(system.storage.begin(), std::move(disk));
  return system;
}

std::string source_name(const Arguments& arguments) {
  const std::string source = arguments.value_or("FILE", "");
  if (const auto named = cloud_disk(source)) return named->id;
  // "." and "/" have no name of their own.
  const std::string name = Path(source).lexically_normal().filename().string();
  return name.empty() || name == "." ? source : name;
}

}  // namespace hallmark::cli
