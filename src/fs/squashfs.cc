#include "fs/squashfs.h"

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>

#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fs/fields.h"
#include "fs/metered.h"
#include "fs/nodes.h"

namespace hallmark::fs {
namespace {

// The library takes 16 bytes for each. Even of the smallest blocks these hold 16 GiB of the ends of
// files.
constexpr std::uint32_t kMaxFragments = 4u << 20;

/// The library reads through this. Exceptions cannot pass through C code: the first is kept, and
/// `check` brings it back.
struct Storage {
  sqfs_file_t file{};  // first: the library passes its address
  Metered reader;
  std::exception_ptr failure;

  // The library asks for each block once, and keeps it itself.
  explicit Storage(disk::BlockReader& partition) : reader(partition, 1) {
    file.read_at = [](sqfs_file_t* self, sqfs_u64 offset, void* buffer, std::size_t size) -> int {
      auto* storage = reinterpret_cast<Storage*>(self);
      try {
        storage->reader.read(offset, {static_cast<std::byte*>(buffer), size});
        return 0;
      } catch (...) {
        if (!storage->failure) storage->failure = std::current_exception();
        return SQFS_ERROR_IO;
      }
    };
    file.write_at = [](sqfs_file_t*, sqfs_u64, const void*, std::size_t) -> int {
      return SQFS_ERROR_UNSUPPORTED;
    };
    file.get_size = [](const sqfs_file_t* self) -> sqfs_u64 {
      return reinterpret_cast<const Storage*>(self)->reader.size_bytes();
    };
    file.truncate = [](sqfs_file_t*, sqfs_u64) -> int { return SQFS_ERROR_UNSUPPORTED; };
  }

