#include "base/error.h"

#include <array>

namespace hallmark {

namespace {
constexpr std::array<ErrorTraits, 12> kTraits = {{
    {ErrorKind::usage, "usage", false, 2, 400},
    {ErrorKind::not_found, "not_found", false, 4, 404},
    {ErrorKind::conflict, "conflict", false, 6, 409},
    {ErrorKind::denied, "denied", false, 5, 403},
    {ErrorKind::throttled, "throttled", true, 7, 429},
    {ErrorKind::unavailable, "unavailable", true, 7, 503},
    {ErrorKind::timeout, "timeout", false, 8, 504},
    {ErrorKind::corrupt, "corrupt", false, 9, 422},
    {ErrorKind::failed, "failed", false, 1, 422},
    {ErrorKind::rejected, "rejected", false, 3, 409},
    {ErrorKind::cancelled, "cancelled", false, 130, 409},
    {ErrorKind::internal, "internal", false, 70, 500},
}};
}  // namespace

const ErrorTraits& traits(ErrorKind kind) { return kTraits.at(static_cast<std::size_t>(kind)); }

ErrorKind error_kind_from_name(std::string_view name) {
  for (const ErrorTraits& row : kTraits) {
    if (row.name == name) return row.kind;
  }
  return ErrorKind::internal;
}

Error& Error::note(std::string text) & {
  notes_.push_back(std::move(text));
  return *this;
}

Error& Error::hint(std::string text) & {
  hint_ = std::move(text);
  return *this;
}

std::string Error::full_text() const {
  std::string text = message_;
  for (const std::string& note : notes_) text += "\n  " + note;
  if (!hint_.empty()) text += "\n  hint: " + hint_;
  return text;
}

}  // namespace hallmark
