#pragma once
/// Which volume of a disk belongs where in the tree of its root.

#include <vector>

#include "fs/view.h"
#include "fs/volumes.h"

namespace hallmark::fs {

/// What the root's fstab, its systemd units and the types of partitions mount, in that order.
/// `root` is one of `volumes`, `systems` are those that look like a root. What is mounted and not
/// there, and what is there, holds files and is mounted by nobody, is a gap.
std::vector<Mounted> mount_volumes(std::vector<Volume>& volumes, Volume& root,
                                   const std::vector<Volume*>& systems, std::vector<Gap>& gaps);

}  // namespace hallmark::fs
