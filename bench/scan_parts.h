#pragma once
/// The parts of bench_scan.

#include <random>
#include <string>
#include <vector>

#include "base/files.h"
#include "measure.h"

namespace hallmark::bench {

inline constexpr int kNames = 20'000;
/// Names differ early, as those of a distribution do.
std::string name_of(unsigned number);
std::string made_version(std::mt19937& random);

/// 10,000 images of 400 packages against the compiled advisories, with both cores; then of fewer
/// and of more packages, drawn as a plot if `plot` is not empty.
std::vector<Result> match_fleet(const Path& compiled, const Path& plot);

std::vector<Result> compare_all_orders();

/// Pairs of versions of apk, with what we say of them: -1, 0 or 1. For bench/apk_order.
void print_apk_pairs();

/// Debian's own advisories, each package at the version of each of them: what is found against what
/// dpkg's comparison of every advisory of the package says.
std::vector<Result> precision_and_recall(const Path& list);

}  // namespace hallmark::bench
