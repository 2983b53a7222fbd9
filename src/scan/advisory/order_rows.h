#pragma once
/// For the tests of the orders of versions.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scan/advisory/version_order.h"

namespace hallmark::scan {

inline int sign_of(int value) { return (value > 0) - (value < 0); }

/// Rows "A < B", one after the other.
inline void expect_order(VersionOrder order, const std::vector<std::string>& rows) {
  for (const std::string& row : rows) {
    const std::size_t space = row.find(' ');
    const std::string a = row.substr(0, space);
    const std::string b = row.substr(space + 3);
    const int expected = row[space + 1] == '<' ? -1 : row[space + 1] == '>' ? 1 : 0;
    EXPECT_TRUE(is_comparable(order, a)) << a;
    EXPECT_TRUE(is_comparable(order, b)) << b;
    EXPECT_EQ(sign_of(compare_versions(order, a, b)), expected) << row;
    EXPECT_EQ(sign_of(compare_versions(order, b, a)), -expected) << row;
  }
}

}  // namespace hallmark::scan
