#include "fs/view.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::fs {
namespace {

// As in Linux: more links than this in one path are a loop.
constexpr int kMaxLinks = 40;
// Of those seen to be directories; a whole Debian system has 20,000.
constexpr std::size_t kMaxKnown = 100'000;

class View final : public FileSystem {
 public:
  View(std::unique_ptr<FileSystem> root, std::vector<Mounted> mounted) {
    mounts_.emplace("", std::move(root));
    for (Mounted& each : mounted) {
      try {
        mount(each);
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal) throw;
        refuse(each.place, replace_all(error.full_text(), "\n", ";"));
      }
      known_.clear();
    }
  }

  std::string type() const override { return root().type(); }
  std::string label() const override { return root().label(); }
  std::string uuid() const override { return root().uuid(); }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = problems_;
    for (const auto& [place, files] : mounts_) {
      for (const std::string& warning : files->warnings()) {
        all.push_back(place.empty() ? warning : place + ": " + warning);
      }
    }
    return all;
  }

  std::optional<FileInfo> stat(const std::string& path, bool follow) override {
    std::optional<std::string> real = resolve(path, follow);
    if (!real) return std::nullopt;
    return look(*real);
  }

  std::string read_file(const std::string& path, std::uint64_t limit) override {
    auto [files, inside] = owner(must_resolve(path));
    return files->read_file(inside, limit);
  }

  std::string read_range(const std::string& path, std::uint64_t offset,
                         std::uint64_t length) override {
    auto [files, inside] = owner(must_resolve(path));
    return files->read_range(inside, offset, length);
  }

  std::vector<DirectoryEntry> entries(const std::string& path) override {
    std::string real = must_resolve(path);
    auto [files, inside] = owner(real);
    std::vector<DirectoryEntry> found = files->entries(inside);
    for (const auto& [place, mounted] : mounts_) {
      std::size_t slash = place.rfind('/');
      if (slash == place.npos || place.substr(0, slash) != real) continue;
      std::string name = place.substr(slash + 1);
      std::erase_if(found, [&](const DirectoryEntry& entry) { return entry.name == name; });
      if (auto info = mounted->stat("/")) found.push_back({std::move(name), std::move(*info)});
    }
    std::sort(found.begin(), found.end(),
              [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
    return found;
  }

  std::vector<std::string> list(const std::string& path) override {
    std::string real = must_resolve(path);
    auto [files, inside] = owner(real);
    std::vector<std::string> names = files->list(inside);
    // A place that is not there cannot be mounted on; showing it does no harm.
    for (const auto& [place, mounted] : mounts_) {
      std::size_t slash = place.rfind('/');
      if (slash == place.npos || place.substr(0, slash) != real) continue;
      std::string name = place.substr(slash + 1);
      if (!std::binary_search(names.begin(), names.end(), name)) {
        names.insert(std::lower_bound(names.begin(), names.end(), name), name);
      }
    }
    return names;
  }

 private:
  void refuse(const std::string& place, const std::string& reason) {
    problems_.push_back("nothing is mounted at " + place + ": " + reason);
  }

  void mount(Mounted& each) {
    std::optional<std::string> place = place_of(each.place);
    if (!place) return refuse(each.place, "the directory that it would be in does not exist");
    if (place->empty()) return refuse(each.place, "it would cover the root");
    std::optional<FileInfo> covered = look(*place);
    if (covered && covered->type == FileType::regular) return refuse(each.place, "a file is there");
    std::erase_if(mounts_, [&](const auto& earlier) {
      if (earlier.first != *place && !earlier.first.starts_with(*place + "/")) return false;
      problems_.push_back("what is mounted at " + earlier.first + " is covered");
      return true;
    });
    mounts_.emplace(*std::move(place), std::move(each.files));
  }

  /// Where a mount goes without links. The last directory may be missing: systemd makes it.
  std::optional<std::string> place_of(std::string path) {
    while (path.ends_with('/')) path.pop_back();
    if (std::optional<std::string> real = resolve(path, true)) return real;
    std::size_t slash = path.rfind('/');
    if (slash == path.npos) return std::nullopt;
    std::string name = path.substr(slash + 1);
    std::optional<std::string> parent = resolve(path.substr(0, slash) + "/.", true);
    if (!parent || name == "." || name == "..") return std::nullopt;
    return *parent + "/" + name;
  }

  const FileSystem& root() const { return *mounts_.at(""); }

  /// The file system that `real`, which has no links, lies in, and its path there.
  std::pair<FileSystem*, std::string> owner(const std::string& real) {
    std::string place = real;
    while (!mounts_.contains(place)) place.resize(place.rfind('/'));
    std::string inside = real.substr(place.size());
    return {mounts_.at(place).get(), inside.empty() ? "/" : inside};
  }

  std::optional<FileInfo> look(const std::string& real) {
    auto [files, inside] = owner(real);
    return files->stat(inside, false);
  }

  /// The path without links, "." and ".."; the root's is empty. Nothing if it does not exist.
  std::optional<std::string> resolve(const std::string& path, bool follow) {
    std::string real;
    std::vector<std::string> parts = split(path, '/');
    std::deque<std::string> rest(parts.begin(), parts.end());
    int links = 0;
    while (!rest.empty()) {
      std::string name = std::move(rest.front());
      rest.pop_front();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        if (!real.empty()) real.resize(real.rfind('/'));
        continue;
      }
      std::string next = real + "/" + name;
      if (known_.contains(next)) {
        real = std::move(next);
        continue;
      }
      std::optional<FileInfo> info = look(next);
      if (!info) return std::nullopt;
      bool last = std::all_of(rest.begin(), rest.end(),
                              [](const std::string& part) { return part.empty(); });
      if (info->type == FileType::symlink && (!last || follow)) {
        if (++links > kMaxLinks) return std::nullopt;
        if (info->link_target.starts_with('/')) real.clear();
        std::vector<std::string> steps = split(info->link_target, '/');
        rest.insert(rest.begin(), steps.begin(), steps.end());
        continue;
      }
      if (!last && info->type != FileType::directory) return std::nullopt;
      if (info->type == FileType::directory && known_.size() < kMaxKnown) known_.insert(next);
      real = std::move(next);
    }
    return real;
  }

  std::string must_resolve(const std::string& path) {
    std::optional<std::string> real = resolve(path, true);
    if (!real) throw Error(ErrorKind::not_found, "{} does not exist in the image", path);
    return *std::move(real);
  }

  std::map<std::string, std::unique_ptr<FileSystem>> mounts_;  // by place, the root's is empty
  std::unordered_set<std::string> known_;                      // directories, no links
  std::vector<std::string> problems_;
};

}  // namespace

std::unique_ptr<FileSystem> join_file_systems(std::unique_ptr<FileSystem> root,
                                              std::vector<Mounted> mounted) {
  if (mounted.empty()) return root;
  return std::make_unique<View>(std::move(root), std::move(mounted));
}

}  // namespace hallmark::fs
