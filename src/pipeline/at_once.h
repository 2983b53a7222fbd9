#pragma once
/// Looking at many places outside of a run. Within one, Run::branches does it.

#include <cstddef>
#include <functional>

namespace hallmark::pipeline {

/// Calls `fn(0)` to `fn(count - 1)`, `width` at a time. Throws what the first one threw.
void at_once(std::size_t count, int width, const std::function<void(std::size_t)>& fn);

}  // namespace hallmark::pipeline
