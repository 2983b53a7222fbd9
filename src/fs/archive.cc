#include "fs/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "fs/fields.h"
#include "fs/metered.h"
#include "fs/nodes.h"

namespace hallmark::fs {
namespace {

// The largest root file systems have a tenth of both. What unpacks to more is a bomb.
constexpr std::size_t kMaxEntries = 2'000'000;
constexpr std::uint64_t kMaxContent = std::uint64_t{64} << 30;
// Content that nobody may ask for (FileSystem::read_file) is not kept.
constexpr std::uint64_t kMaxKept = 256u << 20;
constexpr std::size_t kMaxPath = 4096;

struct Entry {
  FileInfo info;
  std::map<std::string, Node> children;
  std::uint64_t place = 0;  ///< in the temporary file
  bool kept = false;
};

/// A file that has lost its name, so that nothing is left behind.
FileDescriptor unnamed_file() {
  const char* directory = std::getenv("TMPDIR");
  std::string name =
      std::string(directory && *directory ? directory : "/tmp") + "/hallmark-archive-XXXXXX";
  FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) throw_errno(errno, "cannot make a temporary file " + name);
  ::unlink(name.c_str());
  return file;
}

FileType type_of(::mode_t mode) {
  if (mode == AE_IFREG) return FileType::regular;
  if (mode == AE_IFDIR) return FileType::directory;
  return mode == AE_IFLNK ? FileType::symlink : FileType::other;
}

class Archive final : public NodeFileSystem {
 public:
  explicit Archive(const Path& file) : name_(file.string()), content_(unnamed_file()) {
    Entry root;
    root.info.type = FileType::directory;
    root.info.mode = 0755;
    entries_.push_back(root);
    read(file);
  }

  std::string type() const override { return "tar"; }
  std::string label() const override { return {}; }
  std::vector<std::string> warnings() const override {
    if (left_out_ == 0) return {};
    return {fmt::format("{} entries of the archive lie where no file can be, and were left out",
                        left_out_)};
  }

 protected:
  void allow(std::uint64_t) override {}  // it was read already
  Node root() const override { return 0; }
  FileInfo info(Node node) override { return entries_.at(node).info; }

  std::optional<Node> child(Node directory, const std::string& name) override {
    const auto& children = entries_.at(directory).children;
    auto found = children.find(name);
    return found == children.end() ? std::nullopt : std::optional(found->second);
  }

  std::vector<std::string> names(Node directory) override {
    std::vector<std::string> names;
    for (const auto& [name, node] : entries_.at(directory).children) names.push_back(name);
    return names;
  }

  std::string content(Node file, std::uint64_t size_bytes) override {
    const Entry& entry = entries_.at(file);
    if (!entry.kept) throw Error(ErrorKind::usage, "it is too large to be kept");
    std::string bytes(static_cast<std::size_t>(size_bytes), '\0');
    std::size_t had = 0;
    while (had < bytes.size()) {
      ssize_t got = ::pread(content_.get(), bytes.data() + had, bytes.size() - had,
                            static_cast<off_t>(entry.place + had));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_errno(errno, "cannot read what was unpacked of " + name_);
      if (got == 0) break;  // it ends with a hole
      had += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  struct Free {
    void operator()(::archive* reader) const { ::archive_read_free(reader); }
  };

  [[noreturn]] void fail(::archive* reader) const {
    const char* text = ::archive_error_string(reader);
    throw Error(ErrorKind::corrupt, "the archive {} is broken: {}", name_, text ? text : "");
  }

  void read(const Path& file) {
    FileDescriptor input(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!input) throw_errno(errno, "cannot open " + name_);
    std::unique_ptr<::archive, Free> reader(::archive_read_new());
    if (!reader) throw Error(ErrorKind::unavailable, "no memory to read {}", name_);
    ::archive_read_support_filter_gzip(reader.get());
    ::archive_read_support_filter_bzip2(reader.get());
    ::archive_read_support_filter_xz(reader.get());
    ::archive_read_support_filter_zstd(reader.get());
    ::archive_read_support_format_tar(reader.get());
    constexpr std::size_t kBlock = 64 << 10;
    ::archive_entry* entry = nullptr;
    int status = ::archive_read_open_fd(reader.get(), input.get(), kBlock);
    for (bool first = true;; first = false) {
      if (status == ARCHIVE_OK) status = ::archive_read_next_header(reader.get(), &entry);
      if (status == ARCHIVE_EOF) return;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN && first) {
        throw Error(ErrorKind::usage, "{} is no tar archive", name_)
            .hint("if it is a compressed disk, unpack it first");
      }
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail(reader.get());
      add(reader.get(), entry);
      status = ARCHIVE_OK;
    }
  }

  /// Without "." and ""; nothing if it leads up, or further than a path can.
  static std::optional<std::vector<std::string>> steps_of(const char* path) {
    if (path == nullptr || std::string_view(path).size() > kMaxPath) return std::nullopt;
    std::vector<std::string> steps;
    for (std::string& step : split(path, '/')) {
      if (step == "..") return std::nullopt;
      if (is_plain_name(step)) steps.push_back(std::move(step));
    }
    return steps;
  }

  Node add_entry() {
    if (entries_.size() >= kMaxEntries) {
      throw Error(ErrorKind::corrupt, "the archive {} has more than {} entries", name_,
                  kMaxEntries);
    }
    entries_.emplace_back();
    return entries_.size() - 1;
  }

  /// The directory of `steps` but the last, made if need be.
  std::optional<Node> parent_of(const std::vector<std::string>& steps) {
    Node at = 0;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      auto known = entries_[at].children.find(steps[i]);
      if (known != entries_[at].children.end()) {
        at = known->second;
      } else {
        Node made = add_entry();
        entries_[made].info.type = FileType::directory;
        entries_[made].info.mode = 0755;
        entries_[at].children.emplace(steps[i], made);
        at = made;
      }
      if (entries_[at].info.type != FileType::directory) return std::nullopt;
    }
    return at;
  }

