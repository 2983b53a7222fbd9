#pragma once
/// Bytes of a disk, wherever they lie: a raw file, a qcow2 chain, an EBS snapshot.

#include <cstdint>
#include <memory>
#include <span>

#include "base/files.h"

namespace hallmark::disk {

/// A disk's content as the guest would see it. Reading never writes. Safe to use from one thread at
/// a time.
class BlockReader {
 public:
  virtual ~BlockReader() = default;
  virtual std::uint64_t size_bytes() const = 0;
  /// Fills all of `out` from `offset`. Throws `corrupt` if the range leaves the disk or the format
  /// is broken there, `unavailable` on I/O errors.
  virtual void read(std::uint64_t offset, std::span<std::byte> out) = 0;
  /// Bytes fetched from storage so far: what a sparse read really cost.
  virtual std::uint64_t fetched_bytes() const = 0;
};

/// Which backing files an image may name. Who made it may not be who opens it, and would otherwise
/// choose files of this machine to be read.
enum class BackingFiles {
  anywhere,  ///< images of our own
  beside,    ///< in the directory of the opened file or below
};

/// Recognises raw, qcow2, VMDK and VHD by content. Throws `not_found`, `denied`, or `corrupt` with
/// the place in the file.
std::unique_ptr<BlockReader> open_disk(const Path& file,
                                       BackingFiles backing = BackingFiles::anywhere);

}  // namespace hallmark::disk
