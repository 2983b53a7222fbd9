#pragma once
/// A directory of this machine that holds the root of a system, such as a mounted image.

#include <memory>

#include "base/files.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// Symlinks, absolute ones too, are followed inside `root` only; the kernel sees to it. Nothing but
/// regular files is opened. Throws `not_found`, `denied`; calls throw `denied` for what we may not
/// read.
std::unique_ptr<FileSystem> open_directory(const Path& root);

}  // namespace hallmark::fs
