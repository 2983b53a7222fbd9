/// What advisories cost in processor time: compiling OSV records, opening the compiled file,
/// matching a fleet against it; and how far the orders of versions and the findings are those of
/// others.
///
///   bench_scan [--plot FILE] [DSA-LIST]     DSA-LIST: data/DSA/list of Debian's security tracker

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/feeds.h"
#include "scan_parts.h"

namespace hallmark::bench {
namespace {

constexpr int kRecords = 250'000;

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
  const double took = seconds_since(start);
  write_file(to, bytes);
  return {{"compile 250,000 OSV records", took, "s"},
          {"packed feed", static_cast<double>(std::filesystem::file_size(zip)) / 1e6, "MB"},
          {"compiled file", static_cast<double>(bytes.size()) / 1e6, "MB"},
          {"peak memory", own_status("VmHWM") / 1024, "MiB"}};
}

}  // namespace

std::string name_of(unsigned number) { return fmt::format("lib{:x}", number * 2654435761u); }

std::string made_version(std::mt19937& random) {
  return fmt::format("{}.{}.{}-{}+deb12u{}", 1 + random() % 5, random() % 20, random() % 10,
                     1 + random() % 9, 1 + random() % 4);
}

}  // namespace hallmark::bench

int main(int argc, char** argv) {
  using namespace hallmark;
  using bench::Result;
  if (argc > 1 && std::string_view(argv[1]) == "--apk-pairs") return bench::print_apk_pairs(), 0;
  TempDir directory;
  const Path zip = directory.path() / "all.zip";
  // In another process, whose memory does not count.
  if (const pid_t child = ::fork(); child == 0) {
    bench::write_zip(zip);
    ::_exit(0);
  } else {
    ::waitpid(child, nullptr, 0);
  }
  const Path compiled = directory.path() / "compiled";
  Path plot, dsa_list;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--plot" && i + 1 < argc)
      plot = argv[++i];
    else
      dsa_list = argv[i];
  }
  std::vector<std::function<std::vector<Result>()>> parts = {
      // Read by the parts that follow, so it is made before they begin.
      [&] { return bench::in_child([&] { return bench::compile(zip, compiled); }); },
      [&] { return bench::match_fleet(compiled, plot); }, bench::compare_all_orders};
  if (!dsa_list.empty()) parts.emplace_back([&] { return bench::precision_and_recall(dsa_list); });
  return bench::report("scan", "Advisories", parts);
}
