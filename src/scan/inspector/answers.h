#pragma once
/// Reading what a service says without trusting its form: what is missing or of another type reads
/// as nothing.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "aws/value.h"
#include "base/clock.h"

namespace hallmark::scan::inspector {

using aws::Value;

/// Limits of text of outside origin: a name is a word, a title a line, a description some
/// paragraphs. What is longer is not what it claims to be.
inline constexpr std::size_t kName = 200;
inline constexpr std::size_t kTitle = 500;
inline constexpr std::size_t kDescription = 8u << 10;
inline constexpr std::size_t kReferences = 30;

/// The member as it is; "" if it is no text. Of outside origin: not yet safe to show.
std::string text_of(const Value& value, const char* member);
/// An array, if need be an empty one.
const Value& list_of(const Value& value, const char* member);
/// An object, if need be an empty one.
const Value& object_of(const Value& value, const char* member);
/// Also of digits in a text. Never infinite.
std::optional<double> number_of(const Value& value, const char* member);
/// Seconds since 1970 as a number, as it stands on the wire, or ISO 8601 with any offset, as AWS's
/// tools write it to files.
std::optional<TimePoint> time_of(const Value& value, const char* member);
/// The same in RFC 3339; "" if there is none.
std::string time_text_of(const Value& value, const char* member);

/// `url` made safe and added if it is one of the web and there is room.
void add_reference(std::vector<std::string>& references, const std::string& url);
void sort_unique(std::vector<std::string>& values);
/// One line, valid UTF-8 whatever came.
std::string compact(const Value& value);

}  // namespace hallmark::scan::inspector