  void check(int status, const char* what) {
    if (status >= 0) return;
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
    // Counts decide what the library asks memory for: too much of it is the image's fault.
    ErrorKind kind = status == SQFS_ERROR_UNSUPPORTED ? ErrorKind::usage : ErrorKind::corrupt;
    throw Error(kind, "{} cannot be read ({})", what, status);
  }
};

struct Destroy {
  template <typename Object>
  void operator()(Object* object) const {
    sqfs_destroy(object);
  }
};
struct Free {
  void operator()(void* memory) const { sqfs_free(memory); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Destroy>;
using Inode = std::unique_ptr<sqfs_inode_generic_t, Free>;

FileType type_of(unsigned type) {
  switch (type) {
    case SQFS_INODE_FILE:
    case SQFS_INODE_EXT_FILE:
      return FileType::regular;
    case SQFS_INODE_DIR:
    case SQFS_INODE_EXT_DIR:
      return FileType::directory;
    case SQFS_INODE_SLINK:
    case SQFS_INODE_EXT_SLINK:
      return FileType::symlink;
    default:
      return FileType::other;
  }
}

class Squashfs final : public NodeFileSystem {
 public:
  explicit Squashfs(disk::BlockReader& partition) : storage_(partition) {
    allow(kMetadataBudget);
    storage_.check(sqfs_super_read(&super_, &storage_.file), "the squashfs superblock");
    if (super_.fragment_entry_count > kMaxFragments) {
      throw Error(ErrorKind::corrupt, "squashfs with {} fragments", super_.fragment_entry_count);
    }
    sqfs_compressor_config_t config;
    storage_.check(
        sqfs_compressor_config_init(&config, static_cast<SQFS_COMPRESSOR>(super_.compression_id),
                                    super_.block_size, SQFS_COMP_FLAG_UNCOMPRESS),
        "its compression");
    sqfs_compressor_t* compressor = nullptr;
    storage_.check(sqfs_compressor_create(&config, &compressor), "its compression");
    compressor_.reset(compressor);
    ids_.reset(must(sqfs_id_table_create(0)));
    storage_.check(sqfs_id_table_read(ids_.get(), &storage_.file, &super_, compressor),
                   "the table of owners");
    directories_.reset(must(sqfs_dir_reader_create(&super_, compressor, &storage_.file, 0)));
    data_.reset(must(sqfs_data_reader_create(&storage_.file, super_.block_size, compressor, 0)));
    storage_.check(sqfs_data_reader_load_fragment_table(data_.get(), &super_),
                   "the table of fragments");
    sqfs_inode_generic_t* root = nullptr;
    storage_.check(sqfs_dir_reader_get_root_inode(directories_.get(), &root), "the root");
    inodes_.emplace_back(root);
    if (type_of(root->base.type) != FileType::directory) {
      throw Error(ErrorKind::corrupt, "the root of the file system is no directory");
    }
  }

  std::string type() const override { return "squashfs"; }
  std::string label() const override { return {}; }
  std::vector<std::string> warnings() const override { return {}; }

 protected:
  void allow(std::uint64_t bytes) override { storage_.reader.allow(bytes); }
  Node root() const override { return 0; }

  FileInfo info(Node node) override {
    const sqfs_inode_generic_t& inode = *inodes_.at(node);
    FileInfo info;
    info.type = type_of(inode.base.type);
    info.mode = inode.base.mode & 07777u;
    info.modified_at = inode.base.mod_time;
    storage_.check(sqfs_id_table_index_to_id(ids_.get(), inode.base.uid_idx, &info.uid),
                   "an owner");
    storage_.check(sqfs_id_table_index_to_id(ids_.get(), inode.base.gid_idx, &info.gid),
                   "an owner");
    if (info.type == FileType::regular) {
      sqfs_u64 size = 0;
      storage_.check(sqfs_inode_get_file_size(&inode, &size), "a size");
      info.size_bytes = size;
    } else if (info.type == FileType::symlink) {
      std::size_t length = inode.base.type == SQFS_INODE_SLINK ? inode.data.slink.target_size
                                                               : inode.data.slink_ext.target_size;
      if (length == 0 || length >= kMaxLinkBytes || length > inode.payload_bytes_used) {
        throw Error(ErrorKind::corrupt, "the symlink's target has {} bytes", length);
      }
      info.link_target.assign(reinterpret_cast<const char*>(inode.extra), length);
      info.size_bytes = length;
    }
    return info;
  }

  std::optional<Node> child(Node directory, const std::string& name) override {
    auto known = children_.find({directory, name});
    if (known != children_.end()) return known->second;
    open(directory);
    int status = sqfs_dir_reader_find(directories_.get(), name.c_str());
    if (status == SQFS_ERROR_NO_ENTRY) return std::nullopt;
    storage_.check(status, "a directory");
    sqfs_inode_generic_t* inode = nullptr;
    storage_.check(sqfs_dir_reader_get_inode(directories_.get(), &inode), "an inode");
    inodes_.emplace_back(inode);
    return children_[{directory, name}] = inodes_.size() - 1;
  }

  std::vector<std::string> names(Node directory) override {
    open(directory);
    std::vector<std::string> names;
    for (;;) {
      sqfs_dir_entry_t* read = nullptr;
      int status = sqfs_dir_reader_read(directories_.get(), &read);
      std::unique_ptr<sqfs_dir_entry_t, Free> entry(read);
      if (status > 0) return names;
      storage_.check(status, "a directory");
      std::string name(reinterpret_cast<const char*>(entry->name), entry->size + std::size_t{1});
      if (!is_plain_name(name) || names.size() >= kMaxNames) {
        throw Error(ErrorKind::corrupt, "the directory holds impossible names");
      }
      names.push_back(std::move(name));
    }
  }

  std::string content(Node file, std::uint64_t size_bytes) override {
    constexpr std::uint32_t kPiece = 1 << 20;
    std::string bytes;
    while (bytes.size() < size_bytes) {
      std::size_t had = bytes.size();
      auto wanted = static_cast<sqfs_u32>(std::min<std::uint64_t>(kPiece, size_bytes - had));
      bytes.resize(had + wanted);
      sqfs_s32 got = sqfs_data_reader_read(data_.get(), inodes_.at(file).get(), had,
                                           bytes.data() + had, wanted);
      storage_.check(got, "its content");
      if (got == 0) throw Error(ErrorKind::corrupt, "it ends before its size");
      bytes.resize(had + static_cast<std::size_t>(got));
    }
    return bytes;
  }

 private:
  template <typename Object>
  static Object* must(Object* object) {
    if (object == nullptr) throw Error(ErrorKind::unavailable, "no memory to read squashfs");
    return object;
  }

  void open(Node directory) {
    storage_.check(sqfs_dir_reader_open_dir(directories_.get(), inodes_.at(directory).get(), 0),
                   "a directory");
  }

  Storage storage_;
  sqfs_super_t super_{};
  Owned<sqfs_compressor_t> compressor_;
  Owned<sqfs_id_table_t> ids_;
  Owned<sqfs_dir_reader_t> directories_;
  Owned<sqfs_data_reader_t> data_;
  std::vector<Inode> inodes_;  // a node is an index of it
  std::map<std::pair<Node, std::string>, Node> children_;
};

}  // namespace

std::unique_ptr<FileSystem> open_squashfs(disk::BlockReader& partition) {
  return std::make_unique<Squashfs>(partition);
}

}  // namespace hallmark::fs
