#pragma once
/// Zip archives as far as Java has them: jar, war and ear files.

#include <cstdint>
#include <string>
#include <vector>

#include "model/inventory.h"
#include "scan/inventory/elf.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {

struct ZipEntry {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  unsigned method = 0;
};

/// Throws `corrupt` if it is none, or one larger than 4 GiB.
std::vector<ZipEntry> zip_entries(const ReadAt& read, std::uint64_t size_bytes);
/// Throws `corrupt` if it is larger than `limit`, packed in a way Java does not know, broken, or
/// not as long as the directory says.
std::string zip_content(const ReadAt& read, const ZipEntry& entry, std::uint64_t limit);

/// The Maven packages of a jar and of the jars in it. `path` names it in packages and gaps; one
/// that does not say what it is is a gap. What is unpacked comes out of `budget`. Throws `corrupt`.
void read_jar(model::Inventory& inventory, const ReadAt& read, std::uint64_t size_bytes,
              const std::string& path, Budget& budget);

}  // namespace hallmark::scan
