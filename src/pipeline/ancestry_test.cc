#include "pipeline/ancestry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "base/text.h"
#include "pipeline/fixture.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

const TimePoint kNow = from_rfc3339("2026-11-22T12:00:00Z");

AncestryRecord record(const std::string& product, const std::string& version,
                      const std::string& source, GoldenState state = GoldenState::active) {
  const std::string key = product + "/Debian-12/" + version;
  return {.run_id = "run-" + key,
          .image_key = key,
          .product_and_os = product + "/Debian-12",
          .state = state,
          .created_at = "2026-11-0" + version + "T12:00:00Z",
          .image_ids = {"ami-" + key},
          .source_image_id = source};
}

/// "  name" for each node, two spaces a level.
std::vector<std::string> outline(const Ancestry& ancestry) {
  std::vector<std::string> lines;
  for (const AncestryNode& node : ancestry.nodes) {
    lines.push_back(std::string(node.depth * 2, ' ') + (node.outside ? node.image_id : node.name));
  }
  return lines;
}

std::vector<std::size_t> depths_of(const Ancestry& ancestry) {
  std::vector<std::size_t> depths;
  for (const AncestryNode& node : ancestry.nodes) depths.push_back(node.depth);
  return depths;
}

const AncestryNode& node_of(const Ancestry& ancestry, const std::string& name) {
  for (const AncestryNode& node : ancestry.nodes) {
    if (node.name == name) return node;
  }
  throw Error(ErrorKind::internal, "there is no {}", name);
}

/// A base with a copy, what is made of either, and something else.
std::vector<AncestryRecord> family() {
  std::vector<AncestryRecord> records = {
      record("Web-1.0", "1", "ami-copy"), record("Base-1", "1", "ami-outside"),
      record("Shop-1", "1", "ami-Web-1.0/Debian-12/1"), record("Other-1", "1", "ami-else")};
  records[1].image_ids.push_back("ami-copy");
  records[1].source_name = "debian-12";
  return records;
}

TEST(Ancestry, PutsEachImageBelowWhatItWasMadeFrom) {
  const Ancestry ancestry = make_ancestry(family(), {});
  EXPECT_THAT(outline(ancestry), ElementsAre("ami-else", "  Other-1/Debian-12/1", "ami-outside",
                                             "  Base-1/Debian-12/1", "    Web-1.0/Debian-12/1",
                                             "      Shop-1/Debian-12/1"))
      << "a copy in another region is the same image";
  EXPECT_EQ(ancestry.nodes[2].name, "debian-12");
  EXPECT_EQ(ancestry.nodes[3].children, 1u);
  auto turned = family();
  std::reverse(turned.begin(), turned.end());
  EXPECT_EQ(outline(make_ancestry(turned, {})), outline(ancestry)) << "in whatever order it comes";
}

TEST(Ancestry, MarksWhatStandsOnSomethingRetiredOrVulnerable) {
  auto records = family();
  records[1].state = GoldenState::decommissioned;
  records[0].gate_failures = {"pending updates: 3, at most 0 allowed"};
  const Ancestry ancestry = make_ancestry(records, {});
  EXPECT_THAT(node_of(ancestry, "Web-1.0/Debian-12/1").marks,
              ElementsAre("vulnerable: pending updates: 3, at most 0 allowed",
                          "its parent is retired (decommissioned)"));
  EXPECT_THAT(node_of(ancestry, "Shop-1/Debian-12/1").marks,
              ElementsAre("its parent is vulnerable"));
  EXPECT_TRUE(node_of(ancestry, "Base-1/Debian-12/1").retired);
  for (const auto& [state, retired] : std::map<GoldenState, bool>{{GoldenState::active, false},
                                                                  {GoldenState::deprecated, false},
                                                                  {GoldenState::disabled, true},
                                                                  {GoldenState::rejected, true}}) {
    records[1].state = state;
    EXPECT_EQ(node_of(make_ancestry(records, {}), "Base-1/Debian-12/1").retired, retired)
        << to_string(state);
  }
  EXPECT_THAT(node_of(ancestry, "Other-1/Debian-12/1").marks, IsEmpty());
}

TEST(Ancestry, HidesWhatIsGoneUnlessSomethingStandsOnIt) {
  auto records = family();
  records.push_back(record("Base-1", "2", "ami-outside", GoldenState::decommissioned));
  records.push_back(record("Base-1", "3", "ami-gone", GoldenState::failed));
  records[1].state = GoldenState::decommissioned;
  EXPECT_THAT(outline(make_ancestry(records, {})), SizeIs(6));
  EXPECT_THAT(outline(make_ancestry(records, {.all = true})), SizeIs(9));
}

