#pragma once
/// An order of versions that is the same everywhere: good enough to tell the newest of one thing.

#include <string_view>

namespace hallmark::scan {

/// Numbers in the texts compare as numbers, and are newer than words.
bool is_older(std::string_view a, std::string_view b);

}  // namespace hallmark::scan
