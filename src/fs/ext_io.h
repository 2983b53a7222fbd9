#pragma once
/// libext2fs reads through this instead of a file: an io_manager on a BlockReader.

#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <exception>
#include <span>
#include <utility>

#include "disk/block_reader.h"

namespace hallmark::fs {

/// Shared by the file system and the channels that the library opens. Exceptions cannot pass
/// through C code: the channel keeps the first one, answers with an error code, and `rethrow`
/// brings it back.
class ExtStorage {
 public:
  explicit ExtStorage(disk::BlockReader& partition) : partition_(partition) {}

  /// From now on at most `bytes` may be read until the next call. Structures that were made to run
  /// in circles end here and not never.
  void allow(std::uint64_t bytes) {
    budget_ = bytes;
    failure_ = nullptr;
  }
  void rethrow() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }
  /// Counts `bytes` as read. Cached ones count too: a circle may be short.
  errcode_t spend(std::uint64_t bytes);
  errcode_t read(std::uint64_t offset, std::span<std::byte> out);

 private:
  disk::BlockReader& partition_;
  std::uint64_t budget_ = 0;
  std::exception_ptr failure_;
};

io_manager ext_io_manager();

/// The channel that is opened next by this thread reads from `storage`: the library's open function
/// passes only a name.
void set_next_storage(ExtStorage* storage);

}  // namespace hallmark::fs
