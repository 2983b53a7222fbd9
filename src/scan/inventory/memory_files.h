#pragma once
/// For tests and fuzz targets: a file system in memory.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "fs/file_system.h"

namespace hallmark::scan {

class MemoryFiles final : public fs::FileSystem {
 public:
  MemoryFiles() = default;
  MemoryFiles(std::initializer_list<std::pair<const char*, std::string>> files) {
    for (const auto& [path, content] : files) add(path, content);
  }

  void add(const std::string& path, std::string content, std::uint32_t mode = 0644,
           std::uint32_t uid = 0) {
    put(path,
        {.type = fs::FileType::regular, .size_bytes = content.size(), .mode = mode, .uid = uid});
    contents_[path] = std::move(content);
  }
  void add_directory(const std::string& path, std::uint32_t mode = 0755) {
    put(path, {.type = fs::FileType::directory, .mode = mode});
  }
  void add_link(const std::string& path, const std::string& target) {
    put(path, {.type = fs::FileType::symlink, .mode = 0777, .link_target = target});
  }

  std::string type() const override { return "memory"; }
  std::string label() const override { return ""; }
  std::vector<std::string> warnings() const override { return {}; }

  std::optional<fs::FileInfo> stat(const std::string& path, bool follow) override {
    auto found = infos_.find(resolved(path, follow));
    if (found == infos_.end()) return std::nullopt;
    return found->second;
  }
  std::string read_file(const std::string& path, std::uint64_t limit) override {
    auto found = contents_.find(resolved(path, true));
    if (found == contents_.end()) throw Error(ErrorKind::not_found, "{} does not exist", path);
    if (found->second.size() > limit) throw Error(ErrorKind::usage, "{} is too large", path);
    return found->second;
  }
  std::vector<std::string> list(const std::string& path) override {
    const std::string directory = resolved(path, true);
    auto info = infos_.find(directory);
    if (info == infos_.end() || info->second.type != fs::FileType::directory) {
      throw Error(ErrorKind::not_found, "{} is not a directory", path);
    }
    const std::string prefix = directory == "/" ? "/" : directory + "/";
    std::vector<std::string> names;
    for (auto at = infos_.upper_bound(prefix); at != infos_.end() && at->first.starts_with(prefix);
         ++at) {
      const std::string name = at->first.substr(prefix.size());
      if (name.find('/') == name.npos) names.push_back(name);
    }
    return names;
  }

 private:
  void put(const std::string& path, fs::FileInfo info) {
    infos_[path] = std::move(info);
    infos_.try_emplace("/", fs::FileInfo{.type = fs::FileType::directory, .mode = 0755});
    for (std::size_t slash = path.rfind('/'); slash != 0 && slash != path.npos;
         slash = path.rfind('/', slash - 1)) {
      infos_.try_emplace(path.substr(0, slash),
                         fs::FileInfo{.type = fs::FileType::directory, .mode = 0755});
    }
  }

  /// Links are absolute here, or names beside them.
  std::string resolved(const std::string& path, bool follow) const {
    std::string way;
    int links = 0;
    std::vector<std::string> parts = split(path, '/');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty()) continue;
      const std::string next = way + "/" + parts[i];
      auto found = infos_.find(next);
      const bool is_last = i + 1 == parts.size();
      if (found != infos_.end() && found->second.type == fs::FileType::symlink &&
          (!is_last || follow) && ++links < 40) {
        const std::string& target = found->second.link_target;
        way = target.starts_with('/') ? target : way + "/" + target;
        if (way == "/") way.clear();
      } else {
        way = next;
      }
    }
    return way.empty() ? "/" : way;
  }

  std::map<std::string, fs::FileInfo> infos_;
  std::map<std::string, std::string> contents_;
};

}  // namespace hallmark::scan
