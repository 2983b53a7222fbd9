#pragma once
/// The file of a feed as it came: plain, compressed, or an archive of many files. The one place
/// that knows libarchive.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"

namespace hallmark::scan {

/// zip, tar, and any file; compressed with gzip, bzip2, xz or zstd. Read from the first to the last
/// byte, once, without holding it in memory.
class FeedFile {
 public:
  /// Throws `not_found`, `denied`.
  explicit FeedFile(const Path& file);
  /// The same from memory; `bytes` must outlive it.
  explicit FeedFile(std::string_view bytes, std::string origin);
  ~FeedFile();
  FeedFile(const FeedFile&) = delete;
  FeedFile& operator=(const FeedFile&) = delete;

  /// The next file in it; a plain file has one, without a name. Throws `corrupt`.
  bool next();
  const std::string& name() const;
  /// Its next bytes; none at its end. Throws `corrupt` if it is damaged, or unpacks to
  /// more than any feed has.
  std::size_t read(char* to, std::size_t size);
  /// All of it, in `buffer`, which grows to hold `padding` bytes more. Throws `corrupt` if it has
  /// more than `limit`.
  std::string_view read_all(std::string& buffer, std::size_t limit, std::size_t padding = 0);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hallmark::scan
