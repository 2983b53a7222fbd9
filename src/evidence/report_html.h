#pragma once
/// The page an approver decides by.

#include <string>

#include "evidence/subject.h"

namespace hallmark::evidence {

/// One self-contained page: charts as inline SVG, no script, nothing loaded from anywhere, light
/// and dark, fit to be printed. At most kMostRows findings are listed, the worst first, and the
/// page says how many are not; the charts count all.
std::string report_html(const Subject& subject);

/// A browser lays out this many rows in about a second; the other files hold them all.
inline constexpr std::size_t kMostRows = 5000;

}  // namespace hallmark::evidence
