#pragma once
/// What every part of the AWS cloud needs to make a call in a place.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "aws/api_error.h"
#include "aws/value.h"
#include "cloud/aws/aws_cloud.h"

namespace hallmark::cloud::on_aws {

using hallmark::aws::ApiError;
using hallmark::aws::Value;

struct Session {
  AwsCloudConfig config;
  std::shared_ptr<hallmark::aws::Caller> caller;
  CredentialsOf credentials_of;
  Clock& clock;

  /// Throws `usage` for an account id or a region that is none of ours, else what Caller::call
  /// does.
  Value call(const Place& place, const std::string& service, const std::string& operation,
             const Value& input, std::stop_token stop = {}) const;
  /// The same for a call about a thing that was made a moment ago: AWS may not know it yet
  /// everywhere, so `not_found` counts only after a minute. Amazon EC2 API Reference, "Eventual
  /// consistency".
  Value call_about_new(const Place& place, const std::string& service, const std::string& operation,
                       const Value& input, std::stop_token stop = {}) const;
  /// All pages of a call that pages by NextToken, one after the other.
  void each_page(const Place& place, const std::string& service, const std::string& operation,
                 Value input, const std::function<void(const Value& page)>& use,
                 std::stop_token stop = {}) const;
  /// The same, the first page as call_about_new.
  void each_page_about_new(const Place& place, const std::string& service,
                           const std::string& operation, Value input,
                           const std::function<void(const Value& page)>& use) const;
  /// A URL that makes this call without credentials for `lifetime`, as Caller::presigned_url.
  std::string presigned_url(const Place& place, const std::string& service,
                            const std::string& operation, const Value& input,
                            std::chrono::seconds lifetime) const;
  const AwsRegion& region(const Place& place) const;
  /// Where buckets of that region are: in our own account, whosever the thing is that they hold.
  Place bucket_place(const Place& place) const { return {config.account_id, place.region}; }
};

/// The tag that holds the token of the call that made a thing.
inline constexpr const char* kCallTokenTag = "hallmark:call-token";
inline constexpr const char* kNameTag = "Name";

/// A caller's token as AWS takes it: 64 hex digits. `part` tells calls of one operation apart.
std::string client_token(std::string_view token, std::string_view part = {});

/// [{"Key", "Value"}, ..]
Value tag_list(const Tags& tags);
/// The inverse, without the tags that are ours (see aws_cloud.h) and `Name`.
Tags tags_from(const Value& tag_list);
/// The value of one tag, or "".
std::string tag_value(const Value& tag_list, std::string_view key);
/// One element of TagSpecifications.
Value tag_specification(const std::string& resource_type, const Tags& tags);
/// One element of Filters.
Value filter(const std::string& name, const std::string& value);
/// The elements of Filters that tags and tag keys come to.
Value tag_filters(const Tags& tags, const TagKeys& keys);

/// A member as text, or "" if the answer leaves it out.
std::string text(const Value& value, std::string_view member);

/// A member as a time, or the epoch if the answer leaves it out.
TimePoint time_of(const Value& value, std::string_view member);

/// Whether it has the shape of a resource id, "ami-" or "i-" and 8 or 17 hex digits. What has not
/// cannot exist, and is not sent.
bool is_resource_id(std::string_view id, std::string_view prefix);

}  // namespace hallmark::cloud::on_aws
