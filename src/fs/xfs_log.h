#pragma once
/// XFS: whether all that was written to the log has reached its place.

#include "fs/xfs_format.h"

namespace hallmark::fs::xfs {

/// Whether the file system was not unmounted, so that its newest changes are only in the log. The
/// log is not replayed here; only its end is looked for. Throws `corrupt` if the log leaves the
/// file system. `super.log_start` is not 0.
bool has_unreplayed_log(Metered& storage, const Super& super);

}  // namespace hallmark::fs::xfs
