#include "scan/inventory/owned.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>

#include "scan/inventory/reader.h"
#include "scan/inventory/rpm.h"
#include "scan/inventory/rpm_header.h"

namespace hallmark::scan {
namespace {

// A system of two thousand packages has 40 MiB of lists in all.
constexpr std::uint64_t kMaxLists = 512u << 20;

/// Distributions merged /lib into /usr/lib; their lists still name either.
std::string merged(std::string path) {
  for (std::string_view place : {"/lib/", "/lib64/", "/bin/", "/sbin/"}) {
    if (path.starts_with(place)) return "/usr" + path;
  }
  return path;
}

bool is_vendored(std::string_view path) {
  constexpr std::string_view kModules = "/node_modules/";
  return path.find("/_vendor/") != path.npos || path.find("/vendor/") != path.npos ||
         path.find(kModules) != path.rfind(kModules) || path.ends_with("/package-lock.json");
}

bool may_be_owned(const model::Package& package) {
  if (package.manager != "python" && package.manager != "npm" && package.manager != "ruby") {
    return false;
  }
  const std::string path = merged(package.path);
  return path.starts_with("/usr/") && !path.starts_with("/usr/local/") && !is_vendored(path);
}

/// Paths that are looked for, and those of them that were found.
class Search {
 public:
  explicit Search(const std::vector<model::Package>& packages) {
    for (const model::Package& package : packages) {
      if (may_be_owned(package)) wanted_.insert(merged(package.path));
    }
  }

  bool is_empty() const { return wanted_.empty(); }
  void look_at(std::string path) {
    path = merged(std::move(path));
    if (wanted_.contains(path)) found_.insert(std::move(path));
  }
  bool has_found(const std::string& path) const { return found_.contains(merged(path)); }

 private:
  std::unordered_set<std::string> wanted_;
  std::unordered_set<std::string> found_;
};

template <typename Function>
void each_line(std::string_view text, Function function) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    function(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// "info/bash.list" has a path on each line; images without dpkg itself have
/// "status.d/bash.md5sums", with a digest before each path, which has no slash at its start.
void look_at_dpkg(Search& search, std::vector<model::CoverageGap>& gaps, fs::FileSystem& files,
                  Budget& budget) {
  auto each_list = [&](const std::string& directory, std::string_view end, auto each) {
    gap_on_error(gaps, directory, [&] {
      for (const std::string& name : names_in(files, directory)) {
        if (!name.ends_with(end)) continue;
        const std::string text = files.read_file(directory + "/" + name);
        budget.spend(text.size());
        each_line(text, each);
      }
    });
  };
  each_list("/var/lib/dpkg/info", ".list",
            [&](std::string_view line) { search.look_at(std::string(line)); });
  each_list("/var/lib/dpkg/status.d", ".md5sums", [&](std::string_view line) {
    const std::size_t blanks = line.find("  ");
    if (blanks != line.npos) search.look_at("/" + std::string(line.substr(blanks + 2)));
  });
}

/// "F:usr/lib" names a directory, and each "R:file" behind it a file there.
void look_at_apk(Search& search, std::vector<model::CoverageGap>& gaps, fs::FileSystem& files) {
  for (const char* path : {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}) {
    gap_on_error(gaps, path, [&] {
      if (!files.stat(path)) return;
      std::string directory;
      each_line(files.read_file(path), [&](std::string_view line) {
        if (line.starts_with("F:")) directory = "/" + std::string(line.substr(2));
        if (line.starts_with("R:")) search.look_at(directory + "/" + std::string(line.substr(2)));
      });
    });
  }
}

}  // namespace

void leave_out_owned(model::Inventory& inventory, fs::FileSystem& files) {
  Search search(inventory.packages);
  if (search.is_empty()) return;
  // What cannot be read of the lists leaves the package in, and the databases' own readers told it.
  std::vector<model::CoverageGap> untold;
  Budget budget(kMaxLists);
  look_at_dpkg(search, untold, files, budget);
  look_at_apk(search, untold, files);
  each_rpm_header(untold, files, [&](std::string_view header) {
    each_rpm_file(header, [&](std::string path) { search.look_at(std::move(path)); });
  });
  std::erase_if(inventory.packages, [&](const model::Package& package) {
    return may_be_owned(package) && search.has_found(package.path);
  });
}

}  // namespace hallmark::scan