TEST(Ancestry, ShowsTheRelativesOfOne) {
  EXPECT_THAT(outline(make_ancestry(family(), {.run_id = "run-Web-1.0/Debian-12/1"})),
              ElementsAre("ami-outside", "  Base-1/Debian-12/1", "    Web-1.0/Debian-12/1",
                          "      Shop-1/Debian-12/1"));
  EXPECT_THAT(outline(make_ancestry(family(), {.run_id = "run-Other-1/Debian-12/1"})),
              ElementsAre("ami-else", "  Other-1/Debian-12/1"));
  EXPECT_THAT(outline(make_ancestry(family(), {.run_id = "nobody"})), IsEmpty());
}

TEST(Ancestry, FindsAParentByWhatWasAskedFor) {
  auto child = record("Web-1.0", "1", "ami-unrecorded");
  child.golden_parent = "Base-1/Debian-12/1";
  EXPECT_EQ(node_of(make_ancestry({child, record("Base-1", "1", "")}, {}), child.image_key).depth,
            1u);
  auto unresolved = record("Web-1.0", "2", "", GoldenState::building);
  unresolved.golden_parent = "Base-1/Debian-12";
  const Ancestry ancestry = make_ancestry(
      {unresolved, record("Base-1", "1", ""), record("Base-1", "3", ""), record("Base-1", "2", "")},
      {});
  EXPECT_EQ(ancestry.nodes[*node_of(ancestry, unresolved.image_key).parent].name,
            "Base-1/Debian-12/3")
      << "the newest is what it would take";
}

TEST(Ancestry, KeepsAChildWhoseParentNobodyRecorded) {
  auto child = record("Web-1.0", "1", "ami-lost");
  child.golden_parent = "Base-1/Debian-12";
  const Ancestry ancestry = make_ancestry({child}, {});
  EXPECT_THAT(outline(ancestry), ElementsAre("ami-lost", "  Web-1.0/Debian-12/1"));
  EXPECT_EQ(ancestry.nodes[0].name, "Base-1/Debian-12");
  EXPECT_TRUE(ancestry.nodes[0].outside);
  EXPECT_THAT(make_ancestry({}, {}).nodes, IsEmpty());
}

TEST(Ancestry, BreaksCircles) {
  auto self = record("Self-1", "1", "ami-Self-1/Debian-12/1");
  auto a = record("A-1", "1", "ami-B-1/Debian-12/1");
  auto b = record("B-1", "1", "ami-C-1/Debian-12/1");
  auto c = record("C-1", "1", "ami-A-1/Debian-12/1");
  auto below = record("Below-1", "1", "ami-B-1/Debian-12/1");
  const Ancestry ancestry = make_ancestry({self, a, b, c, below}, {.all = true});
  EXPECT_THAT(ancestry.nodes, SizeIs(5)) << "each is there once";
  std::size_t marked = 0;
  for (const AncestryNode& node : ancestry.nodes) marked += !node.marks.empty();
  EXPECT_EQ(marked, 2u) << "one in each circle";
  EXPECT_EQ(node_of(ancestry, "Below-1/Debian-12/1").parent.has_value(), true);
}

TEST(Ancestry, DrawsRails) {
  auto records = family();
  records.push_back(record("Zoo-1", "1", "ami-outside"));
  EXPECT_THAT(tree_rails(depths_of(make_ancestry(records, {}))),
              ElementsAre("", "└─ ", "", "├─ ", "│  └─ ", "│     └─ ", "└─ "));
}

TEST(Ancestry, TellsAges) {
  EXPECT_EQ(age_of("2026-11-22T00:00:00Z", kNow), "today");
  EXPECT_EQ(age_of("2026-11-21T00:00:00Z", kNow), "1 day");
  EXPECT_EQ(age_of("2026-11-01T00:00:00Z", kNow), "21 days");
  EXPECT_EQ(age_of("2027-11-01T00:00:00Z", kNow), "today") << "of a clock that is ahead";
  EXPECT_EQ(age_of("once", kNow), "");
}

