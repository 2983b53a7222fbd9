#include "scan/inspector/reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace hallmark::scan::inspector {
namespace {

using model::Completeness;

// What Inspector takes at once.
constexpr std::size_t kDetailsAtOnce = 10;
constexpr int kFindingsPage = 100;

void read_list(const Api& api, FoundOnMachine& found, const KeepRaw& keep_raw,
               std::stop_token stop) {
  RawPages raw(keep_raw, "inspector/findings");
  raw.keep([&] {
    api.each_page(
        "ListFindings",
        {{"filterCriteria",
          {{"resourceId", equals({found.resource_id()})},
           // What a rule of the organization hides is shown all the same, as hidden.
           {"findingStatus", equals({"ACTIVE", "SUPPRESSED"})}}},
         {"maxResults", kFindingsPage}},
        [&](const Value& page) {
          raw.add(page);
          found.take_page(page);
        },
        stop);
  });
}

void read_details(const Api& api, FoundOnMachine& found, const KeepRaw& keep_raw,
                  std::stop_token stop) {
  RawPages raw(keep_raw, "inspector/details");
  const std::vector<std::string> wanted = found.wanted_details();
  raw.keep([&] {
    for (std::size_t at = 0; at < wanted.size(); at += kDetailsAtOnce) {
      auto begin = wanted.begin() + static_cast<std::ptrdiff_t>(at);
      auto end = wanted.begin() +
                 static_cast<std::ptrdiff_t>(std::min(at + kDetailsAtOnce, wanted.size()));
      const std::vector<std::string> asked(begin, end);
      Value answer = api.call("BatchGetFindingDetails", {{"findingArns", asked}}, stop);
      raw.add(answer);
      found.take_details(asked, answer);
    }
  });
}

void judge_findings(const FoundOnMachine& found, model::Assessment& assessment) {
  if (found.of_others() > 0) {
    // Findings carry their resource, so those of others do not make one's own doubtful; but all of
    // them of others is no answer to what was asked.
    lower(assessment, found.count() > 0 ? Completeness::partial : Completeness::inconclusive,
          fmt::format("{} findings are of other resources, and left out", found.of_others()));
  }
  if (found.unreadable() > 0) {
    lower(assessment, Completeness::partial,
          fmt::format("{} findings could not be read", found.unreadable()));
  }
  if (found.left_out() > 0) {
    lower(assessment, Completeness::partial,
          fmt::format("{} findings beyond the limit were left out", found.left_out()));
  }
  for (const auto& [code, count] : found.refused()) {
    lower(assessment, Completeness::partial,
          fmt::format("of {} vulnerabilities it is not known whether they are exploited: {}", count,
                      code.empty() ? "no reason" : code));
  }
}

}  // namespace

void bearably(model::Assessment& assessment, const std::string& what,
              const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    const ErrorKind kind = error.kind();
    if (kind == ErrorKind::cancelled || kind == ErrorKind::throttled || kind == ErrorKind::denied) {
      throw;
    }
    lower(assessment, Completeness::partial,
          what + ": " + redacted(model::safe_text(error.message(), kTitle)));
  }
}

void read_findings(const Api& api, FoundOnMachine& found, const KeepRaw& keep_raw,
                   model::Assessment& assessment, std::stop_token stop) {
  read_list(api, found, keep_raw, stop);
  bearably(assessment, "what is known of the findings' exploits could not be read",
           [&] { read_details(api, found, keep_raw, stop); });
  judge_findings(found, assessment);
}

}  // namespace hallmark::scan::inspector
