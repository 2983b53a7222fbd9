#pragma once
/// A tar archive of a root file system, plain or compressed, through libarchive. No other file
/// knows that library.

#include <memory>

#include "base/files.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// Whether the start of the file is that of a tar or of what compresses one: gzip, bzip2, xz, zstd.
bool looks_like_archive(const Path& file);

/// Reads all of it once; content goes to a temporary file without a name, which ends with the
/// result. Throws `not_found`, `denied`; `usage` if it is no tar; `corrupt` if it is broken, or
/// larger than any root file system.
std::unique_ptr<FileSystem> open_archive(const Path& file);

}  // namespace hallmark::fs