TEST(Ancestry, PicturesItWithoutTakingTextForMarkup) {
  auto records = family();
  records[1].source_name = "<script>alert(\"&\")</script>\x1b[31m\xff";
  records[1].state = GoldenState::decommissioned;
  const std::string svg = ancestry_svg(make_ancestry(records, {}), kNow);
  EXPECT_THAT(svg, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;alert(&quot;&amp;&quot;)"));
  EXPECT_EQ(svg.find('\x1b'), std::string::npos);
  EXPECT_EQ(svg.find('\xff'), std::string::npos);
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(svg, HasSubstr("<title>Web-1.0/Debian-12/1: active, 21 days; its parent is retired "
                             "(decommissioned)</title>"));
  EXPECT_THAT(svg, Not(HasSubstr("href"))) << "it needs nothing else";
  EXPECT_EQ(svg, ancestry_svg(make_ancestry(records, {}), kNow));
}

/// Of laying it out; it can be drawn and written as text and as JSON too, at no more than a line's
/// length for each image.
Duration time_of(const std::vector<AncestryRecord>& records) {
  const auto start = std::chrono::steady_clock::now();
  const Ancestry ancestry = make_ancestry(records, {});
  EXPECT_GE(ancestry.nodes.size(), records.size());
  const auto taken = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
  const std::string svg = ancestry_svg(ancestry, kNow);
  EXPECT_LT(svg.size(), records.size() * 1000);
  std::size_t bytes = 0;
  for (const std::string& rail : tree_rails(depths_of(ancestry))) bytes += rail.size();
  EXPECT_LT(bytes, records.size() * 100);
  EXPECT_THAT(compact(ancestry), Not(IsEmpty()));
  return taken;
}

std::vector<AncestryRecord> many(const std::function<int(int)>& parent) {
  constexpr int kImages = 10'000;
  std::vector<AncestryRecord> records;
  for (int i = 0; i < kImages; ++i) {
    const std::string number = std::to_string(i);
    records.push_back({.run_id = "run-" + number,
                       .image_key = "Web-1.0/Debian-12/" + number,
                       .product_and_os = "Web-1.0/Debian-12",
                       .created_at = "2026-11-01T12:00:00Z",
                       .image_ids = {"ami-" + number},
                       .source_image_id = "ami-" + std::to_string(parent(i))});
  }
  return records;
}

// Unoptimised, with sanitizers and on a busy machine; what takes the square of it takes minutes.
constexpr Duration kLimit{5'000};

TEST(Ancestry, TakesTenThousandImagesOfAnyShape) {
  const std::vector<std::pair<std::string, std::function<int(int)>>> shapes = {
      {"all of one source", [](int) { return -1; }},
      {"each of the one before", [](int i) { return i - 1; }},
      {"a tree", [](int i) { return i == 0 ? -1 : i / 3; }},
      {"a circle of all", [](int i) { return (i + 9'999) % 10'000; }}};
  for (const auto& [name, parent] : shapes) {
    const Duration taken = time_of(many(parent));
    EXPECT_LT(taken, kLimit) << name;
    RecordProperty("ms of " + name, static_cast<int>(taken.count()));
  }
}

TEST(Ancestry, IsReadFromWhatIsRecorded) {
  int pending = 0;
  ManualClock* clock = nullptr;
  Fixture fixture({.assess = [&](const model::Inventory&) {
    model::Assessment assessment = assessment_with(pending);
    if (clock) assessment.assessed_at = to_rfc3339(clock->now());
    return assessment;
  }});
  clock = &fixture.clock;
  model::Pipeline base = sample_pipeline();
  base.product = "Base-1";
  const GoldenImage parent = fixture.product.golden(base);
  workflow::RunInfo run = fixture.product.drive(
      start_distribute(*fixture.product.engine, *fixture.product.context, parent, {}));
  ASSERT_EQ(run.state, workflow::RunState::succeeded) << run.error->full_text();
  model::Pipeline next = sample_pipeline();
  next.source = {.golden_image = "Base-1/Debian-12"};
  next.build.region = "us-west-2";
  const GoldenImage child = fixture.product.golden(next);
  ASSERT_NE(child.source_image_id, parent.image_id) << "it is made from the copy";

  auto tree = [&] { return make_ancestry(read_ancestry(*fixture.product.context), {}); };
  EXPECT_THAT(outline(tree()), ElementsAre(parent.source_image_id, "  Base-1/Debian-12/1",
                                           "    Web-1.0/Debian-12/1"));
  EXPECT_EQ(tree().nodes[0].name, "debian-source");
  EXPECT_THAT(tree().nodes[2].marks, IsEmpty());

  pending = 3;
  fixture.product.drive(start_reassess(*fixture.product.engine, *fixture.product.context));
  EXPECT_THAT(tree().nodes[2].marks,
              ElementsAre(HasSubstr("vulnerable: pending security updates: 3"),
                          "its parent is vulnerable"));
  fixture.clock.advance(std::chrono::hours(1));
  pending = 0;
  fixture.product.drive(start_reassess(*fixture.product.engine, *fixture.product.context));
  EXPECT_THAT(tree().nodes[1].marks, IsEmpty()) << "the newest look counts";

  run = fixture.product.drive(
      start_decommission(*fixture.product.engine, *fixture.product.context, parent, true));
  ASSERT_EQ(run.state, workflow::RunState::succeeded) << run.error->full_text();
  EXPECT_THAT(tree().nodes[2].marks, ElementsAre("its parent is retired (decommissioned)"));
}

}  // namespace
}  // namespace hallmark::pipeline
