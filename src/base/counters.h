#pragma once
/// Counters of this process, for whoever watches it.

#include <string>
#include <string_view>

namespace hallmark {

/// `labels`: `operation="launch_machine",outcome="ok"`; values without quotes in them. Thread-safe.
void count(std::string_view name, std::string_view labels);
/// All of them as lines of the Prometheus text format.
std::string counters_text();

}  // namespace hallmark
