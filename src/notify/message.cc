#include "notify/message.h"

#include <map>

#include "base/text.h"
#include "model/finding.h"

namespace hallmark::notify {

namespace {

/// Of each list of findings; the report has them all.
constexpr std::size_t kMostFindings = 15;
constexpr std::size_t kMostEvents = 100;

const std::map<std::string, std::string>& sayings() {
  static const std::map<std::string, std::string> words = {
      {"image.building", "is being built"},
      {"image.awaiting_approval", "waits for approval"},
      {"image.active", "is active"},
      {"image.deprecated", "is deprecated"},
      {"image.disabled", "is disabled"},
      {"image.failed", "failed"},
      {"image.rejected", "was rejected"},
      {"image.decommissioning", "is being decommissioned"},
      {"image.decommissioned", "is decommissioned"},
      {"image.archived", "is archived"},
      {"image.wished", "is to be distributed"},
      {"decision.approve", "was approved by {actor}"},
      {"decision.reject", "was rejected by {actor}"},
      {"decision.refused", "has a decision that was refused"},
      {"decision.void", "has a decision of {actor} that does not count"},
      {"decision.reminder", "still waits for approval"},
      {"channel.promote", "was moved on by {actor}"},
      {"channel.rollback", "was rolled back by {actor}"},
      {"notice.new-findings", "has findings that it did not have before"},
      {"notice.compliance", "are not compliant"},
      {"machine.stopped", "was stopped because it is not compliant"},
  };
  return words;
}

using Values = std::map<std::string, std::string>;

/// One pass, so that what is filled in cannot ask for more.
std::string filled(const std::string& pattern, const Values& values) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::size_t end = pattern[i] == '{' ? pattern.find('}', i) : pattern.npos;
    if (end != pattern.npos) {
      if (auto value = values.find(pattern.substr(i + 1, end - i - 1)); value != values.end()) {
        out += value->second;
        i = end + 1;
        continue;
      }
    }
    out += pattern[i++];
  }
  return out;
}

std::string url_part(const std::string& text) {
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c)
                 : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out;
}

struct Fact {
  std::string name, value;
};

std::string counts_text(const Json& counts) {
  std::vector<std::string> parts;
  for (const char* severity : {"critical", "high", "unknown", "medium", "low", "info"}) {
    const int count = counts.value(severity, 0);
    if (count > 0) parts.push_back(fmt::format("{} {}", count, severity));
  }
  return parts.empty() ? "none" : join(parts, ", ");
}

/// What is said of one event, below its sentence.
std::vector<Fact> facts_in(const Event& event, const std::optional<ApprovalFacts>& approval) {
  std::vector<Fact> facts = {{"when", event.at}, {"who", event.actor}};
  auto from_detail = [&](const char* key, const char* name) {
    auto found = event.detail.find(key);
    if (found == event.detail.end() || found->is_null()) return;
    const std::string text = found->is_string() ? found->get<std::string>() : compact(*found);
    if (!text.empty()) facts.push_back({name, text});
  };
  from_detail("reason", "why");
  from_detail("comment", "comment");
  from_detail("image_id", "image");
  from_detail("findings", "new findings");
  from_detail("new", "newly non-compliant");
  from_detail("stopped", "stopped");
  if (!approval) {
    from_detail("deadline", "decide until");
    return facts;
  }
  facts.push_back({"decide until", approval->deadline});
  facts.push_back({"findings", counts_text(approval->counts)});
  facts.push_back(
      {"compared with", approval->compared_with.empty()
                            ? "nothing: it is the first version"
                            : fmt::format("{}: {} new, {} fixed, {} unchanged",
                                          approval->compared_with, approval->introduced.size(),
                                          approval->fixed.size(), approval->unchanged)});
  facts.push_back({"completeness", approval->completeness});
  if (approval->gaps > 0) facts.push_back({"coverage gaps", std::to_string(approval->gaps)});
  facts.push_back({"hardening score", approval->hardening_score});
  facts.push_back({"evidence digest", approval->evidence_digest});
  return facts;
}

struct Section {
  std::string title;
  std::vector<std::string> lines;
};

std::vector<Section> sections_of(const std::optional<ApprovalFacts>& approval) {
  if (!approval) return {};
  return {{"To be looked at", approval->reviews},
          {"New findings", approval->introduced},
          {"Fixed findings", approval->fixed}};
}

std::string as_text(const Event& event, const std::vector<Fact>& facts,
                    const std::vector<Section>& sections, const std::string& link) {
  std::string text = sentence(event) + "\n\n";
  for (const Fact& fact : facts) {
    if (!fact.value.empty()) text += fmt::format("  {}: {}\n", fact.name, one_line(fact.value));
  }
  for (const Section& section : sections) {
    if (section.lines.empty()) continue;
    text += "\n" + section.title + ":\n";
    for (std::size_t i = 0; i < section.lines.size() && i < kMostFindings; ++i) {
      text += "  - " + one_line(section.lines[i]) + "\n";
    }
    if (section.lines.size() > kMostFindings) {
      text += fmt::format("  and {} more\n", section.lines.size() - kMostFindings);
    }
  }
  if (!link.empty()) text += "\n" + link + "\n";
  return text;
}

