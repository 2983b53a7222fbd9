#pragma once
/// What the readers of an image share: what cannot be read becomes a gap, never an exception.

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

// Text that a person edits or a program reads at boot is small; more is a mistake or an attack.
inline constexpr std::uint64_t kMaxText = 1 << 20;

std::string reason_of(const Error& error);

/// Failing to read the disk itself ends the inventory; everything else is a gap.
bool is_about_content(const Error& error);

template <typename Function>
void gap_on_error(std::vector<model::CoverageGap>& gaps, const std::string& what,
                  Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (!is_about_content(error)) throw;
    gaps.push_back({what, reason_of(error)});
  }
}

/// What may still be read and unpacked, however many files ask for it.
class Budget {
 public:
  explicit Budget(std::uint64_t bytes) : left_(bytes) {}

  bool is_spent() const { return left_ == 0; }
  /// Throws `corrupt` if there is less; then nothing is left.
  void spend(std::uint64_t bytes) {
    if (bytes <= left_) {
      left_ -= bytes;
      return;
    }
    left_ = 0;
    throw Error(ErrorKind::corrupt, "more would have to be read than of any real image");
  }

 private:
  std::uint64_t left_;
};

/// Of a directory; none if there is no such directory.
std::vector<std::string> names_in(fs::FileSystem& files, const std::string& path);

bool is_file(fs::FileSystem& files, const std::string& path);

/// Empty if there is no such file, or it is a gap.
std::string text_of(model::Inventory& inventory, fs::FileSystem& files, const std::string& path,
                    std::uint64_t limit = kMaxText);

/// The name that dpkg has for a machine architecture: "x86_64" is "amd64". Others stay themselves.
std::string dpkg_architecture(const std::string& machine);

}  // namespace hallmark::scan
