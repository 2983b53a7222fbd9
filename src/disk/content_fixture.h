#pragma once
/// For tests of disk formats: content of all kinds, and the comparison with it.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>

#include "disk/block_reader.h"

namespace hallmark::disk {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

/// Random bytes, text that compresses, zeros and holes, in pieces of odd sizes.
inline std::string mixed_content(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string content(size, '\0');
  for (std::size_t at = 0; at < size;) {
    std::size_t length = std::min<std::size_t>(size - at, 1000 + random() % (600 * kKiB));
    switch (random() % 3) {
      case 0:
        for (std::size_t i = at; i < at + length; ++i) content[i] = static_cast<char>(random());
        break;
      case 1:
        for (std::size_t i = at; i < at + length; ++i) content[i] = "golden image "[i % 13];
        break;
      default:
        break;
    }
    at += length;
  }
  return content;
}

/// Reads in pieces of many sizes, and whole.
inline void expect_same(BlockReader& disk, const std::string& expected) {
  ASSERT_EQ(disk.size_bytes(), expected.size());
  std::mt19937 random(7);
  for (int i = 0; i < 400; ++i) {
    std::size_t offset = random() % expected.size();
    std::size_t length = std::min<std::size_t>(random() % (i % 10 == 0 ? 900 * kKiB : 5000),
                                               expected.size() - offset);
    std::string got(length, '?');
    disk.read(offset, std::as_writable_bytes(std::span(got)));
    ASSERT_TRUE(got == expected.substr(offset, length)) << "at " << offset << "+" << length;
  }
  std::string whole(expected.size(), '?');
  disk.read(0, std::as_writable_bytes(std::span(whole)));
  ASSERT_TRUE(whole == expected);
}

}  // namespace hallmark::disk
