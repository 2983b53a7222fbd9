#pragma once
/// What a receiver is sent, in words and for programs. Every text in it may come from outside:
/// names of packages, comments, reasons.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "notify/outbox.h"

namespace hallmark::notify {

/// What an approver should see before they look: made from the evidence.
struct ApprovalFacts {
  Json counts = Json::object();         ///< severity -> findings
  std::string compared_with;            ///< image key of the version before; empty: there is none
  std::vector<std::string> introduced;  ///< "critical CVE-.. openssl", the worst first
  std::vector<std::string> fixed;
  int unchanged = 0;
  std::string completeness;
  std::string hardening_score;  ///< empty: none
  int gaps = 0;
  std::vector<std::string> reviews;  ///< what the gate wants somebody to look at
  std::string evidence_digest;
  std::string deadline;     ///< RFC 3339; empty: not known
  std::string report_html;  ///< empty: not there, or too large to send
};
/// Of an event that asks for an approval; nothing if the evidence is gone.
using FactsOf = std::function<std::optional<ApprovalFacts>(const Event&)>;

struct Message {
  std::string message_id;
  std::string title;  ///< one line without control characters
  std::string text;
  std::string html;  ///< a whole document; loads nothing, runs nothing
  std::string link;  ///< to where one can look; opening it changes nothing. Empty: no server.url
  Json data;         ///< {"message_id", "title", "link", "events", "approval"}
  std::vector<Event> events;
  std::string report_html;
};

/// `server_url`: of the page, without a slash at its end; may be empty. In a receiver's templates
/// {title}, {text}, {kind}, {subject}, {actor}, {at} and {link} stand for what is told; what is put
/// there is not looked at again.
Message compose(const Batch& batch, const Receiver& receiver, const std::string& server_url,
                const FactsOf& facts_of);

/// "Web-1.0/Debian-12/1.2.0 waits for approval".
std::string sentence(const Event& event);
std::string link_to(const Event& event, const std::string& server_url);
std::string escape_html(std::string_view text);
/// One line of printable text.
std::string one_line(std::string_view text, std::size_t limit = 500);

}  // namespace hallmark::notify
