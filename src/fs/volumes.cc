#include "fs/volumes.h"

#include <fmt/format.h>

#include <utility>

#include "disk/lvm.h"
#include "disk/partitions.h"
#include "disk/readers.h"
#include "fs/open.h"

namespace hallmark::fs {
namespace {

/// Partitions that hold no packages by their nature: boot loaders, swap and checksums.
bool holds_no_packages(const std::string& type_name, const std::string& content) {
  return type_name == "BIOS boot" || type_name == "PReP boot" || content == "swap" ||
         content == "zeros" || type_name.starts_with("Linux verity") ||
         (type_name == "EFI system" && content == "vfat");
}

void examine(Volumes& found, Volume volume, std::vector<Gap>& gaps) {
  std::string where = volume.where;
  gap_on_error(gaps, where, [&] {
    volume.files = open_file_system(*volume.content);
    if (volume.files) {
      volume.uuid = volume.files->uuid();
      volume.label = volume.files->label();
      found.volumes.push_back(std::move(volume));
      return;
    }
    std::string content = recognise(*volume.content);
    if (content == "lvm" && volume.group.empty()) {  // one in a logical volume is not looked into
      found.physical.push_back(std::move(volume.content));
    } else if (!holds_no_packages(disk::partition_type_name(volume.partition_type), content)) {
      gaps.push_back({where, content.empty()
                                 ? std::string("its content is not recognised")
                                 : fmt::format("it holds {}, which is not read here", content)});
    }
  });
}

void examine_logical(Volumes& found, std::vector<Gap>& gaps) {
  std::vector<disk::BlockReader*> physical;
  for (const auto& storage : found.physical) physical.push_back(storage.get());
  disk::VolumeGroups groups = disk::read_volume_groups(physical);
  for (std::string& problem : groups.problems) gaps.push_back({"LVM", std::move(problem)});
  for (disk::LogicalVolume& logical : groups.volumes) {
    Volume volume;
    volume.where = fmt::format("logical volume {}/{}", logical.group, logical.name);
    if (!logical.content) {
      gaps.push_back({volume.where, logical.problem});
      continue;
    }
    volume.group = logical.group;
    volume.name = logical.name;
    volume.content = std::move(logical.content);
    examine(found, std::move(volume), gaps);
  }
}

}  // namespace

Volumes find_volumes(disk::BlockReader& disk, std::vector<Gap>& gaps) {
  Volumes found;
  disk::PartitionTable table = disk::read_partitions(disk);
  for (std::string& problem : table.problems) {
    gaps.push_back({"partition table", std::move(problem)});
  }
  if (table.kind == disk::TableKind::none) {
    Volume whole;
    whole.where = "disk";
    whole.content = disk::sub_range(disk, 0, disk.size_bytes());
    examine(found, std::move(whole), gaps);
  }
  for (disk::Partition& partition : table.partitions) {
    Volume volume;
    volume.where = fmt::format("partition {}", partition.number);
    volume.number = partition.number;
    volume.partition_type = partition.type;
    volume.is_automatic = partition.is_automatic;
    volume.partition_name = std::move(partition.name);
    volume.partition_id = std::move(partition.unique_id);
    volume.content = disk::sub_range(disk, partition.offset_bytes, partition.size_bytes);
    examine(found, std::move(volume), gaps);
  }
  examine_logical(found, gaps);
  return found;
}

}  // namespace hallmark::fs
