#include "fs/file_system.h"

#include <algorithm>

namespace hallmark::fs {

std::vector<DirectoryEntry> FileSystem::entries(const std::string& path) {
  std::vector<DirectoryEntry> found;
  for (std::string& name : list(path)) {
    if (auto info = stat(path + "/" + name, false)) {
      found.push_back({std::move(name), std::move(*info)});
    }
  }
  return found;
}

std::string FileSystem::read_range(const std::string& path, std::uint64_t offset,
                                   std::uint64_t length) {
  std::string bytes = read_file(path);
  return bytes.substr(std::min<std::uint64_t>(offset, bytes.size()), length);
}

}  // namespace hallmark::fs
