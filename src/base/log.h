#pragma once
/// The program's own log (not a run's journal, not a guest's output): to stderr and, once
/// `log_to_file` was called, to a file. Secrets registered with `redact` never appear in it.

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace hallmark {

enum class LogLevel { debug, info, warning, error };

/// Lines below `level` are dropped on stderr; the file gets all of them. Default: warning.
void log_to_stderr(LogLevel level);
void log_to_file(const std::filesystem::path& path);
/// From now on `secret` is written as "***" wherever it appears in a log line. Thread-safe.
/// Shorter than 4 bytes is ignored: it would blot out ordinary text.
void redact(std::string secret);
/// `text` with every registered secret blotted out: for whoever writes elsewhere than the log.
std::string redacted(std::string text);

void log_line(LogLevel level, std::string_view text);

template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hallmark
