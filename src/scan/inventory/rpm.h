#pragma once
/// What rpm has installed, from whichever of its databases is there.

#include <string>
#include <string_view>

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

enum class RpmDatabase { sqlite, ndb, berkeley };

/// The packages of a database's bytes. `log` is what lies beside an SQLite database as its "-wal".
/// What cannot be read is a gap that names `origin`. Never throws for bad bytes.
void read_rpm_database(model::Inventory& inventory, RpmDatabase kind, std::string_view bytes,
                       std::string_view log, const std::string& origin);

/// Whether there is such a database.
bool read_rpm(model::Inventory& inventory, fs::FileSystem& files);

}  // namespace hallmark::scan
