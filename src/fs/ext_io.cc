#include "fs/ext_io.h"

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "disk/lru_cache.h"

namespace hallmark::fs {
namespace {

using Bytes = std::vector<std::byte>;

// Inode tables and directories are read block by block, each several times. 4 MiB with blocks of
// 4 KiB.
constexpr std::size_t kCachedBlocks = 1024;

struct Channel {
  struct_io_channel base{};
  ExtStorage* storage = nullptr;
  std::string name;
  disk::LruCache<std::uint64_t, Bytes> blocks{kCachedBlocks};
};

thread_local ExtStorage* next_storage = nullptr;

Channel& channel_of(io_channel channel) { return *static_cast<Channel*>(channel->private_data); }

errcode_t open_channel(const char* name, int, io_channel* out) {
  if (next_storage == nullptr) return EXT2_ET_BAD_DEVICE_NAME;
  auto channel = std::make_unique<Channel>();
  channel->storage = next_storage;
  channel->name = name;
  channel->base.magic = EXT2_ET_MAGIC_IO_CHANNEL;
  channel->base.manager = ext_io_manager();
  channel->base.name = channel->name.data();
  channel->base.block_size = 1024;
  channel->base.refcount = 1;
  channel->base.private_data = channel.get();
  *out = &channel.release()->base;
  return 0;
}

errcode_t close_channel(io_channel channel) {
  if (--channel->refcount <= 0) delete &channel_of(channel);
  return 0;
}

errcode_t set_block_size(io_channel channel, int size) {
  if (channel->block_size != size) {
    channel_of(channel).blocks = disk::LruCache<std::uint64_t, Bytes>(kCachedBlocks);
  }
  channel->block_size = size;
  return 0;
}

errcode_t read_blocks(io_channel base, unsigned long long block, int count, void* data) {
  Channel& channel = channel_of(base);
  auto block_size = static_cast<std::uint64_t>(base->block_size);
  if (block > std::numeric_limits<std::uint64_t>::max() / block_size) return EXT2_ET_BAD_BLOCK_NUM;
  std::uint64_t offset = block * block_size;
  // By the library's convention a negative count is a number of bytes.
  std::uint64_t length = count < 0 ? std::uint64_t(-std::int64_t{count})
                                   : static_cast<std::uint64_t>(count) * block_size;
  std::span out(static_cast<std::byte*>(data), static_cast<std::size_t>(length));
  if (count != 1) return channel.storage->read(offset, out);
  if (const Bytes* known = channel.blocks.find(block)) {
    if (errcode_t status = channel.storage->spend(length)) return status;
    std::copy(known->begin(), known->end(), out.begin());
    return 0;
  }
  errcode_t status = channel.storage->read(offset, out);
  if (status == 0) channel.blocks.put(block, Bytes(out.begin(), out.end()));
  return status;
}

errcode_t read_blocks32(io_channel channel, unsigned long block, int count, void* data) {
  return read_blocks(channel, block, count, data);
}
errcode_t write_blocks(io_channel, unsigned long, int, const void*) { return EXT2_ET_RO_FILSYS; }
errcode_t write_blocks64(io_channel, unsigned long long, int, const void*) {
  return EXT2_ET_RO_FILSYS;
}
errcode_t flush(io_channel) { return 0; }

}  // namespace

errcode_t ExtStorage::spend(std::uint64_t bytes) {
  if (bytes <= budget_) {
    budget_ -= bytes;
    return 0;
  }
  if (!failure_) {
    failure_ = std::make_exception_ptr(
        Error(ErrorKind::corrupt, "the file system's structures run in circles"));
  }
  return EXT2_ET_SHORT_READ;
}

errcode_t ExtStorage::read(std::uint64_t offset, std::span<std::byte> out) {
  if (errcode_t status = spend(out.size())) return status;
  try {
    partition_.read(offset, out);
    return 0;
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
    return EXT2_ET_SHORT_READ;
  }
}

io_manager ext_io_manager() {
  static struct_io_manager manager = [] {
    struct_io_manager made{};
    made.magic = EXT2_ET_MAGIC_IO_MANAGER;
    made.name = "hallmark";
    made.open = open_channel;
    made.close = close_channel;
    made.set_blksize = set_block_size;
    made.read_blk = read_blocks32;
    made.read_blk64 = read_blocks;
    made.write_blk = write_blocks;
    made.write_blk64 = write_blocks64;
    made.flush = flush;
    return made;
  }();
  return &manager;
}

void set_next_storage(ExtStorage* storage) { next_storage = storage; }

}  // namespace hallmark::fs
