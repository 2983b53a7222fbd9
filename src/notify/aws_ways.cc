#include "notify/aws_ways.h"

#include <algorithm>

#include "base/text.h"

namespace hallmark::notify {

namespace {

/// "arn:aws:sns:eu-west-1:111122223333:topic".
std::string region_in(const std::string& arn) {
  constexpr std::size_t kRegion = 3;
  const std::vector<std::string> parts = split(arn, ':');
  if (!arn.starts_with("arn:") || parts.size() <= kRegion || parts[kRegion].empty()) {
    throw Error(ErrorKind::usage, "\"{}\" is no ARN with a region", arn);
  }
  return parts[kRegion];
}

/// SNS wants ASCII, without line breaks, below 100 characters.
std::string sns_subject(const std::string& title) {
  constexpr std::size_t kLongest = 99;
  std::string subject = one_line(title).substr(0, kLongest);
  std::replace_if(
      subject.begin(), subject.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return subject;
}

aws::Value attribute(const std::string& text) {
  return {{"DataType", "String"}, {"StringValue", text}};
}

}  // namespace

void publish(aws::Caller& caller, const Topic& topic, const Message& message,
             std::stop_token stop) {
  const Event& event = message.events.front();
  const std::string data = compact(message.data);
  aws::Value input = {{"TopicArn", topic.arn},
                      {"Subject", sns_subject(message.title)},
                      {"MessageStructure", "json"},
                      {"Message", compact({{"default", message.text},
                                           {"http", data},
                                           {"https", data},
                                           {"lambda", data},
                                           {"sqs", data},
                                           {"firehose", data}})},
                      {"MessageAttributes",
                       {{"kind", attribute(message.events.size() == 1 ? event.kind : "digest")},
                        {"subject", attribute(event.subject.empty() ? "-" : event.subject)},
                        {"message_id", attribute(message.message_id)}}}};
  if (topic.arn.ends_with(".fifo")) {
    input["MessageGroupId"] = "hallmark";
    input["MessageDeduplicationId"] = message.message_id;
  }
  caller.call({.service = "sns", .operation = "Publish", .region = region_in(topic.arn)}, input,
              std::move(stop));
}

void put_events(aws::Caller& caller, const Bus& bus, const Message& message, std::stop_token stop) {
  constexpr std::size_t kAtOnce = 10;  // EventBridge takes no more
  const std::string region = bus.name.starts_with("arn:") ? region_in(bus.name) : bus.region;
  for (std::size_t first = 0; first < message.events.size(); first += kAtOnce) {
    aws::Value entries = aws::Value::array();
    for (std::size_t i = first; i < message.events.size() && i < first + kAtOnce; ++i) {
      const Event& event = message.events[i];
      Json detail = event;
      if (message.data.contains("approval")) detail["approval"] = message.data["approval"];
      detail["link"] = message.link;
      entries.push_back({{"Source", "hallmark"},
                         {"DetailType", event.kind},
                         {"Detail", compact(detail)},
                         {"EventBusName", bus.name}});
    }
    const aws::Value answer =
        caller.call({.service = "events", .operation = "PutEvents", .region = region},
                    {{"Entries", std::move(entries)}}, stop);
    if (answer.value("FailedEntryCount", 0) == 0) continue;
    for (const aws::Value& entry : answer.value("Entries", aws::Value::array())) {
      const std::string code = entry.value("ErrorCode", "");
      if (code.empty()) continue;
      const bool later =
          code == "ThrottlingException" || code == "InternalFailure" || code == "InternalException";
      throw Error(later ? ErrorKind::unavailable : ErrorKind::failed,
                  "EventBridge refused an event: {}: {}", code, entry.value("ErrorMessage", ""));
    }
  }
}

}  // namespace hallmark::notify
