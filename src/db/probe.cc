#include "db/probe.h"

#include "base/error.h"
#include "db/database.h"
#include "db/opening.h"

namespace hallmark::db {

std::string probe(const std::string& url) {
  try {
    if (!url.starts_with("sqlite:")) {
      connect_postgresql(url, Use::reading)->query("SELECT 1 AS one", {});
      return shown(url) + " answers";
    }
    const SqliteLocation location = parse_sqlite_url(url);
    if (!std::filesystem::exists(location.path)) {
      return location.path.string() + " will be made";
    }
    connect_sqlite(location)->query("SELECT COUNT(*) AS tables FROM sqlite_master", {});
    return location.path.string() + " can be read";
  } catch (const Away& away) {
    throw Error(ErrorKind::unavailable, "{} cannot be reached: {}", shown(url), away.message);
  }
}

}  // namespace hallmark::db
