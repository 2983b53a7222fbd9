#pragma once
/// The models that the program carries: what models/pack.py wrote.

#include <string_view>

namespace hallmark::aws {

std::string_view embedded_models();

}  // namespace hallmark::aws
