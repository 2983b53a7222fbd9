#include "cloud/aws/session.h"

#include <algorithm>

#include "base/ids.h"

namespace hallmark::cloud::on_aws {

namespace {

using namespace std::chrono_literals;

constexpr Duration kSettleLimit = 60s;
constexpr Duration kFirstPause = 100ms;
constexpr Duration kLongestPause = 5s;

}  // namespace

Value Session::call(const Place& place, const std::string& service, const std::string& operation,
                    const Value& input, std::stop_token stop) const {
  check_account_id(place.account_id);
  region(place);
  Value answer = caller->call(
      {.service = service,
       .operation = operation,
       .region = place.region,
       .credentials =
           place.account_id == config.account_id ? nullptr : credentials_of(place.account_id)},
      input, stop);
  // What has nothing to say is an empty structure to those who look into it.
  return answer.is_null() ? Value::object() : answer;
}

std::string Session::presigned_url(const Place& place, const std::string& service,
                                   const std::string& operation, const Value& input,
                                   std::chrono::seconds lifetime) const {
  check_account_id(place.account_id);
  region(place);
  return caller->presigned_url(
      {.service = service,
       .operation = operation,
       .region = place.region,
       .credentials =
           place.account_id == config.account_id ? nullptr : credentials_of(place.account_id)},
      input, lifetime, {});
}

Value Session::call_about_new(const Place& place, const std::string& service,
                              const std::string& operation, const Value& input,
                              std::stop_token stop) const {
  const TimePoint until = clock.now() + kSettleLimit;
  for (Duration pause = kFirstPause;; pause = std::min<Duration>(pause * 2, kLongestPause)) {
    try {
      return call(place, service, operation, input, stop);
    } catch (const ApiError& e) {
      if (e.kind() != ErrorKind::not_found || clock.now() >= until) throw;
    }
    if (!clock.sleep_until(clock.now() + pause, stop)) {
      throw Error(ErrorKind::cancelled, "stopped before {} {}", service, operation);
    }
  }
}

void Session::each_page(const Place& place, const std::string& service,
                        const std::string& operation, Value input,
                        const std::function<void(const Value& page)>& use,
                        std::stop_token stop) const {
  while (true) {
    Value page = call(place, service, operation, input, stop);
    use(page);
    std::string next = text(page, "NextToken");
    if (next.empty()) return;
    input["NextToken"] = next;
  }
}

void Session::each_page_about_new(const Place& place, const std::string& service,
                                  const std::string& operation, Value input,
                                  const std::function<void(const Value& page)>& use) const {
  Value first = call_about_new(place, service, operation, input);
  use(first);
  input["NextToken"] = text(first, "NextToken");
  if (text(input, "NextToken").empty()) return;
  each_page(place, service, operation, std::move(input), use);
}

const AwsRegion& Session::region(const Place& place) const {
  auto found = std::find_if(config.regions.begin(), config.regions.end(),
                            [&](const AwsRegion& known) { return known.name == place.region; });
  if (found != config.regions.end()) return *found;
  std::string names;
  for (const AwsRegion& known : config.regions) names += (names.empty() ? "" : ", ") + known.name;
  throw Error(ErrorKind::usage, "region \"{}\" is not among those that are configured",
              place.region)
      .hint("they are " + names + "; add it under cloud.regions in config.yaml");
}

std::string client_token(std::string_view token, std::string_view part) {
  return sha256_hex(std::string(token) + "/" + std::string(part));
}

Value tag_list(const Tags& tags) {
  Value list = Value::array();
  for (const auto& [key, value] : tags) list.push_back({{"Key", key}, {"Value", value}});
  return list;
}

Tags tags_from(const Value& tag_list) {
  Tags tags;
  if (!tag_list.is_array()) return tags;
  for (const Value& tag : tag_list) {
    std::string key = text(tag, "Key");
    if (key != kCallTokenTag && key != kNameTag) tags[key] = text(tag, "Value");
  }
  return tags;
}

std::string tag_value(const Value& tag_list, std::string_view key) {
  if (!tag_list.is_array()) return "";
  for (const Value& tag : tag_list) {
    if (text(tag, "Key") == key) return text(tag, "Value");
  }
  return "";
}

Value tag_specification(const std::string& resource_type, const Tags& tags) {
  return {{"ResourceType", resource_type}, {"Tags", tag_list(tags)}};
}

Value filter(const std::string& name, const std::string& value) {
  return {{"Name", name}, {"Values", Value::array({value})}};
}

Value tag_filters(const Tags& tags, const TagKeys& keys) {
  Value filters = Value::array();
  for (const auto& [key, value] : tags) filters.push_back(filter("tag:" + key, value));
  for (const std::string& key : keys) filters.push_back(filter("tag-key", key));
  return filters;
}

std::string text(const Value& value, std::string_view member) {
  if (!value.is_object()) return "";
  auto found = value.find(std::string(member));
  return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

TimePoint time_of(const Value& value, std::string_view member) {
  auto found = value.find(member);
  if (found == value.end() || !found->is_number()) return {};
  return TimePoint(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(found->get<double>())));
}

bool is_resource_id(std::string_view id, std::string_view prefix) {
  constexpr std::size_t kOldDigits = 8;
  constexpr std::size_t kDigits = 17;
  if (!id.starts_with(prefix)) return false;
  std::string_view digits = id.substr(prefix.size());
  return (digits.size() == kOldDigits || digits.size() == kDigits) &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace hallmark::cloud::on_aws
