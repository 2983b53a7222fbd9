/// How far the orders of versions, and the findings, are those of others.

#include <fmt/format.h>
#include <rpm/rpmver.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/match.h"
#include "scan_parts.h"

extern "C" {
#include <dpkg/dpkg.h>
#include <dpkg/version.h>
}

namespace hallmark::bench {
namespace {

constexpr int kPairs = 200'000;

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

}  // namespace

std::vector<Result> compare_all_orders() {
  return {
      compare_orders(scan::VersionOrder::dpkg, "dpkg",
                     {".1", ".10", ".01", "~rc1", "~", "+deb12u1", "a", "B", "00", "z~"},
                     dpkg_compares),
      compare_orders(scan::VersionOrder::rpm, "rpm",
                     {".1", ".10", ".01", "~rc1", "^git2", "a", "b12", "+x", "_3", ".el9", "00"},
                     rpm_compares)};
}

void print_apk_pairs() {
  const std::vector<std::string> parts = {".1", ".10", ".01",   "_alpha", "_beta2", "_pre", "_rc1",
                                          "_p", "_p2", "_git3", "_cvs",   ".0",     ".09",  ".5"};
  std::mt19937 random(7);
  const auto made = [&] {
    std::string text = std::to_string(random() % 3);
    for (std::size_t count = random() % 4; count > 0; --count)
      text += parts[random() % parts.size()];
    if (random() % 4 == 0) text += static_cast<char>('a' + random() % 3);
    if (random() % 2 == 0) text += "-r" + std::to_string(random() % 12);
    return text;
  };
  for (int printed = 0; printed < kPairs;) {
    const std::string a = made(), b = made();
    if (!scan::is_comparable(scan::VersionOrder::apk, a) ||
        !scan::is_comparable(scan::VersionOrder::apk, b))
      continue;
    const int ours = scan::compare_versions(scan::VersionOrder::apk, a, b);
    fmt::print("{} {} {}\n", a, b, (ours > 0) - (ours < 0));
    ++printed;
  }
}

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

}  // namespace hallmark::bench
