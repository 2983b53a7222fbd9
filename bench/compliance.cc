/// How fast machines are judged from memory, beside the bare minimum: looking each image id up in
/// its place's list.
/// JSON lines on stdout, a table on stderr. Usage: bench_compliance [machines, default 1000000]

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "measure.h"
#include "pipeline/compliance_judge.h"

namespace hallmark::bench {
namespace {

constexpr std::size_t kPlaces = 1000;
/// As many as fit into a list of 8 KiB.
constexpr std::size_t kGolden = 390;
constexpr std::size_t kExemptions = 1000;
/// One machine in twenty comes from elsewhere, from an image of its own place.
constexpr std::size_t kForeignEach = 20;
constexpr std::size_t kForeignImages = 200;

std::string image_id(std::size_t number) { return fmt::format("ami-{:017x}", number); }

std::vector<pipeline::PlaceFacts> made_places(std::size_t machines, TimePoint now) {
  std::vector<pipeline::PlaceFacts> places(kPlaces);
  for (std::size_t p = 0; p < kPlaces; ++p) {
    pipeline::PlaceFacts& place = places[p];
    place.place = {fmt::format("{:012}", p / 4), fmt::format("us-east-{}", p % 4)};
    for (std::size_t i = 0; i < kGolden; ++i) place.golden.insert(image_id(i));
    place.resources.resize(machines / kPlaces);
    for (std::size_t i = 0; i < place.resources.size(); ++i) {
      pipeline::Resource& resource = place.resources[i];
      const bool is_foreign = i % kForeignEach == 0;
      resource.id = fmt::format("i-{:017x}", p * place.resources.size() + i);
      resource.name = fmt::format("web-{}", i);
      resource.image_id = image_id(is_foreign ? kGolden + i % kForeignImages : i % kGolden);
      resource.state = "running";
      resource.tags = {{"Name", resource.name},
                       {"Team", fmt::format("team-{}", i % 100)},
                       {"aws:autoscaling:groupName", "web"}};
      resource.launched_at = now;
    }
  }
  return places;
}

pipeline::Facts made_facts(TimePoint now) {
  pipeline::Facts facts;
  facts.now = now;
  facts.grace = std::chrono::hours(24);
  for (std::size_t i = 0; i < kGolden; ++i) {
    facts.own_images[image_id(i)] = {fmt::format("web/debian-12/{}", i),
                                     pipeline::GoldenState::active,
                                     i % 2 == 0 ? "" : "web/debian-12/999", now};
  }
  for (std::size_t i = 0; i < kExemptions; ++i) {
    model::Exemption& one = facts.exemptions.emplace_back();
    one.reason = "its vendor ships this image alone";
    one.by = "alice";
    one.expires_at = now + std::chrono::hours(1000);
    if (i % 2 == 0) one.machine_id = fmt::format("i-{:017x}", i * 500);
    if (i % 2 == 1) one.tag = fmt::format("Team=team-{}*", i);
  }
  return facts;
}

std::vector<Result> bench_judge(std::size_t machines) {
  const TimePoint now = from_rfc3339("2026-11-23T12:00:00Z");
  std::vector<pipeline::PlaceFacts> places = made_places(machines, now);
  const pipeline::Facts facts = made_facts(now);
  forget_peak();
  const double inputs = own_status("VmRSS") / 1024;
  std::vector<pipeline::PlaceRulings> rulings;
  rulings.reserve(places.size());
  const auto start = ProcessorTime::now();
  pipeline::Judge judge(facts);
  for (const pipeline::PlaceFacts& place : places) rulings.push_back(judge.judge(place));
  const double judging = seconds_since(start);
  const double most = own_status("VmHWM") / 1024;
  pipeline::VerdictCounts counts{};
  for (const pipeline::PlaceRulings& each : rulings) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += each.counts[i];
  }
  auto count = [&](pipeline::Verdict verdict) { return counts[static_cast<std::size_t>(verdict)]; };
  if (count(pipeline::Verdict::compliant) == 0 || count(pipeline::Verdict::exempt) == 0 ||
      count(pipeline::Verdict::superseded) == 0 || count(pipeline::Verdict::non_compliant) == 0) {
    throw Error(ErrorKind::failed, "the machines were not judged as such");
  }
  const double bare = seconds_of([&] {
    std::size_t golden = 0;
    for (const pipeline::PlaceFacts& place : places) {
      for (const pipeline::Resource& resource : place.resources) {
        golden += place.golden.count(resource.image_id);
      }
    }
    return golden;
  });
  for (pipeline::PlaceFacts& place : places) place.golden.clear();
  const double worst = seconds_of([&] {
    pipeline::Judge strict(facts);
    std::size_t exempt = 0;
    for (const pipeline::PlaceFacts& place : places) {
      exempt += strict.judge(place).counts[static_cast<std::size_t>(pipeline::Verdict::exempt)];
    }
    return exempt;
  });
  return {
      {"judge", judging, "s"},
      {"  bare: look the image ids up", bare, "s"},
      {"judge where nothing is golden", worst, "s"},
      {"  non-compliant", static_cast<double>(count(pipeline::Verdict::non_compliant)), "machines"},
      {"  exempt", static_cast<double>(count(pipeline::Verdict::exempt)), "machines"},
      {"  memory of what was put in", inputs, "MiB"},
      {"  peak memory", most, "MiB"}};
}

}  // namespace
}  // namespace hallmark::bench

int main(int argc, char** argv) {
  using namespace hallmark::bench;
  const std::size_t machines = argc > 1 ? std::stoul(argv[1]) : 1'000'000;
  return report("compliance", fmt::format("{} machines in {} places", machines, kPlaces),
                {[&] { return bench_judge(machines); }});
}
