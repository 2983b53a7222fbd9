#include "notify/webhook.h"

#include "base/ids.h"
#include "base/text.h"
#include "model/finding.h"

namespace hallmark::notify {

namespace {

/// Slack: section text is 3000 characters at most, a header 150.
constexpr std::size_t kSlackText = 2900;
constexpr std::size_t kSlackHeader = 150;
/// Teams refuses cards above 28 KB.
constexpr std::size_t kTeamsText = 12'000;

std::string cut(const std::string& text, std::size_t most) { return model::safe_text(text, most); }

/// Slack's three (api.slack.com, "Formatting text"): without them <!channel> would call everybody.
std::string slack_text(std::string text) {
  text = replace_all(std::move(text), "&", "&amp;");
  text = replace_all(std::move(text), "<", "&lt;");
  return replace_all(std::move(text), ">", "&gt;");
}

Json slack(const Message& message) {
  auto section = [](const std::string& text) {
    return Json{{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
  };
  const std::string text =
      slack_text(cut(replace_all(message.text, "```", "'''"), kSlackText * 2 / 3));
  Json blocks = Json::array();
  blocks.push_back(
      {{"type", "header"},
       {"text",
        {{"type", "plain_text"}, {"text", cut(message.title, kSlackHeader)}, {"emoji", false}}}});
  blocks.push_back(section("```" + text.substr(0, kSlackText) + "```"));
  if (!message.link.empty()) blocks.push_back(section("<" + slack_text(message.link) + "|Open>"));
  return {{"text", slack_text(message.title)}, {"blocks", std::move(blocks)}};
}

Json teams(const Message& message) {
  // The runs of a RichTextBlock know no Markdown, so nothing in them becomes a link.
  auto block = [](Json run) {
    run["type"] = "TextRun";
    return Json{{"type", "RichTextBlock"}, {"inlines", Json::array({std::move(run)})}};
  };
  const Json title = block({{"text", message.title}, {"weight", "Bolder"}, {"size", "Medium"}});
  const Json text = block({{"text", cut(message.text, kTeamsText)}});
  Json card = {{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
               {"type", "AdaptiveCard"},
               {"version", "1.4"},
               {"body", Json::array({title, text})}};
  if (!message.link.empty()) {
    card["actions"] =
        Json::array({Json{{"type", "Action.OpenUrl"}, {"title", "Open"}, {"url", message.link}}});
  }
  const Json attachment = {{"contentType", "application/vnd.microsoft.card.adaptive"},
                           {"contentUrl", nullptr},
                           {"content", std::move(card)}};
  return {{"type", "message"}, {"attachments", Json::array({attachment})}};
}

}  // namespace

Json webhook_body(const Message& message, const std::string& shape) {
  if (shape == "slack") return slack(message);
  if (shape == "teams") return teams(message);
  Json json = message.data;
  json["text"] = message.text;
  return json;
}

net::ExchangeRequest webhook_request(const Message& message, const Webhook& webhook,
                                     const std::string& url, const std::string& secret,
                                     TimePoint now) {
  constexpr std::uint64_t kMostAnswer = 64u << 10;
  const std::string body = compact(webhook_body(message, webhook.shape));
  net::ExchangeRequest request{.method = "POST",
                               .url = url,
                               .headers = {{"Content-Type", "application/json; charset=utf-8"},
                                           {"User-Agent", "hallmark"},
                                           {"X-Hallmark-Message", message.message_id}},
                               .body = body,
                               .max_bytes = kMostAnswer,
                               .time_limit = std::chrono::seconds(30),
                               .stall_limit = std::chrono::seconds(20),
                               .ca_file = webhook.ca_file,
                               .repeatable = false,
                               .public_only = !webhook.allow_private};
  if (!secret.empty()) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::string timestamp = std::to_string(seconds);
    request.headers.emplace_back("X-Hallmark-Timestamp", timestamp);
    request.headers.emplace_back("X-Hallmark-Signature",
                                 "v1=" + to_hex(hmac_sha256(secret, timestamp + "." + body)));
  }
  return request;
}

void check_webhook_answer(const net::ExchangeResponse& response) {
  const int status = response.status;
  if (status / 100 == 2) return;
  ErrorKind kind = ErrorKind::unavailable;
  if (status == 429) kind = ErrorKind::throttled;
  if (status == 401 || status == 403 || status == 407) kind = ErrorKind::denied;
  if (status == 404) kind = ErrorKind::not_found;
  // Redirects are not followed: they could lead to where nothing may be sent.
  if (status / 100 == 3) kind = ErrorKind::denied;
  if (status == 400 || status == 410 || status == 413 || status == 415 || status == 422) {
    kind = ErrorKind::failed;
  }
  throw Error(kind, "the webhook answered with status {}: {}", status,
              one_line(response.body, 200));
}

}  // namespace hallmark::notify
