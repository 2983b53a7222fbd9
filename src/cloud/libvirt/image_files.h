#pragma once
/// Disk files of images: checking, converting and copying them. Each function writes a new file and
/// removes what it wrote if it fails. Files are immutable once made (mode 0444).

#include <cstdint>
#include <stop_token>

#include "base/files.h"

namespace hallmark::cloud::libvirt {

struct DiskFacts {
  std::string format;                 ///< "qcow2" or "raw"
  std::uint64_t disk_size_bytes = 0;  ///< as a guest sees it
  bool compressed = false;            ///< qcow2 whose clusters are nearly all compressed
};

/// Reads the file's structure, not all of its data. Throws `corrupt` if it is damaged, truncated or
/// no disk at all, `usage` for formats we do not take and for a qcow2 that leans on another file.
DiskFacts inspect_disk(const Path& file, std::stop_token stop);

/// Makes `target`, a standalone compressed qcow2 with the content of `source`. Throws `corrupt` if
/// `source` turns out unreadable, `unavailable` if there is no space.
void compress_disk(const Path& source, const std::string& source_format, const Path& target,
                   std::stop_token stop);

/// Makes `target`, a sparse raw file with the content of the qcow2 `source`.
void expand_disk(const Path& source, const Path& target, std::stop_token stop);

/// Makes `target` a copy of the image file `source`: shares its blocks where the file system can
/// (reflink), else is a second name of it (images never change), else a real copy.
void copy_image_file(const Path& source, const Path& target, std::stop_token stop);

/// A private copy of a file that its owner may change: reflink or real copy, never a second name.
void copy_disk_file(const Path& source, const Path& target, std::stop_token stop);

/// Returns once the file's content is on the disk.
void sync_file(const Path& file);

/// A new qcow2 that holds the differences from `base`, named relative to the overlay's directory.
void create_overlay(const Path& overlay, const std::string& base, std::stop_token stop);

/// Throws `unavailable` with the way out if fewer than `needed_bytes` are free where `path` lies.
void require_space(const Path& path, std::uint64_t needed_bytes);

}  // namespace hallmark::cloud::libvirt
