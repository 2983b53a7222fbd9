#include "fs/nodes.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "fs/metered.h"

namespace hallmark::fs {
namespace {

// As in Linux: more links than this in one path are a loop, and no name is longer.
constexpr int kMaxLinks = 40;
constexpr std::size_t kMaxNameBytes = 255;

/// Says which file could not be read.
template <typename Function>
auto reading(const std::string& path, Function function) {
  try {
    return function();
  } catch (Error& error) {
    error.note("while reading " + path);
    throw;
  }
}

}  // namespace

/// The directories on the way are kept, so that ".." needs no trust in the image.
std::optional<NodeFileSystem::Found> NodeFileSystem::walk(const std::string& path, bool follow) {
  std::vector<Found> way = {{root(), info(root())}};
  std::vector<std::string> parts = split(path, '/');
  std::deque<std::string> rest(parts.begin(), parts.end());
  int links = 0;
  while (!rest.empty()) {
    std::string name = std::move(rest.front());
    rest.pop_front();
    if (name.empty() || name == ".") continue;
    if (way.back().info.type != FileType::directory) return std::nullopt;
    if (name == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    if (name.size() > kMaxNameBytes) return std::nullopt;
    std::optional<Node> node = child(way.back().node, name);
    if (!node) return std::nullopt;
    Found found{*node, info(*node)};
    bool last =
        std::all_of(rest.begin(), rest.end(), [](const std::string& part) { return part.empty(); });
    if (found.info.type == FileType::symlink && (!last || follow)) {
      if (++links > kMaxLinks) return std::nullopt;
      const std::string& target = found.info.link_target;
      if (target.starts_with('/')) way.resize(1);
      std::vector<std::string> steps = split(target, '/');
      rest.insert(rest.begin(), steps.begin(), steps.end());
      continue;
    }
    // Directories have one name each; without this a look down a circle ends at its longest path.
    if (found.info.type == FileType::directory &&
        std::any_of(way.begin(), way.end(),
                    [&](const Found& above) { return above.node == found.node; })) {
      throw Error(ErrorKind::corrupt, "a directory lies within itself");
    }
    way.push_back(std::move(found));
  }
  return way.back();
}

std::optional<NodeFileSystem::Found> NodeFileSystem::find(const std::string& path, bool follow) {
  allow(kMetadataBudget);
  return reading(path, [&] { return walk(path, follow); });
}

NodeFileSystem::Found NodeFileSystem::must_find(const std::string& path) {
  std::optional<Found> found = find(path, true);
  if (!found) throw Error(ErrorKind::not_found, "{} does not exist in the image", path);
  return *std::move(found);
}

std::optional<FileInfo> NodeFileSystem::stat(const std::string& path, bool follow) {
  std::optional<Found> found = find(path, follow);
  if (!found) return std::nullopt;
  return std::move(found->info);
}

NodeFileSystem::Found NodeFileSystem::must_find_file(const std::string& path) {
  Found file = must_find(path);
  if (file.info.type != FileType::regular) {
    throw Error(ErrorKind::usage, "{} is not a regular file", path);
  }
  return file;
}

NodeFileSystem::Found NodeFileSystem::must_find_directory(const std::string& path) {
  Found directory = must_find(path);
  if (directory.info.type != FileType::directory) {
    throw Error(ErrorKind::not_found, "{} is not a directory", path);
  }
  return directory;
}

std::string NodeFileSystem::read_file(const std::string& path, std::uint64_t limit) {
  Found file = must_find_file(path);
  if (file.info.size_bytes > limit) {
    throw Error(ErrorKind::usage, "{} has {} bytes, more than the {} that are read", path,
                file.info.size_bytes, limit);
  }
  allow(kMetadataBudget + 2 * file.info.size_bytes);
  return reading(path, [&] { return content(file.node, file.info.size_bytes); });
}

std::string NodeFileSystem::read_range(const std::string& path, std::uint64_t offset,
                                       std::uint64_t length) {
  Found file = must_find_file(path);
  const std::uint64_t size = file.info.size_bytes;
  if (offset >= size) return "";
  length = std::min(length, size - offset);
  allow(kMetadataBudget + 2 * length);
  return reading(path, [&] { return part(file.node, size, offset, length); });
}

std::vector<std::string> NodeFileSystem::list(const std::string& path) {
  Found directory = must_find_directory(path);
  allow(kMetadataBudget);
  std::vector<std::string> found = reading(path, [&] { return names(directory.node); });
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<DirectoryEntry> NodeFileSystem::entries(const std::string& path) {
  Found directory = must_find_directory(path);
  allow(kMetadataBudget);
  return reading(path, [&] {
    std::vector<std::string> found = names(directory.node);
    std::sort(found.begin(), found.end());
    std::vector<DirectoryEntry> entries;
    for (std::string& name : found) {
      // Each inode is allowed as much as a look-up: the sum is bounded by their number.
      allow(kMetadataBudget);
      if (auto node = child(directory.node, name)) {
        entries.push_back({std::move(name), info(*node)});
      }
    }
    return entries;
  });
}

}  // namespace hallmark::fs
