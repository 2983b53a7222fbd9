#pragma once
/// gzip of whole texts.

#include <cstddef>
#include <string>
#include <string_view>

namespace hallmark::scan::openscap {

/// The same bytes give the same result: no time, no name.
std::string pack_gzip(std::string_view bytes);
/// Throws `corrupt` if it is no gzip file, is cut off or altered, has anything after it, or unpacks
/// to more than `limit` bytes.
std::string unpack_gzip(std::string_view packed, std::size_t limit);

}  // namespace hallmark::scan::openscap
