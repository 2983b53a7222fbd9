#pragma once
/// Which runs somebody holds, for who must not disturb them.

#include <string>
#include <vector>

#include "base/clock.h"
#include "db/database.h"

namespace hallmark::workflow {

/// Runs that somebody drives just now, as far as can be seen.
std::vector<std::string> driven_runs(db::Connection& connection, const Clock& clock);

}  // namespace hallmark::workflow
