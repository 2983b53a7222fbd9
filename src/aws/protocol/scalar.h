#pragma once
/// Single values as they are written and read in any of the protocols.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// A moment as precisely as AWS tells it.
struct Instant {
  std::int64_t seconds = 0;  ///< since 1970
  int microseconds = 0;      ///< 0 to 999,999, added to the seconds
};

/// Reads epoch seconds, ISO 8601 and RFC 822 alike, because services are not exact about it.
/// Nothing if it is none of them.
std::optional<Instant> parse_instant(std::string_view text);
/// From an input or an answer: a number or text. Nothing for what is no moment.
std::optional<Instant> instant_of(const Value& value);
/// With fractions only if there are some; RFC 822 has none.
std::string format_instant(Instant instant, TimestampFormat format);
/// Epoch seconds: an integer, or with a fraction a floating-point number.
Value to_value(Instant instant);

/// The bytes of a blob or string of an input.
std::string bytes_of(const Value& value);
Value to_blob(std::string bytes);
/// White space within is skipped, as MIME has it. Throws `corrupt`.
std::string decode_base64(std::string_view text);

/// "Infinity", "-Infinity" and "NaN" stand for what JSON cannot say.
bool is_special_number(std::string_view text);

/// A scalar of an input as text for a form, a path, a query string, a header or an XML element.
/// `otherwise` is the protocol's own format of timestamps.
std::string scalar_text(const Member& member, const Value& value, TimestampFormat otherwise);

/// A scalar of an answer from its text. Throws `corrupt` without saying where.
Value scalar_value(const Member& member, std::string_view text);

/// An empty object with room for that many members: one that grows copies what it holds already,
/// all the way down.
Value object_with_room(std::size_t count);

/// Adds a member without looking whether it is there: answers are made in one go.
void append(Value& object, std::string_view name, Value value);

}  // namespace hallmark::aws
