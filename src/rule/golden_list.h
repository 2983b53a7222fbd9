#pragma once
/// The list of a place's golden images, as consumers of golden images read it too.

#include <string>
#include <string_view>
#include <vector>

namespace hallmark::rule {

/// Ids of a comma-separated list such as the value of /GoldenAMI/latest: whole ids, each once, in
/// their order. White space around them and empty ones do not count.
std::vector<std::string> listed_ids(std::string_view list);

}  // namespace hallmark::rule
