#include "scan/advisory/feed_file.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::scan {
namespace {

constexpr std::size_t kBlock = 256u << 10;
/// All files of a feed unpacked; what is longer is made to fill a disk or a memory.
constexpr std::uint64_t kMaxUnpacked = 16ull << 30;

}  // namespace

struct FeedFile::State {
  explicit State(std::string from) : origin(std::move(from)), handle(::archive_read_new()) {
    if (handle == nullptr) throw Error(ErrorKind::internal, "libarchive has no memory");
    ::archive_read_support_filter_gzip(handle);
    ::archive_read_support_filter_bzip2(handle);
    ::archive_read_support_filter_xz(handle);
    ::archive_read_support_filter_zstd(handle);
    ::archive_read_support_format_zip(handle);
    ::archive_read_support_format_tar(handle);
    ::archive_read_support_format_raw(handle);
    ::archive_read_support_format_empty(handle);
  }
  ~State() { ::archive_read_free(handle); }

  [[noreturn]] void broken() const {
    const char* why = ::archive_error_string(handle);
    throw Error(ErrorKind::corrupt, "{} cannot be unpacked: {}", origin,
                why == nullptr ? "it is damaged" : why)
        .hint("fetch it again, or give another file");
  }

  std::string origin;
  struct archive* handle;
  std::string name;
  std::uint64_t unpacked = 0;
};

FeedFile::FeedFile(const Path& file) : state_(std::make_unique<State>(file.string())) {
  if (!std::filesystem::is_regular_file(file)) {
    throw Error(ErrorKind::not_found, "there is no file {}", file.string());
  }
  if (::archive_read_open_filename(state_->handle, file.c_str(), kBlock) != ARCHIVE_OK) {
    state_->broken();
  }
}

FeedFile::FeedFile(std::string_view bytes, std::string origin)
    : state_(std::make_unique<State>(std::move(origin))) {
  if (::archive_read_open_memory(state_->handle, bytes.data(), bytes.size()) != ARCHIVE_OK) {
    state_->broken();
  }
}

FeedFile::~FeedFile() = default;

bool FeedFile::next() {
  while (true) {
    struct archive_entry* entry = nullptr;
    const int result = ::archive_read_next_header(state_->handle, &entry);
    if (result == ARCHIVE_EOF) return false;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) state_->broken();
    if (::archive_format(state_->handle) == ARCHIVE_FORMAT_RAW) {
      state_->name.clear();
      return true;
    }
    if (::archive_entry_filetype(entry) != AE_IFREG) continue;
    const char* name = ::archive_entry_pathname(entry);
    state_->name = name == nullptr ? "" : name;
    return true;
  }
}

const std::string& FeedFile::name() const { return state_->name; }

std::size_t FeedFile::read(char* to, std::size_t size) {
  const la_ssize_t got = ::archive_read_data(state_->handle, to, size);
  if (got < 0) state_->broken();
  state_->unpacked += static_cast<std::uint64_t>(got);
  if (state_->unpacked > kMaxUnpacked) {
    throw Error(ErrorKind::corrupt, "{} has more than {} unpacked", state_->origin,
                format_size(kMaxUnpacked));
  }
  return static_cast<std::size_t>(got);
}

std::string_view FeedFile::read_all(std::string& buffer, std::size_t limit, std::size_t padding) {
  std::size_t size = 0;
  while (true) {
    // Doubling would hold three times what is read.
    if (buffer.size() < size + padding + kBlock) {
      buffer.resize(size + padding + std::max(kBlock, size / 4));
    }
    const std::size_t got = read(buffer.data() + size, buffer.size() - padding - size);
    if (got == 0) return std::string_view(buffer).substr(0, size);
    size += got;
    if (size > limit) {
      throw Error(ErrorKind::corrupt, "{} {} has more than {}", state_->origin, state_->name,
                  format_size(limit));
    }
  }
}

}  // namespace hallmark::scan
