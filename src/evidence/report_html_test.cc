#include "evidence/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "evidence/fixture.h"

namespace hallmark::evidence {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Whether each tag that is opened is closed in order; tags without an end are left out.
bool is_balanced(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const bool closes = html.at(at + 1) == '/';
    const std::size_t begin = at + (closes ? 2 : 1);
    const std::string name = html.substr(begin, html.find_first_of(" >", begin) - begin);
    if (name == "!doctype" || name == "meta" || name == "br") continue;
    if (!closes) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty();
}

TEST(ReportHtml, ShowsWhatADecisionNeeds) {
  const std::string html = report_html(small_subject());
  for (const char* part :
       {"web/debian-12/1.4.0", "CVE-2026-1000", "libssl3 3.0.9-1", "critical with a fix fails",
        "waived by alice until 2027", "Not everything was seen (partial)",
        "the login failed on one host", "Approved", "good enough", "<title>critical: 1</title>"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
  EXPECT_TRUE(is_balanced(html));
}

TEST(ReportHtml, LetsNoTextOutOfItsPlace) {
  const std::string html = report_html(hostile_subject());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_EQ(html.find('\0'), std::string::npos);
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_TRUE(is_balanced(html));
}

TEST(ReportHtml, LoadsNothing) {
  const std::string html = report_html(hostile_subject());
  for (const char* part : {" src=", " href=", "url(", "@import", "<link", "<img", " onload"}) {
    EXPECT_THAT(html, Not(HasSubstr(part)));
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(ReportHtml, ShowsTheChangeOnlyIfThereIsAVersionBefore) {
  EXPECT_THAT(report_html(small_subject()), Not(HasSubstr("Change since")));
  Subject subject = small_subject();
  subject.previous = Previous{"web/debian-12/1.3.0", {subject.findings[0]}};
  EXPECT_THAT(report_html(subject), HasSubstr("Change since web/debian-12/1.3.0"));
}

TEST(ReportHtml, NothingFoundIsSaid) {
  const std::string html = report_html(empty_subject());
  EXPECT_THAT(html, HasSubstr("No scanner found anything."));
  EXPECT_THAT(html, Not(HasSubstr("Not everything was seen")));
  EXPECT_THAT(html, HasSubstr("Not decided yet."));
  EXPECT_TRUE(is_balanced(html));
}

TEST(ReportHtml, SaysHowManyItDoesNotList) {
  Subject subject = small_subject();
  subject.findings.resize(kMostRows + 7, subject.findings.back());
  EXPECT_THAT(report_html(subject), HasSubstr(">7 more are in findings.sarif."));
}

}  // namespace
}  // namespace hallmark::evidence
