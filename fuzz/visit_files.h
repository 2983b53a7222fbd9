#pragma once
/// Reads what a broken file system still shows.

#include <string>
#include <vector>

#include "fs/file_system.h"
#include "fuzz/only_errors.h"

namespace hallmark {

inline void visit(fs::FileSystem& files, const std::string& directory, int depth, int& left) {
  std::vector<std::string> names;
  only_errors([&] { names = files.list(directory); });
  for (const std::string& name : names) {
    if (--left < 0) return;
    std::string path = directory + "/" + name;
    // One failing call must not hide the others.
    only_errors([&] {
      auto info = files.stat(path, false);
      if (!info) return;
      if (info->type == fs::FileType::directory && depth > 0) visit(files, path, depth - 1, left);
      if (info->type == fs::FileType::regular) files.read_file(path, 1 << 20);
    });
    only_errors([&] { files.stat(path + "/below", true); });
  }
}

inline void visit(fs::FileSystem& files) {
  files.warnings();
  files.label();
  int left = 100;
  visit(files, "", 3, left);
  only_errors([&] { files.read_file("/var/link", 1 << 20); });
}

}  // namespace hallmark