std::string as_html(const Event& event, const std::vector<Fact>& facts,
                    const std::vector<Section>& sections, const std::string& link) {
  std::string html = "<h2 style=\"font-size:1.1em\">" + escape_html(sentence(event)) +
                     "</h2>\n<table style=\"border-spacing:0\">\n";
  for (const Fact& fact : facts) {
    if (fact.value.empty()) continue;
    html += "<tr><td style=\"padding:2px 12px 2px 0;color:#666\">" + escape_html(fact.name) +
            "</td><td>" + escape_html(one_line(fact.value)) + "</td></tr>\n";
  }
  html += "</table>\n";
  for (const Section& section : sections) {
    if (section.lines.empty()) continue;
    html += "<p><b>" + escape_html(section.title) + "</b></p><ul>\n";
    for (std::size_t i = 0; i < section.lines.size() && i < kMostFindings; ++i) {
      html += "<li>" + escape_html(one_line(section.lines[i])) + "</li>\n";
    }
    if (section.lines.size() > kMostFindings) {
      html += fmt::format("<li>and {} more</li>\n", section.lines.size() - kMostFindings);
    }
    html += "</ul>\n";
  }
  if (!link.empty()) {
    html += "<p><a href=\"" + escape_html(link) + "\">" + escape_html(link) + "</a></p>\n";
  }
  return html;
}

std::string document(const std::string& title, const std::string& body) {
  return "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>" + escape_html(title) +
         "</title></head><body style=\"font-family:sans-serif\">\n" + body + "</body></html>\n";
}

Json facts_json(const ApprovalFacts& facts) {
  return {{"counts", facts.counts},
          {"compared_with", facts.compared_with},
          {"introduced", facts.introduced.size()},
          {"fixed", facts.fixed.size()},
          {"unchanged", facts.unchanged},
          {"completeness", facts.completeness},
          {"gaps", facts.gaps},
          {"evidence_digest", facts.evidence_digest},
          {"deadline", facts.deadline}};
}

void write_one(Message& message, const Event& event, const std::string& server_url,
               const FactsOf& facts_of) {
  std::optional<ApprovalFacts> approval;
  if (is_urgent(event.kind)) approval = facts_of(event);
  message.link = link_to(event, server_url);
  const auto facts = facts_in(event, approval);
  const auto sections = sections_of(approval);
  message.title = one_line(sentence(event));
  message.text = as_text(event, facts, sections, message.link);
  message.html = document(message.title, as_html(event, facts, sections, message.link));
  if (!approval) return;
  message.data["approval"] = facts_json(*approval);
  message.report_html = approval->report_html;
}

void write_digest(Message& message, const std::string& server_url) {
  message.title = fmt::format("{} notices", message.events.size());
  message.link = server_url;
  std::string html = "<ul>\n";
  for (std::size_t i = 0; i < message.events.size() && i < kMostEvents; ++i) {
    const Event& event = message.events[i];
    const std::string said = one_line(event.at.substr(0, 16) + "Z  " + sentence(event));
    const std::string link = link_to(event, server_url);
    message.text += "- " + said + "\n";
    html += "<li>" +
            (link.empty() ? escape_html(said)
                          : "<a href=\"" + escape_html(link) + "\">" + escape_html(said) + "</a>") +
            "</li>\n";
  }
  html += "</ul>\n";
  if (message.events.size() > kMostEvents) {
    const std::string rest = fmt::format("and {} more", message.events.size() - kMostEvents);
    message.text += rest + "\n";
    html += "<p>" + rest + "</p>\n";
  }
  if (!server_url.empty()) message.text += "\n" + server_url + "\n";
  message.html = document(message.title, html);
}

void use_templates(Message& message, const Receiver& receiver) {
  const Event& event = message.events.front();
  const Values values = {
      {"title", message.title}, {"text", message.text},
      {"kind", event.kind},     {"subject", event.subject},
      {"actor", event.actor},   {"at", event.at},
      {"link", message.link},   {"count", std::to_string(message.events.size())}};
  const std::string title = message.title;
  if (!receiver.title.empty()) message.title = one_line(filled(receiver.title, values));
  if (receiver.text.empty()) return;
  message.text = filled(receiver.text, values);
  message.html = document(message.title, "<pre style=\"white-space:pre-wrap\">" +
                                             escape_html(message.text) + "</pre>\n");
}

}  // namespace

std::string one_line(std::string_view text, std::size_t limit) {
  std::string line = model::safe_text(text, limit);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return std::string(trim(line));
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string sentence(const Event& event) {
  auto words = sayings().find(event.kind);
  const std::string what =
      words == sayings().end() ? event.kind : filled(words->second, {{"actor", event.actor}});
  return one_line(event.subject + (words == sayings().end() ? ": " : " ") + what);
}

std::string link_to(const Event& event, const std::string& server_url) {
  if (server_url.empty() || product_of(event).empty()) return server_url;
  const char* page = is_urgent(event.kind) ? "approvals" : "images";
  return fmt::format("{}/#/{}/{}", server_url, page, url_part(event.subject));
}

Message compose(const Batch& batch, const Receiver& receiver, const std::string& server_url,
                const FactsOf& facts_of) {
  Message message{.message_id = batch.message_id, .data = Json::object()};
  for (const Delivery& delivery : batch.deliveries) message.events.push_back(delivery.event);
  if (message.events.empty()) throw Error(ErrorKind::internal, "a message tells nothing");
  if (message.events.size() == 1) {
    write_one(message, message.events.front(), server_url, facts_of);
  } else {
    write_digest(message, server_url);
  }
  use_templates(message, receiver);
  message.data["message_id"] = message.message_id;
  message.data["title"] = message.title;
  message.data["link"] = message.link;
  message.data["events"] = message.events;
  return message;
}

}  // namespace hallmark::notify
