#pragma once
/// The text in which LVM2 keeps what it knows: sections, numbers, strings and lists.

#include <string_view>

#include "base/json.h"

namespace hallmark::disk {

/// Sections become objects. Throws `corrupt` with the place in the text.
Json parse_lvm_text(std::string_view text);

}  // namespace hallmark::disk
