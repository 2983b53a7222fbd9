#pragma once
/// Partition tables: GPT and MBR.

#include <cstdint>
#include <string>
#include <vector>

#include "disk/block_reader.h"

namespace hallmark::disk {

enum class TableKind {
  none,  ///< no table: the disk may be one file system
  mbr,
  gpt,
};

struct Partition {
  int number = 0;  ///< as Linux counts: /dev/sda1 is 1; logical MBR partitions start at 5
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
  /// GPT: the type GUID in lower case; MBR: "0x83".
  std::string type;
  std::string name;  ///< GPT partition label, UTF-8; empty with MBR
  /// GPT: the partition's GUID in lower case; MBR: the disk's signature and the number, as Linux
  /// makes PARTUUID of them, empty if the disk has none.
  std::string unique_id;
  bool is_automatic = true;  ///< false: GPT's attribute that it is not to be mounted by its type
};

struct PartitionTable {
  TableKind kind = TableKind::none;
  std::vector<Partition> partitions;  ///< in the order of their numbers
  /// What was wrong: a broken header (the backup was used, or both are broken), partitions that
  /// leave the disk (they are left out of `partitions`). Never dropped silently.
  std::vector<std::string> problems;
};

/// Broken tables are reported in `problems`; throws only what reading the disk throws. A valid GPT
/// behind its protective MBR wins over MBR; an MBR with real partitions wins over a stale GPT, as
/// in Linux.
PartitionTable read_partitions(BlockReader& disk);

/// "Linux root (x86-64)" for the type GUIDs that the Discoverable Partitions Specification and the
/// boot loaders use; empty if not known.
std::string partition_type_name(const std::string& type);

}  // namespace hallmark::disk
