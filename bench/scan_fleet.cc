/// A fleet of images against compiled advisories.

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "scan/advisory/matches.h"
#include "scan_parts.h"

namespace hallmark::bench {
namespace {

constexpr std::size_t kImages = 10'000;
constexpr std::size_t kPackages = 400;
constexpr std::size_t kDifferentPackages = 60'000;
constexpr std::size_t kThreads = 2;

/// Each image chooses its own packages of all that there are: no two are alike.
std::vector<model::Inventory> made_fleet(std::size_t packages) {
  std::mt19937 random(2);
  std::vector<model::Package> pool(kDifferentPackages);
  for (auto& package : pool) {
    // Most of what is installed is newer than most of what was ever mended.
    const std::string name = name_of(random() % (kNames + 5000));
    const std::string version =
        random() % 20 == 0 ? made_version(random) : "6." + made_version(random);
    package = {name, version, "amd64", name, version, "dpkg"};
  }
  std::vector<model::Inventory> fleet(kImages);
  for (model::Inventory& image : fleet) {
    image.distribution = {.id = "debian", .version_id = "12"};
    image.packages.reserve(packages);
    for (std::size_t i = 0; i < packages; ++i)
      image.packages.push_back(pool[random() % pool.size()]);
  }
  return fleet;
}

struct Took {
  double wall = 0, processor = 0;
  std::uint64_t findings = 0;
  std::size_t different = 0;
};

/// Nothing is known when it begins.
Took match(const Path& compiled, const std::vector<model::Inventory>& fleet, std::size_t threads) {
  scan::Matches matches(scan::AdvisoryFile::open(compiled));
  std::atomic<std::uint64_t> findings = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto start = ProcessorTime::now();
  const auto work = [&](std::size_t first) {
    std::uint64_t own = 0;
    for (std::size_t image = first; image < fleet.size(); image += threads) {
      for (const scan::PackageMatch* found : matches.of(fleet[image])) own += found->hits.size();
    }
    findings += own;
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t first = 1; first < threads; ++first) others.emplace_back(work, first);
    work(0);
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), seconds_since(start), findings, matches.size()};
}

struct Point {
  double packages, seconds;
};

/// Axes from zero, a dot for each measurement and the straight line from zero to the last.
void write_plot(const Path& file, const std::vector<Point>& points) {
  constexpr double kWidth = 560, kHeight = 320, kLeft = 60, kBottom = 40;
  const double most_x = points.back().packages * 1.05, most_y = points.back().seconds * 1.15;
  const auto x = [&](double value) { return kLeft + value / most_x * (kWidth - kLeft - 20); };
  const auto y = [&](double value) {
    return kHeight - kBottom - value / most_y * (kHeight - kBottom - 20);
  };
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" )"
      R"(font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>)"
      R"(<path d="M{2:.0f} 20V{3:.0f}H{4:.0f}" fill="none" stroke="#555"/>)"
      R"(<path d="M{2:.0f} {3:.0f}L{5:.1f} {6:.1f}" stroke="#aaa" stroke-dasharray="4 4"/>)",
      kWidth, kHeight, x(0), y(0), kWidth - 20, x(points.back().packages),
      y(points.back().seconds));
  for (const Point& point : points) {
    svg += fmt::format(
        R"(<circle cx="{0:.1f}" cy="{1:.1f}" r="4" fill="#06c"/><text x="{0:.1f}" y="{2:.1f}" )"
        R"(text-anchor="middle">{3:.2f} s</text><text x="{0:.1f}" y="{4:.0f}" )"
        R"(text-anchor="middle">{5:.0f}</text>)",
        x(point.packages), y(point.seconds), y(point.seconds) - 10, point.seconds, y(0) + 16,
        point.packages);
  }
  svg += fmt::format(
      R"(<text x="{:.0f}" y="{:.0f}" text-anchor="middle">packages of an image, {} images</text>)"
      "</svg>\n",
      kWidth / 2, kHeight - 6, kImages);
  write_file(file, svg);
}

}  // namespace

std::vector<Result> match_fleet(const Path& compiled, const Path& plot) {
  auto start = ProcessorTime::now();
  { const auto file = scan::AdvisoryFile::open(compiled); }
  const double opening = seconds_since(start);
  std::vector<Result> results = {{"open the compiled file", opening * 1e6, "us"}};
  std::vector<Point> points;
  for (const std::size_t packages : {50u, 100u, 200u, 400u, 600u, 800u}) {
    if (packages != kPackages && plot.empty()) continue;
    const std::vector<model::Inventory> fleet = made_fleet(packages);
    const Took both = match(compiled, fleet, kThreads);
    points.push_back({static_cast<double>(packages), both.processor});
    if (packages != kPackages) continue;
    const Took one = match(compiled, fleet, 1);
    const auto all = static_cast<double>(kImages * kPackages);
    results.insert(results.end(),
                   {{"match 10,000 images x 400 packages on 2 cores", both.wall, "s"},
                    {"  both cores' time", both.processor, "s"},
                    {"  on one core", one.processor, "s"},
                    {"  a package of an image", both.processor * 1e9 / all, "ns"},
                    {"  different packages", static_cast<double>(both.different), "packages"},
                    {"  findings", static_cast<double>(both.findings), "findings"}});
  }
  for (const Point& point : points) {
    if (plot.empty()) break;
    results.push_back(
        {fmt::format("10,000 images x {:.0f} packages, both cores' time", point.packages),
         point.seconds, "s"});
  }
  if (!plot.empty()) write_plot(plot, points);
  return results;
}

}  // namespace hallmark::bench
