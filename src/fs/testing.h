#pragma once
/// For tests: a tree of files with all that a format keeps in different ways, and the comparison of
/// a file system with the directory it was made from.

#include <string>

#include "base/files.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// Random bytes, which nothing can compress.
std::string random_bytes(std::size_t size, unsigned seed = 1);

/// Faster than write_file, which waits until the disk has it.
void put_file(const Path& path, const std::string& content);

struct SampleOptions {
  int many = 300;  ///< files in one directory
  std::size_t large_bytes = 700'017;
  std::size_t longest_link = 1023;
};

/// Fills `root`: etc/os-release, small and large files, holes, empty ones, text that compresses, a
/// directory of `many` names, deep directories, links of all lengths, odd modes. No name has
/// blanks.
void make_sample(const Path& root, SampleOptions options = {});

/// The content of an .xz file.
std::string unpacked(const Path& file);

struct Compared {
  bool owners = true, times = true;
};

/// Every name, type, mode, size, link and byte below `root` is the same in `files`, and no name is
/// there that is not in `root`.
void expect_same(FileSystem& files, const Path& root, Compared compared = {});

/// Damages `image` in `places` random places of its first `reach` bytes again and again, and reads
/// what can be read then. Nothing but Errors may come of it, and none that blames us.
void expect_only_errors(const std::string& image, std::size_t reach, int rounds = 100,
                        int places = 20);

}  // namespace hallmark::fs
