#pragma once
/// For the tests of the readers of feeds.

#include <string>
#include <string_view>
#include <vector>

#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"

namespace hallmark::scan {

/// What was read, as lines that a person can compare.
class Lines : public AdvisorySink {
 public:
  void begin(const AdvisoryText& advisory) override {
    ++feed_.records;
    id_ = advisory.id;
    std::string line = id_ + " [";
    for (const auto& cve : advisory.cves)
      line += (line.ends_with('[') ? "" : " ") + std::string(cve);
    advisories.push_back(line + "] " + std::string(model::to_string(advisory.severity)));
  }
  void add(const Statement& s) override {
    if (!order_of(s.ecosystem)) {
      ++feed_.elsewhere;
      return;
    }
    std::string line =
        std::string(s.ecosystem) + (s.of_source ? " source " : " binary ") + std::string(s.package);
    if (!s.module.empty()) line += " of " + std::string(s.module);
    if (!s.introduced.empty() && s.introduced != "0") line += " from " + std::string(s.introduced);
    if (!s.fixed.empty()) line += " fixed " + std::string(s.fixed);
    if (!s.last_affected.empty()) line += " until " + std::string(s.last_affected);
    if (s.judgement == Judgement::not_affected) line += " not affected";
    if (s.judgement == Judgement::undetermined) line += " undetermined";
    if (s.incomparable) line += " incomparable";
    if (s.subscription) line += " for subscribers";
    if (s.fix != model::FixState::unknown) line += " " + std::string(model::to_string(s.fix));
    if (s.severity != model::Severity::unknown)
      line += " " + std::string(model::to_string(s.severity));
    statements.push_back(std::move(line));
  }
  FeedInfo& feed() override { return feed_; }

  std::vector<std::string> advisories, statements;

 private:
  FeedInfo feed_{.name = "test"};
  std::string id_;
};

/// What readers make of a text, and of a file of testdata/.
Lines read_text(std::string_view kind, std::string_view text, std::string_view ecosystem = "");
Lines read_sample(std::string_view kind, const std::string& name, std::string_view ecosystem = "");

}  // namespace hallmark::scan
