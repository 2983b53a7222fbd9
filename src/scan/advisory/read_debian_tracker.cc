/// Debian's security tracker: https://security-tracker.debian.org/tracker/data/json

#include <array>
#include <utility>

#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"

namespace hallmark::scan {
namespace {

std::string_view ecosystem_of_codename(std::string_view codename) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kReleases = {
      {{"wheezy", "debian:7"},
       {"jessie", "debian:8"},
       {"stretch", "debian:9"},
       {"buster", "debian:10"},
       {"bullseye", "debian:11"},
       {"bookworm", "debian:12"},
       {"trixie", "debian:13"},
       {"forky", "debian:14"},
       {"duke", "debian:15"}}};
  for (const auto& [name, ecosystem] : kReleases) {
    if (name == codename) return ecosystem;
  }
  return {};
}

bool is_rejected(std::string_view description) {
  return description.starts_with("REJECTED") || description.starts_with("** REJECT");
}

/// Why an open flaw is not mended: the team's own words.
model::FixState fix_state(const json::element& release, std::string_view urgency) {
  if (urgency == "end-of-life") return model::FixState::end_of_life;
  const auto reason = member_of(release, "nodsa_reason");
  if (!reason) return model::FixState::none;
  const std::string_view word = text_of(release, "nodsa_reason");
  if (word == "ignored") return model::FixState::wont_fix;
  return word == "postponed" ? model::FixState::deferred : model::FixState::none;
}

void take_release(const json::element& release, std::string_view codename, Statement statement,
                  AdvisorySink& sink) {
  const std::string_view status = text_of(release, "status");
  const std::string_view urgency = text_of(release, "urgency");
  statement.ecosystem = ecosystem_of_codename(codename);
  statement.severity = severity_of_word(urgency);
  if (status == "resolved") {
    statement.fixed = text_of(release, "fixed_version");
    // "0": never affected.
    if (statement.fixed == "0" || statement.fixed.empty()) {
      statement.fixed = {};
      statement.judgement = Judgement::not_affected;
    }
  } else if (status == "undetermined") {
    statement.judgement = Judgement::undetermined;
  } else if (status != "open") {
    ++sink.feed().unreadable;
    return;
  }
  if (status == "open") statement.fix = fix_state(release, urgency);
  sink.add(statement);
}

}  // namespace

void read_debian_tracker(FeedFile& file, AdvisorySink& sink) {
  each_document(file, sink, [&](const json::element& document) {
    json::object sources;
    if (document.get(sources) != simdjson::SUCCESS) {
      ++sink.feed().unreadable;
      return;
    }
    for (const auto& [source, flaws_value] : sources) {
      json::object flaws;
      if (flaws_value.get(flaws) != simdjson::SUCCESS) {
        ++sink.feed().unreadable;
        continue;
      }
      for (const auto& [id, flaw] : flaws) {
        json::object releases;
        if (flaw.at_key("releases").get(releases) != simdjson::SUCCESS) {
          ++sink.feed().unreadable;
          continue;
        }
        AdvisoryText advisory;
        advisory.id = id;
        advisory.title = text_of(flaw, "description");
        if (is_rejected(advisory.title)) {
          ++sink.feed().withdrawn;
          continue;
        }
        const std::string url = "https://security-tracker.debian.org/tracker/" + std::string(id);
        advisory.url = url;
        if (is_cve(id)) advisory.cves.push_back(id);
        sink.begin(advisory);
        Statement statement;
        statement.package = source;
        for (const auto& [codename, release] : releases) {
          take_release(release, codename, statement, sink);
        }
      }
    }
  });
}

}  // namespace hallmark::scan
