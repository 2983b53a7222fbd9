#pragma once
/// rpm's three databases as bytes: what each header in them is. librpm reads databases only from
/// files of this machine, and Debian's reads no ndb.

#include <functional>
#include <string_view>

namespace hallmark::scan {

using EachHeader = std::function<void(std::string_view blob)>;

/// Packages.db of SUSE. Throws `corrupt` if it is none; a header that cannot be reached is told to
/// `broken` and the rest goes on. The same for the next.
void read_ndb(std::string_view file, const EachHeader& each, const EachHeader& broken);

/// Packages, a hash of Berkeley DB, of either byte order: what rpm had before 4.16.
void read_berkeley_hash(std::string_view file, const EachHeader& each, const EachHeader& broken);

}  // namespace hallmark::scan
