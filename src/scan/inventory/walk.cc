#include "scan/inventory/walk.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

// Directories that are linked into themselves end here: the largest images have two million files,
// and Linux takes no path that is longer than 4,096 bytes.
constexpr std::uint64_t kMaxEntries = 4'000'000;
constexpr std::size_t kMaxPath = 4096;
// Node's modules within modules reach 60; each step down costs a look at all those above.
constexpr std::ptrdiff_t kMaxDepth = 256;
constexpr std::size_t kMaxGaps = 100;
// Of names of directories that are still to be read.
constexpr std::uint64_t kMaxWaiting = 256u << 20;

bool is_transient(const std::string& path) {
  static constexpr std::array<const char*, 4> kTransient = {"/dev", "/proc", "/run", "/sys"};
  return std::find(kTransient.begin(), kTransient.end(), path) != kTransient.end();
}

}  // namespace

void walk(model::Inventory& inventory, fs::FileSystem& files, const Visit& visit) {
  std::vector<std::string> waiting = {"/"};
  std::uint64_t entries = 0;
  std::uint64_t waiting_bytes = 1;
  std::vector<model::CoverageGap> gaps;
  while (!waiting.empty() && gaps.size() < kMaxGaps) {
    const std::string directory = std::move(waiting.back());
    waiting.pop_back();
    waiting_bytes -= directory.size();
    gap_on_error(gaps, directory, [&] {
      if (std::count(directory.begin(), directory.end(), '/') > kMaxDepth) {
        throw Error(ErrorKind::corrupt, "it lies below more than {} directories", kMaxDepth);
      }
      if (directory.size() > kMaxPath) throw Error(ErrorKind::corrupt, "its path is too long");
      for (fs::DirectoryEntry& entry : files.entries(directory)) {
        if (++entries > kMaxEntries) return;
        std::string path = directory == "/" ? "/" + entry.name : directory + "/" + entry.name;
        visit(path, entry.info);
        if (entry.info.type == fs::FileType::directory && !is_transient(path)) {
          waiting_bytes += path.size();
          if (waiting_bytes > kMaxWaiting) return;
          waiting.push_back(std::move(path));
        }
      }
    });
    if (waiting_bytes > kMaxWaiting) {
      gaps.push_back({"files", "names of directories take 256 MiB; the rest was not looked at"});
      break;
    }
    if (entries > kMaxEntries) {
      gaps.push_back({"files", "there are more than 4,000,000; the rest was not looked at"});
      break;
    }
  }
  if (gaps.size() == kMaxGaps) {
    gaps.push_back({"files", "too many directories cannot be read; the rest was not looked at"});
  }
  for (model::CoverageGap& gap : gaps) inventory.gaps.push_back(std::move(gap));
}

}  // namespace hallmark::scan
