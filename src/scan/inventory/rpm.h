#pragma once
/// What rpm has installed, from whichever of its databases is there.

#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "model/inventory.h"
#include "scan/inventory/rpm_database.h"

namespace hallmark::scan {

enum class RpmDatabase { sqlite, ndb, berkeley };

/// The packages of a database's bytes. `log` is what lies beside an SQLite database as its "-wal".
/// What cannot be read is a gap that names `origin`. Never throws for bad bytes.
void read_rpm_database(model::Inventory& inventory, RpmDatabase kind, std::string_view bytes,
                       std::string_view log, const std::string& origin);

/// Whether there is such a database.
bool read_rpm(model::Inventory& inventory, fs::FileSystem& files);

/// Each header of the database, if there is one, as it stands there. What cannot be read is a gap.
void each_rpm_header(std::vector<model::CoverageGap>& gaps, fs::FileSystem& files,
                     const EachHeader& each);

}  // namespace hallmark::scan
