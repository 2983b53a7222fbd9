#pragma once
/// Shows a run as it goes: finished steps one under another, with what each took, and on a terminal
/// one live line for those under way. With --json: one JSON line for each piece of news instead.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "cli/app.h"
#include "workflow/engine.h"

namespace hallmark::cli {

/// Thread-safe: the engine's threads tell it the news.
class ProgressView {
 public:
  /// With `logs`, what machines print is shown too, each line after the name of its step.
  ProgressView(App& app, bool logs);
  /// Takes the live line away.
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  /// Must not outlive the view.
  workflow::Observer observer();

  void step_changed(const std::string& run_id, const workflow::StepInfo& step);
  void progressed(const std::string& run_id, const std::string& key, std::optional<double> fraction,
                  const std::string& text);
  void logged(const std::string& run_id, const std::string& key, std::string_view text);
  void run_changed(const workflow::RunInfo& run);
  /// A sentence of our own, to stderr; with --json {"type":"message"}.
  void say(const std::string& text);

  /// One piece of work that is no run (making a source image).
  void begin(const std::string& key);
  void end(const std::string& key);

 private:
  struct Active {
    TimePoint since{};
    TimePoint told{};  ///< when a plain line last spoke of it
    std::string text;
    std::optional<double> fraction;
  };
  void print_line(const std::string& line);
  void erase_live();
  void draw_live();
  void tell_plain(const std::string& key, Active& active, bool changed);
  void tick();
  void print_json(const Json& json);
  void print_log_lines(const std::string& key, bool all);

  App& app_;
  bool logs_;
  std::mutex mutex_;
  std::map<std::string, Active> active_;
  std::set<std::string> finished_;
  std::map<std::string, std::string> unfinished_log_lines_;
  bool live_line_shown_ = false;
  std::size_t frame_ = 0;
  std::condition_variable_any wake_;
  std::jthread ticker_;
};

}  // namespace hallmark::cli
