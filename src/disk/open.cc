#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "disk/block_reader.h"
#include "disk/qcow2.h"
#include "disk/readers.h"
#include "disk/vhd.h"
#include "disk/vmdk.h"

namespace hallmark::disk {
namespace {

struct Chain {
  /// The files opened on the way down, by device and inode: names may differ.
  std::vector<std::pair<dev_t, ino_t>> files;
  Path within;  ///< all of them lie in it; empty: anywhere
};

/// Longer chains are a mistake: each link costs a file descriptor, tables and caches.
constexpr std::size_t kMaxChain = 64;

void enter(Chain& chain, const Path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) throw_errno(errno, "cannot open disk " + file.string());
  std::pair identity(status.st_dev, status.st_ino);
  if (std::find(chain.files.begin(), chain.files.end(), identity) != chain.files.end()) {
    throw Error(ErrorKind::corrupt, "the backing chain leads back to {}", file.string());
  }
  if (chain.files.size() >= kMaxChain) {
    throw Error(ErrorKind::corrupt, "the backing chain has more than {} files", kMaxChain);
  }
  chain.files.push_back(identity);
}

/// Read as raw, these would look like a disk without partitions; better to name them.
void refuse_foreign_format(BlockReader& storage, const Path& file) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kForeign = {{
      {"# Disk DescriptorFile", "VMDK"},
      {"vhdxfile", "VHDX"},
      {"conectix", "VHD"},  // whose footer is broken
      {"<<< ", "VDI"},
      {std::string_view("QED\0", 4), "QED"},
  }};
  std::array<std::byte, 32> start{};
  auto length = std::min<std::uint64_t>(start.size(), storage.size_bytes());
  storage.read(0, std::span(start).first(static_cast<std::size_t>(length)));
  std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  for (const auto& [magic, name] : kForeign) {
    if (text.starts_with(magic)) {
      throw Error(ErrorKind::usage, "{} is a {} disk, which is not read here", file.string(), name)
          .hint("convert it with: qemu-img convert -O qcow2 " + file.string() + " NEW.qcow2");
    }
  }
}

/// "nbd://host", "json:{..}": QEMU would not take them for file names, nor do we.
bool names_protocol(std::string_view name) {
  std::size_t colon = name.find(':');
  return colon != std::string_view::npos && name.find('/') > colon;
}

void refuse_elsewhere(const Path& file, const Path& within) {
  std::error_code error;
  Path real = std::filesystem::canonical(file, error);
  if (error || within.empty()) return;  // what is missing is named when it is opened
  if (!std::filesystem::is_regular_file(real)) {
    throw Error(ErrorKind::denied, "the image names {} as its backing file, which is no plain file",
                real.string());
  }
  auto [end, at] = std::mismatch(within.begin(), within.end(), real.begin(), real.end());
  if (end == within.end()) return;
  throw Error(ErrorKind::denied, "the image names {} as its backing file, which lies elsewhere",
              real.string())
      .hint("if you trust whoever made the image, allow it with --any-backing-file");
}

std::unique_ptr<BlockReader> open_chain(const Path& file, const std::string& format, Chain chain) {
  enter(chain, file);
  std::unique_ptr<BlockReader> storage = open_raw(file);
  if (format == "raw") return storage;
  if (is_qcow2(*storage)) {
    auto open_backing = [&](const std::string& name, const std::string& backing_format) {
      std::string path = name.starts_with("file:") ? name.substr(5) : name;
      if (names_protocol(path)) {
        throw Error(ErrorKind::usage, "backing file \"{}\" is not a plain file name", name);
      }
      // Relative to the file that names it, not to where we run.
      Path backing = file.parent_path() / path;
      refuse_elsewhere(backing, chain.within);
      return open_chain(backing, backing_format, chain);
    };
    return open_qcow2(std::move(storage), file.string(), open_backing);
  }
  if (format == "qcow2") {
    throw Error(ErrorKind::corrupt, "{} should be a qcow2 image and is none", file.string());
  }
  if (format == "vmdk" || (format.empty() && is_vmdk(*storage))) {
    return open_vmdk(std::move(storage), file.string());
  }
  if (format == "vpc" || (format.empty() && is_vhd(*storage))) {
    return open_vhd(std::move(storage), file.string());
  }
  if (!format.empty()) {
    throw Error(ErrorKind::usage, "{} is said to have the format \"{}\", which is not read here",
                file.string(), format);
  }
  refuse_foreign_format(*storage, file);
  return storage;
}

}  // namespace

std::unique_ptr<BlockReader> open_disk(const Path& file, BackingFiles backing) {
  Chain chain;
  if (backing == BackingFiles::beside) {
    std::error_code error;
    chain.within = std::filesystem::canonical(file, error).parent_path();
  }
  return open_chain(file, "", chain);
}

}  // namespace hallmark::disk
