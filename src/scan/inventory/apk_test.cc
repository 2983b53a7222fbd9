#include "scan/inventory/apk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/inventory/memory_files.h"

namespace hallmark::scan {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kText =
    "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:1\nI:2\nT:the libc\nU:u\nL:MIT\no:musl\nm:m\nt:1\n"
    "c:abc\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1x=\n\n"
    "P:libcrypto3\nV:3.1.4-r5\nA:x86_64\no:openssl\ns:edge\n\n";

TEST(Apk, ReadsPackagesAndWhatTheyAreBuiltFrom) {
  ApkPackages found = parse_apk_installed(kText, "installed");
  EXPECT_THAT(found.gaps, IsEmpty());
  ASSERT_THAT(found.packages, SizeIs(2));
  EXPECT_EQ(found.packages[0].name, "musl");
  EXPECT_EQ(found.packages[0].version, "1.2.4-r2");
  EXPECT_EQ(found.packages[0].architecture, "x86_64");
  EXPECT_EQ(found.packages[0].manager, "apk");
  EXPECT_EQ(found.packages[1].source_name, "openssl");
  EXPECT_EQ(found.packages[1].source_version, "3.1.4-r5");
}

TEST(Apk, WhatNamesNothingIsAGap) {
  ApkPackages found = parse_apk_installed("P:a\nA:x86_64\n\nV:1\n\nP:b\nV:1\nnonsense", "f");
  ASSERT_THAT(found.gaps, SizeIs(3));
  EXPECT_THAT(found.gaps[0].reason, HasSubstr("names no version"));
  EXPECT_EQ(found.gaps[1].what, "f line 4");
  EXPECT_THAT(found.gaps[2].reason, HasSubstr("line 8 has no colon"));
  ASSERT_THAT(found.packages, SizeIs(1));
  EXPECT_EQ(found.packages[0].name, "b");
}

TEST(Apk, WhatIsMarkedAsBrokenIsAGap) {
  ApkPackages found = parse_apk_installed("P:a\nV:1\nf:fs\n", "f");
  EXPECT_THAT(found.packages, SizeIs(1));
  ASSERT_THAT(found.gaps, SizeIs(1));
  EXPECT_EQ(found.gaps[0].what, "package a");
}

TEST(Apk, AMarkOfAnotherLetterIsNoHarm) {
  EXPECT_THAT(parse_apk_installed("P:a\nV:1\nf:S\n", "f").gaps, IsEmpty());
}

TEST(Apk, KnowsBothPlacesOfItsDatabase) {
  model::Inventory inventory;
  MemoryFiles none;
  EXPECT_FALSE(read_apk(inventory, none));
  MemoryFiles old{{"/lib/apk/db/installed", kText}};
  EXPECT_TRUE(read_apk(inventory, old));
  EXPECT_THAT(inventory.packages, SizeIs(2));
  MemoryFiles merged{{"/usr/lib/apk/db/installed", kText}};
  merged.add_link("/lib", "/usr/lib");
  inventory = {};
  EXPECT_TRUE(read_apk(inventory, merged));
  EXPECT_THAT(inventory.packages, SizeIs(2));
  EXPECT_THAT(inventory.gaps, IsEmpty());
}

}  // namespace
}  // namespace hallmark::scan
