#pragma once
/// Reads a partition's structures: those read lately are kept, and each call to the file system may
/// read only so much.

#include <cstdint>
#include <memory>
#include <utility>

#include "disk/block_reader.h"
#include "disk/lru_cache.h"
#include "fs/fields.h"

namespace hallmark::fs {

/// What one look-up or listing may read. The largest directories on real images have a few MiB.
constexpr std::uint64_t kMetadataBudget = 256u << 20;
/// A directory with a million names is 50 times the largest one in a Debian system.
constexpr std::size_t kMaxNames = 1'000'000;
/// As in Linux (PATH_MAX).
constexpr std::size_t kMaxLinkBytes = 4096;

class Metered {
 public:
  /// Keeps `blocks` structures at most.
  Metered(disk::BlockReader& partition, std::size_t blocks)
      : partition_(partition), blocks_(blocks) {}

  /// From now on at most `bytes` may be read until the next call. Structures that were made to run
  /// in circles end here and not never.
  void allow(std::uint64_t bytes) { budget_ = bytes; }

  std::uint64_t size_bytes() const { return partition_.size_bytes(); }

  /// A structure; the one at `offset` always has the same length. Cached ones count as read too:
  /// a circle may be short.
  std::shared_ptr<const Bytes> block(std::uint64_t offset, std::size_t length) {
    spend(length);
    if (const auto* known = blocks_.find(offset); known && (*known)->size() == length) {
      return *known;
    }
    auto bytes = std::make_shared<Bytes>(length);
    partition_.read(offset, *bytes);
    if (blocks_.find(offset) == nullptr) blocks_.put(offset, bytes);
    return bytes;
  }

  /// Content of files, which is not kept.
  void read(std::uint64_t offset, std::span<std::byte> out) {
    spend(out.size());
    partition_.read(offset, out);
  }

 private:
  void spend(std::uint64_t bytes) {
    if (bytes > budget_) {
      throw Error(ErrorKind::corrupt, "the file system's structures run in circles");
    }
    budget_ -= bytes;
  }

  disk::BlockReader& partition_;
  std::uint64_t budget_ = 0;
  disk::LruCache<std::uint64_t, std::shared_ptr<const Bytes>> blocks_;
};

}  // namespace hallmark::fs
