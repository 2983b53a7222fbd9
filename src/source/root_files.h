#pragma once
/// What a source image contains besides its packages: small files and links, as data.

#include <string>
#include <vector>

#include "base/files.h"

namespace hallmark::source {

struct RootFile {
  std::string path;  ///< in the image, absolute
  std::string content;
  unsigned mode = 0644;
  std::string link_to;  ///< if not empty, a symbolic link to this and no content
};

/// Must be there before packages are installed: what goes into the initial RAM disk.
std::vector<RootFile> early_root_files();
/// Written over the installed system: network, boot, clean identity.
std::vector<RootFile> final_root_files(const std::string& sources_list);
/// Removed from the installed system. The last part of a path may end with `*`.
std::vector<std::string> unwanted_root_files();

/// Applies them to the tree at `root`. Never follows a link out of it.
void write_root_files(const Path& root, const std::vector<RootFile>& files);
void remove_root_files(const Path& root, const std::vector<std::string>& paths);

}  // namespace hallmark::source
