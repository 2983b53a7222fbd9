#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <mutex>
#include <vector>

#include "base/files.h"
#include "base/text.h"

namespace hallmark {

namespace {

struct LogState {
  std::mutex mutex;
  std::vector<std::string> secrets;
  std::shared_ptr<spdlog::sinks::stderr_sink_mt> terminal =
      std::make_shared<spdlog::sinks::stderr_sink_mt>();
  spdlog::logger logger{"hallmark", terminal};
  LogState() {
    terminal->set_level(spdlog::level::warn);
    terminal->set_pattern("hallmark: %l: %v");
    logger.set_level(spdlog::level::debug);
    logger.flush_on(spdlog::level::info);
  }
};

LogState& state() {
  static LogState instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void log_to_stderr(LogLevel level) { state().terminal->set_level(to_spdlog(level)); }

void log_to_file(const std::filesystem::path& path) {
  if (path.has_parent_path()) make_directories(path.parent_path());
  auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
  file->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %P %l %v");
  state().logger.sinks().push_back(std::move(file));
}

void redact(std::string secret) {
  if (secret.size() < 4) return;
  std::lock_guard lock(state().mutex);
  state().secrets.push_back(std::move(secret));
}

std::string redacted(std::string text) {
  std::lock_guard lock(state().mutex);
  for (const std::string& secret : state().secrets)
    text = replace_all(std::move(text), secret, "***");
  return text;
}

void log_line(LogLevel level, std::string_view text) {
  state().logger.log(to_spdlog(level), "{}", redacted(std::string(text)));
}

}  // namespace hallmark
