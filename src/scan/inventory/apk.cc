#include "scan/inventory/apk.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "scan/inventory/reader.h"

namespace hallmark::scan {

namespace {

// Since Alpine 3.23 the database lies below /usr.
constexpr const char* kInstalled[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"};

/// One record of lines "K:value". Lines of files (F, R, a, Z, M) are none of ours; what an apk that
/// is newer than this writes besides is passed over, as apk itself does with lower-case letters.
class Record {
 public:
  void add(std::string_view line, std::size_t number) {
    if (line_ == 0) line_ = number;
    if (line.size() < 2 || line[1] != ':') {
      if (problem_.empty()) problem_ = fmt::format("line {} has no colon after its letter", number);
      return;
    }
    const std::string_view value = line.substr(2);
    switch (line[0]) {
      case 'P':
        package_.name = value;
        break;
      case 'V':
        package_.version = value;
        break;
      case 'A':
        package_.architecture = value;
        break;
      case 'o':
        package_.source_name = value;
        break;
      case 'f':
        broken_ = value.find_first_of("fsx") != value.npos;
        break;
      default:
        break;
    }
  }

  void finish(ApkPackages& found, std::string_view origin) {
    if (line_ == 0) return;
    const std::string where = package_.name.empty() ? fmt::format("{} line {}", origin, line_)
                                                    : "package " + package_.name;
    if (!problem_.empty()) found.gaps.push_back({where, fmt::format("{}: {}", origin, problem_)});
    if (package_.name.empty() || package_.version.empty()) {
      const char* what = package_.name.empty() ? "package" : "version";
      found.gaps.push_back({where, fmt::format("{} names no {}", origin, what)});
      return;
    }
    if (broken_) found.gaps.push_back({where, "apk has marked it as broken"});
    if (package_.source_name.empty()) package_.source_name = package_.name;
    package_.source_version = package_.version;
    package_.manager = "apk";
    found.packages.push_back(std::move(package_));
  }

 private:
  std::size_t line_ = 0;
  model::Package package_;
  bool broken_ = false;
  std::string problem_;
};

}  // namespace

ApkPackages parse_apk_installed(std::string_view text, std::string_view origin) {
  ApkPackages found;
  Record record;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) {
      record.finish(found, origin);
      record = {};
    } else {
      record.add(line, number);
    }
  }
  record.finish(found, origin);
  return found;
}

bool read_apk(model::Inventory& inventory, fs::FileSystem& files) {
  bool is_there = false;
  for (const char* path : kInstalled) {
    gap_on_error(inventory.gaps, path, [&] {
      // One of the two places may be a link to the other.
      if (is_there || !files.stat(path)) return;
      is_there = true;
      ApkPackages found = parse_apk_installed(files.read_file(path), path);
      for (model::Package& package : found.packages) {
        inventory.packages.push_back(std::move(package));
      }
      for (model::CoverageGap& gap : found.gaps) inventory.gaps.push_back(std::move(gap));
    });
  }
  return is_there;
}

}  // namespace hallmark::scan
