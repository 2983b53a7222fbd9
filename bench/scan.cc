/// What advisories cost in processor time: compiling OSV records, opening the compiled file,
/// matching a fleet against it; and how far the orders of versions and the findings are those of
/// others.
///
///   bench_scan [DSA-LIST]     DSA-LIST: data/DSA/list of Debian's security tracker

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <rpm/rpmver.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "measure.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/advisory_file.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/match.h"

extern "C" {
#include <dpkg/dpkg.h>
#include <dpkg/version.h>
}

namespace hallmark {
namespace {

using bench::ProcessorTime;
using bench::Result;

constexpr int kRecords = 250'000;
constexpr int kNames = 20'000;
constexpr int kImages = 10'000;
constexpr int kPackages = 400;
constexpr int kPairs = 200'000;

/// Names differ early, as those of a distribution do.
std::string name_of(unsigned number) { return fmt::format("lib{:x}", number * 2654435761u); }

std::string made_version(std::mt19937& random) {
  return fmt::format("{}.{}.{}-{}+deb12u{}", 1 + random() % 5, random() % 20, random() % 10,
                     1 + random() % 9, 1 + random() % 4);
}

/// As OSV publishes Debian's: one record for each CVE, three releases in each.
std::string made_record(int number, std::mt19937& random) {
  const std::string name = name_of(random() % kNames);
  std::string record = fmt::format(
      R"({{"schema_version":"1.6.0","id":"DEBIAN-CVE-{}-{:06}","modified":"2026-01-02T03:04:05Z","published":"2025-01-02T03:04:05Z","upstream":["CVE-{}-{:06}"],"details":"{}","affected":[)",
      2010 + number % 16, number, 2010 + number % 16, number,
      std::string(700 + random() % 900, 'd'));
  for (int release = 11; release <= 13; ++release) {
    const bool open = random() % 10 == 0;
    record += fmt::format(
        R"({}{{"package":{{"ecosystem":"Debian:{}","name":"{}","purl":"pkg:deb/debian/{}?arch=source"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{}]}}],"ecosystem_specific":{{"urgency":"not yet assigned"}}}})",
        release == 11 ? "" : ",", release, name, name,
        open ? "" : R"(,{"fixed":")" + made_version(random) + R"("})");
  }
  return record +
         R"(],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]})";
}

void write_zip(const Path& file) {
  std::mt19937 random(1);
  struct archive* zip = ::archive_write_new();
  ::archive_write_set_format_zip(zip);
  ::archive_write_set_options(zip, "zip:compression-level=1");
  ::archive_write_open_filename(zip, file.c_str());
  struct archive_entry* entry = ::archive_entry_new();
  for (int number = 0; number < kRecords; ++number) {
    const std::string record = made_record(number, random);
    ::archive_entry_clear(entry);
    ::archive_entry_set_pathname(entry, fmt::format("DEBIAN-CVE-{:06}.json", number).c_str());
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(record.size()));
    ::archive_entry_set_filetype(entry, AE_IFREG);
    ::archive_entry_set_perm(entry, 0644);
    ::archive_write_header(zip, entry);
    ::archive_write_data(zip, record.data(), record.size());
  }
  ::archive_entry_free(entry);
  ::archive_write_close(zip);
  ::archive_write_free(zip);
}

std::vector<Result> compile(const Path& zip, const Path& to) {
  const auto start = ProcessorTime::now();
  scan::AdvisoryBuilder builder;
  builder.begin_feed({.name = "osv-debian", .kind = "osv"});
  scan::FeedFile file(zip);
  scan::read_feed("osv", file, "", builder);
  const std::string bytes = builder.finish();
  const double took = bench::seconds_since(start);
  write_file(to, bytes);
  return {{"compile 250,000 OSV records", took, "s"},
          {"packed feed", static_cast<double>(std::filesystem::file_size(zip)) / 1e6, "MB"},
          {"compiled file", static_cast<double>(bytes.size()) / 1e6, "MB"},
          {"peak memory", bench::own_status("VmHWM") / 1024, "MiB"}};
}

/// Every image has packages of its own choice; none is looked up once for all.
std::vector<Result> match_fleet(const Path& compiled) {
  auto start = ProcessorTime::now();
  const auto file = scan::AdvisoryFile::open(compiled);
  const double opening = bench::seconds_since(start);
  std::mt19937 random(2);
  std::vector<model::Package> pool(60'000);
  for (auto& package : pool) {
    // Most of what is installed is newer than most of what was ever mended.
    const std::string name = name_of(random() % (kNames + 5000));
    const std::string version =
        random() % 20 == 0 ? made_version(random) : "6." + made_version(random);
    package = {name, version, "amd64", name, version, "dpkg"};
  }
  std::vector<std::vector<std::uint32_t>> images(kImages);
  for (auto& image : images) {
    image.resize(kPackages);
    for (auto& place : image) place = static_cast<std::uint32_t>(random() % pool.size());
  }
  const auto* ecosystem = file->ecosystem("debian:12");
  std::atomic<std::uint64_t> hits = 0;
  start = ProcessorTime::now();
  const auto work = [&](std::size_t first, std::size_t step) {
    std::uint64_t own = 0;
    const scan::MatchCalls calls{[&](const scan::StatementRecord&) { ++own; },
                                 [](const scan::StatementRecord&) {}};
    for (std::size_t image = first; image < images.size(); image += step) {
      for (const std::uint32_t place : images[image])
        scan::match_package(*file, *ecosystem, pool[place], calls);
    }
    hits += own;
  };
  {
    std::jthread other(work, 1, 2);
    work(0, 2);
  }
  const double took = bench::seconds_since(start);
  return {{"open the compiled file", opening * 1e6, "us"},
          {"match 10,000 images x 400 packages, both threads' time", took, "s"},
          {"a package", took * 1e9 / kImages / kPackages, "ns"},
          {"findings", static_cast<double>(hits.load()), "findings"}};
}

int dpkg_compares(const std::string& a, const std::string& b) {
  const auto parsed = [](const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string rest = colon == text.npos ? text : text.substr(colon + 1);
    const std::size_t dash = rest.rfind('-');
    return std::make_tuple(
        colon == text.npos ? 0u : static_cast<unsigned>(std::stoul(text.substr(0, colon))),
        rest.substr(0, dash), dash == rest.npos ? std::string() : rest.substr(dash + 1));
  };
  const auto [ae, av, ar] = parsed(a);
  const auto [be, bv, br] = parsed(b);
  const dpkg_version left{ae, av.c_str(), ar.c_str()};
  const dpkg_version right{be, bv.c_str(), br.c_str()};
  return dpkg_version_compare(&left, &right);
}

int rpm_compares(const std::string& a, const std::string& b) {
  rpmver left = rpmverParse(a.c_str());
  rpmver right = rpmverParse(b.c_str());
  const int result = rpmverCmp(left, right);
  rpmverFree(left);
  rpmverFree(right);
  return result;
}

Result compare_orders(scan::VersionOrder order, const char* name,
                      const std::vector<std::string>& parts,
                      const std::function<int(const std::string&, const std::string&)>& theirs) {
  std::mt19937 random(3);
  const auto made = [&](std::mt19937& source) {
    std::string text = std::string(source() % 5 == 0 ? "1:" : "") + std::to_string(source() % 3);
    for (std::size_t count = source() % 5; count > 0; --count)
      text += parts[source() % parts.size()];
    return text + "-" + std::to_string(source() % 3) + parts[source() % parts.size()];
  };
  int compared = 0, differ = 0;
  while (compared < kPairs) {
    const std::string a = made(random), b = made(random);
    if (!scan::is_comparable(order, a) || !scan::is_comparable(order, b)) continue;
    ++compared;
    const int ours = scan::compare_versions(order, a, b);
    const int other = theirs(a, b);
    if ((ours > 0) != (other > 0) || (ours < 0) != (other < 0)) ++differ;
  }
  return {fmt::format("differences to {} in {} pairs", name, compared), static_cast<double>(differ),
          "pairs"};
}

struct Dsa {
  std::string id;
  std::vector<std::string> cves;
  std::vector<std::array<std::string, 3>> fixes;  ///< release, source, version
};

std::vector<Dsa> read_dsa_list(const Path& path) {
  std::vector<Dsa> all;
  for (const std::string& line : split(read_file(path), '\n')) {
    if (line.starts_with('[')) {
      const auto words = split(line.substr(line.find(']') + 2), ' ');
      all.push_back({words[0], {}, {}});
    } else if (line.starts_with("\t{")) {
      all.back().cves = split(line.substr(2, line.find('}') - 2), ' ');
    } else if (line.starts_with("\t[") && line.find(" - ") != line.npos) {
      const auto words = split(line.substr(line.find(" - ") + 3), ' ');
      if (words.size() >= 2 && !words[1].starts_with('<'))
        all.back().fixes.push_back({line.substr(2, line.find(']') - 2), words[0], words[1]});
    }
  }
  return all;
}

/// Debian's own advisories, each package at the version of each of them: what is found against what
/// dpkg's comparison of every advisory of the package says.
std::vector<Result> precision_and_recall(const Path& path) {
  const std::map<std::string, std::string> releases = {{"buster", "10"}, {"bullseye", "11"}};
  const std::vector<Dsa> all = read_dsa_list(path);
  Json records = Json::array();
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<std::string, std::string>>>
      by_package;
  for (const Dsa& dsa : all) {
    Json record = {
        {"id", dsa.id}, {"modified", "2023-03-29T00:00:00Z"}, {"affected", Json::array()}};
    for (const auto& [release, source, version] : dsa.fixes) {
      const auto known = releases.find(release);
      if (known == releases.end()) continue;
      record["affected"].push_back(
          {{"package", {{"ecosystem", "Debian:" + known->second}, {"name", source}}},
           {"ranges",
            {{{"type", "ECOSYSTEM"}, {"events", {{{"introduced", "0"}}, {{"fixed", version}}}}}}}});
      by_package[{known->second, source}].push_back({dsa.id, version});
    }
    records.push_back(std::move(record));
  }
  const std::string text = compact(records);
  scan::AdvisoryBuilder builder;
  builder.begin_feed({.name = "dsa", .kind = "osv"});
  scan::FeedFile feed(text, "dsa");
  scan::read_feed("osv", feed, "", builder);
  const std::string bytes = builder.finish();
  const scan::AdvisoryFile file(bytes);
  std::size_t expected = 0, found = 0, both = 0;
  SystemClock clock;
  for (const auto& [key, fixes] : by_package) {
    std::set<std::string> versions;
    for (const auto& fix : fixes) versions.insert({fix.second, fix.second + "~", "0~", "99:1"});
    for (const std::string& version : versions) {
      model::Inventory inventory;
      inventory.distribution = {.id = "debian", .version_id = key.first};
      inventory.packages = {{key.second, version, "amd64", key.second, version, "dpkg"}};
      std::set<std::string> wanted, got;
      for (const auto& [id, fixed] : fixes) {
        if (dpkg_compares(version, fixed) < 0) wanted.insert(id + ":" + key.second);
      }
      for (const auto& finding : scan::match(inventory, file, clock).findings)
        got.insert(finding.finding_id);
      expected += wanted.size();
      found += got.size();
      for (const auto& id : got) both += wanted.count(id);
    }
  }
  return {{"findings by dpkg's comparison", static_cast<double>(expected), "findings"},
          {"findings", static_cast<double>(found), "findings"},
          {"precision", static_cast<double>(both) / static_cast<double>(found), "findings"},
          {"recall", static_cast<double>(both) / static_cast<double>(expected), "findings"}};
}

}  // namespace
}  // namespace hallmark

int main(int argc, char** argv) {
  using namespace hallmark;
  using bench::Result;
  TempDir directory;
  const Path zip = directory.path() / "all.zip";
  // In another process, whose memory does not count.
  if (const pid_t child = ::fork(); child == 0) {
    write_zip(zip);
    ::_exit(0);
  } else {
    ::waitpid(child, nullptr, 0);
  }
  const Path compiled = directory.path() / "compiled";
  std::vector<std::function<std::vector<Result>()>> parts = {
      [&] { return bench::in_child([&] { return compile(zip, compiled); }); },
      [&] { return match_fleet(compiled); },
      [] {
        return std::vector<Result>{
            compare_orders(scan::VersionOrder::dpkg, "dpkg",
                           {".1", ".10", ".01", "~rc1", "~", "+deb12u1", "a", "B", "00", "z~"},
                           dpkg_compares),
            compare_orders(
                scan::VersionOrder::rpm, "rpm",
                {".1", ".10", ".01", "~rc1", "^git2", "a", "b12", "+x", "_3", ".el9", "00"},
                rpm_compares)};
      }};
  if (argc > 1) parts.emplace_back([&] { return precision_and_recall(argv[1]); });
  return bench::report("scan", "Advisories", parts);
}
