#include "scan/advisory/matches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/match.h"

namespace hallmark::scan {
namespace {

using State = PackageMatch::State;

/// "name" is mended in 2; in module m:1 of its own name too.
std::shared_ptr<const AdvisoryFile> advisories() {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "alma", .kind = "osv"});
  for (const char* name : {"name", "other"}) {
    builder.begin({.id = std::string("ALSA-") + name});
    builder.add({.ecosystem = "almalinux:9", .package = name, .of_source = false, .fixed = "2-1"});
  }
  builder.begin({.id = "ALSA-module"});
  builder.add({.ecosystem = "almalinux:9",
               .package = "name",
               .of_source = false,
               .fixed = "3-1.module_el9",
               .module = "m:1"});
  return std::make_shared<const AdvisoryFile>(builder.finish());
}

model::Inventory with(std::vector<model::Package> packages, const std::string& release = "9.4") {
  model::Inventory made;
  made.distribution = {.id = "almalinux", .version_id = release};
  made.packages = std::move(packages);
  return made;
}
model::Package rpm(const std::string& name, const std::string& version) {
  return {name, version, "x86_64", name, version, "rpm"};
}

TEST(Matches, APackageOfManyImagesIsMatchedOnce) {
  Matches matches(advisories());
  const auto first = matches.of(with({rpm("name", "1-1"), rpm("good", "1-1")}));
  const auto second = matches.of(with({rpm("other", "1-1"), rpm("name", "1-1")}));
  EXPECT_EQ(matches.size(), 3u);
  EXPECT_EQ(first[0], second[1]);
  EXPECT_EQ(first[0]->hits.size(), 1u);
  EXPECT_EQ(first[1]->hits.size(), 0u);
  EXPECT_EQ(second[0]->hits.size(), 1u);
}

TEST(Matches, WhatMatchingLooksAtTellsPackagesApart) {
  Matches matches(advisories());
  model::Package modular = rpm("name", "1-1");
  modular.module = "m:1";
  model::Package elsewhere = rpm("name", "1-1");
  elsewhere.path = "/opt";
  // Where one text ends and the next begins is part of what they say.
  const auto found = matches.of(with({rpm("name", "1-1"), modular, elsewhere, rpm("na", "me1-1"),
                                      rpm(std::string("name\0", 5), "1-1"), rpm("name", "2-1")}));
  EXPECT_EQ(matches.size(), 5u);
  EXPECT_EQ(found[0], found[2]);
  EXPECT_NE(found[0]->hits, found[1]->hits);
  EXPECT_EQ(found[1]->hits.size(), 1u);
  EXPECT_EQ(found[4]->hits.size(), 0u);
  EXPECT_EQ(found[5]->hits.size(), 0u);
}

TEST(Matches, AnotherReleaseIsAnotherEcosystem) {
  Matches matches(advisories());
  EXPECT_EQ(matches.of(with({rpm("name", "1-1")}))[0]->state, State::compared);
  EXPECT_EQ(matches.of(with({rpm("name", "1-1")}, "9.1"))[0]->state, State::compared);
  EXPECT_EQ(matches.of(with({rpm("name", "1-1")}, "8.1"))[0]->state, State::without_feed);
  EXPECT_EQ(matches.of(with({rpm("name", "1 -1")}))[0]->state, State::incomparable);
  EXPECT_EQ(matches.size(), 3u);
}

TEST(Matches, AnImageFindsTheSameAloneAndAmongOthers) {
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  const auto file = advisories();
  Matches shared(file);
  const auto one = with({rpm("name", "1-1"), rpm("odd", "1 -1"), rpm("other", "3-1")});
  match(with({rpm("name", "1-1"), rpm("other", "1-1")}), shared, clock);
  EXPECT_EQ(Json(match(one, shared, clock)), Json(match(one, *file, clock)));
}

TEST(Matches, SeveralThreadsFindTheSame) {
  Matches matches(advisories());
  std::vector<std::vector<const PackageMatch*>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& own : found) {
      threads.emplace_back([&] {
        for (int version = 0; version < 200; ++version) {
          const auto each = matches.of(with({rpm("name", std::to_string(version) + "-1")}));
          own.insert(own.end(), each.begin(), each.end());
        }
      });
    }
  }
  EXPECT_EQ(matches.size(), 200u);
  for (const auto& own : found) EXPECT_EQ(own, found[0]);
}

}  // namespace
}  // namespace hallmark::scan
