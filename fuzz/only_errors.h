#pragma once
/// What may come out of a reader of foreign bytes.

#include <string_view>

#include "base/error.h"
#include "base/files.h"

namespace hallmark {

/// Nothing but an Error may come out, and none that blames us. Any other exception ends the
/// process.
template <typename Read>
void only_errors(Read read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) __builtin_trap();
  }
}

/// In memory, if there is such a place: for inputs that are read as files.
inline Path quick_directory() {
  return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "";
}

/// The input after its first byte, which chooses what to do with it.
struct Chosen {
  unsigned choice = 0;
  std::string_view text;
};

inline Chosen chosen(const unsigned char* data, std::size_t size) {
  if (size == 0) return {};
  return {data[0], std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1)};
}

}  // namespace hallmark