  std::optional<Node> linked(const char* path) {
    auto steps = steps_of(path);
    if (!steps) return std::nullopt;
    Node at = 0;
    for (const std::string& step : *steps) {
      auto next = child(at, step);
      if (!next) return std::nullopt;
      at = *next;
    }
    return entries_[at].info.type == FileType::directory ? std::nullopt : std::optional(at);
  }

  void add(::archive* reader, ::archive_entry* from) {
    auto steps = steps_of(::archive_entry_pathname(from));
    std::optional<Node> parent = steps ? parent_of(*steps) : std::nullopt;
    if (!parent) {
      ++left_out_;
      return;
    }
    if (steps->empty()) {  // "./"
      set_info(entries_[0], from, FileType::directory);
      return;
    }
    const std::string& name = steps->back();
    if (const char* target = ::archive_entry_hardlink(from)) {
      if (auto node = linked(target)) {
        entries_[*parent].children[name] = *node;
      } else {
        ++left_out_;
      }
      return;
    }
    FileType type = type_of(::archive_entry_filetype(from));
    auto known = entries_[*parent].children.find(name);
    bool again = known != entries_[*parent].children.end() && type == FileType::directory &&
                 entries_[known->second].info.type == FileType::directory;
    Node node = again ? known->second : add_entry();
    entries_[*parent].children[name] = node;
    set_info(entries_[node], from, type);
    if (type == FileType::regular) keep_content(reader, entries_[node]);
  }

  static void set_info(Entry& entry, ::archive_entry* from, FileType type) {
    entry.info.type = type;
    entry.info.mode = ::archive_entry_perm(from) & 07777u;
    entry.info.uid = static_cast<std::uint32_t>(::archive_entry_uid(from));
    entry.info.gid = static_cast<std::uint32_t>(::archive_entry_gid(from));
    entry.info.modified_at = ::archive_entry_mtime(from);
    entry.info.size_bytes =
        static_cast<std::uint64_t>(std::max<la_int64_t>(::archive_entry_size(from), 0));
    if (type != FileType::symlink) return;
    const char* target = ::archive_entry_symlink(from);
    entry.info.link_target = std::string(target ? target : "").substr(0, kMaxLinkBytes);
    entry.info.size_bytes = entry.info.link_target.size();
  }

  void keep_content(::archive* reader, Entry& entry) {
    if (entry.info.size_bytes > kMaxKept) return;
    entry.place = end_;
    entry.kept = true;
    const void* data = nullptr;
    std::size_t length = 0;
    la_int64_t offset = 0;
    for (;;) {
      int status = ::archive_read_data_block(reader, &data, &length, &offset);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail(reader);
      auto from = static_cast<std::uint64_t>(offset);
      if (offset < 0 || from > entry.info.size_bytes || length > entry.info.size_bytes - from) {
        throw Error(ErrorKind::corrupt, "the archive {} is broken: a file is longer than it says",
                    name_);
      }
      write({static_cast<const char*>(data), length}, entry.place + from);
    }
    end_ += entry.info.size_bytes;
    if (end_ > kMaxContent) {
      throw Error(ErrorKind::corrupt, "the archive {} unpacks to more than {}", name_,
                  format_size(kMaxContent));
    }
  }

  void write(std::string_view bytes, std::uint64_t place) {
    while (!bytes.empty()) {
      ssize_t put = ::pwrite(content_.get(), bytes.data(), bytes.size(), static_cast<off_t>(place));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) throw_errno(errno, "cannot unpack " + name_);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      place += static_cast<std::uint64_t>(put);
    }
  }

  std::string name_;
  FileDescriptor content_;
  std::uint64_t end_ = 0;
  std::vector<Entry> entries_;
  std::size_t left_out_ = 0;
};

}  // namespace

bool looks_like_archive(const Path& file) {
  FileDescriptor input(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!input) throw_errno(errno, "cannot open " + file.string());
  std::array<char, 512> start{};
  ssize_t got = ::pread(input.get(), start.data(), start.size(), 0);
  std::string_view text(start.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  using std::string_view_literals::operator""sv;
  for (std::string_view magic : {"\x1f\x8b"sv, "BZh"sv, "\xfd\x37zXZ\0"sv, "\x28\xb5\x2f\xfd"sv}) {
    if (text.starts_with(magic)) return true;
  }
  return text.size() > 262 && text.substr(257, 5) == "ustar";
}

std::unique_ptr<FileSystem> open_archive(const Path& file) {
  return std::make_unique<Archive>(file);
}

}  // namespace hallmark::fs
