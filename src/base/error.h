#pragma once
/// The one exception class of Hallmark and the one table that says what each kind of error means
/// to the retry policy, the shell, HTTP clients and JSON readers.

#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark {

/// Decisions are taken on the kind; the text is for people.
enum class ErrorKind {
  usage,        ///< the caller asked for something malformed: a bad flag, a bad file, a bad value
  not_found,    ///< the named thing does not exist
  conflict,     ///< it exists already, or somebody else changed it first
  denied,       ///< not allowed: file mode, role, share, approval rule
  throttled,    ///< the other side asks us to come back later
  unavailable,  ///< the other side cannot be reached or is not ready: a mirror, a hypervisor, a
                ///< disk
  timeout,      ///< a deadline passed
  corrupt,      ///< bytes that should have been ours, or well-formed, are not
  failed,       ///< the user's own script, test or package operation said no
  rejected,     ///< the gate or an approver said no
  cancelled,    ///< a person or a signal asked us to stop
  internal,     ///< a bug of Hallmark
};

/// What a kind means outside of C++. One row per kind; docs/cli.md, which is made from the
/// program's help, lists the exit codes.
struct ErrorTraits {
  ErrorKind kind;
  std::string_view name;  ///< JSON name, same spelling as the enumerator
  bool retry;             ///< whether trying the same call again may help by itself
  int exit_code;          ///< of the hallmark command
  int http_status;
};

const ErrorTraits& traits(ErrorKind kind);
/// Unknown names come back as `internal`: a journal written by a newer version stays readable.
ErrorKind error_kind_from_name(std::string_view name);

/// An operation did not happen. Carries what a person needs: the message, the notes added on the
/// way up ("while ..."), and a hint that says the way out. Survives being stored in the journal.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  template <typename... Args>
  Error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args)
      : Error(kind, fmt::format(format, std::forward<Args>(args)...)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const std::string& hint() const { return hint_; }

  /// Adds context; the innermost note comes first. Returns *this so that it can be chained.
  Error& note(std::string text) &;
  Error&& note(std::string text) && { return std::move(note(std::move(text))); }
  /// Says the way out. A later hint replaces an earlier one.
  Error& hint(std::string text) &;
  Error&& hint(std::string text) && { return std::move(hint(std::move(text))); }

  /// Message, notes and hint in one text of one or more lines, without a trailing newline.
  std::string full_text() const;
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_;
  std::vector<std::string> notes_;
  std::string hint_;
};

}  // namespace hallmark
