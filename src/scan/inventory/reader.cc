#include "scan/inventory/reader.h"

#include <utility>

#include "base/text.h"

namespace hallmark::scan {

std::string reason_of(const Error& error) { return replace_all(error.full_text(), "\n", ";"); }

bool is_about_content(const Error& error) {
  return error.kind() != ErrorKind::unavailable && error.kind() != ErrorKind::internal;
}

std::vector<std::string> names_in(fs::FileSystem& files, const std::string& path) {
  auto info = files.stat(path);
  if (!info || info->type != fs::FileType::directory) return {};
  return files.list(path);
}

bool is_file(fs::FileSystem& files, const std::string& path) {
  auto info = files.stat(path);
  return info && info->type == fs::FileType::regular;
}

std::string text_of(model::Inventory& inventory, fs::FileSystem& files, const std::string& path,
                    std::uint64_t limit) {
  std::string text;
  gap_on_error(inventory.gaps, path, [&] {
    if (is_file(files, path)) text = files.read_file(path, limit);
  });
  return text;
}

std::string dpkg_architecture(const std::string& machine) {
  static constexpr std::pair<const char*, const char*> kNames[] = {
      {"x86_64", "amd64"}, {"aarch64", "arm64"},   {"i686", "i386"},   {"x86", "i386"},
      {"armv7", "armhf"},  {"ppc64le", "ppc64el"}, {"armhfp", "armhf"}};
  for (const auto& [from, to] : kNames) {
    if (machine == from) return to;
  }
  return machine;
}

}  // namespace hallmark::scan
