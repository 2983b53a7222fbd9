#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "scan/openscap/assessment.h"
#include "scan/openscap/openscap.h"
#include "scan/openscap/script.h"

namespace hallmark::scan {
namespace openscap {
namespace {

void check_config(const OpenscapConfig& config) {
  auto refuse = [&](const char* text) {
    throw Error(ErrorKind::usage, "{}: {}", config.name.empty() ? "openscap" : config.name, text);
  };
  if (config.name.empty() || config.name.find('/') != std::string::npos) {
    refuse("the scanner needs a name without a slash");
  }
  if (config.content.empty() == config.content_path.empty()) {
    refuse("exactly one of content and content_path says what the machine is held against");
  }
  if (!config.content_path.empty() && !config.content_path.starts_with('/')) {
    refuse("content_path is an absolute path in the machine");
  }
  if (config.min_evaluated < 1) refuse("min_evaluated is at least 1");
  if (config.limits.time_limit <= Duration(0)) refuse("it needs a time limit");
  if (config.profile.starts_with('-')) refuse("a profile's name does not begin with a dash");
}

void check_running(std::stop_token stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped during an OpenSCAP scan");
}

class OpenscapScanner : public OutsideScanner {
 public:
  OpenscapScanner(OpenscapConfig config, MachineCommands commands, Clock& clock)
      : config_(std::move(config)), commands_(std::move(commands)), clock_(clock) {}

  std::string name() const override { return config_.name; }
  bool alters_machine() const override { return config_.install; }
  Duration poll_interval() const override { return config_.limits.poll_interval; }

  void check(std::stop_token stop) override {
    check_running(stop);
    check_content(config_);
    if (commands_.check) commands_.check();
  }

  std::string launch(const ScanTarget& target, std::stop_token stop) override {
    check_running(stop);
    if (trim(target.title).empty()) throw Error(ErrorKind::usage, "a scan needs a title");
    return commands_.start(target, make_script(config_, target), config_.limits.time_limit);
  }

  ScanProgress look(const ScanTarget& target, const std::string& scan_id,
                    std::stop_token stop) override {
    check_running(stop);
    MachineCommand command = commands_.read(target, scan_id);
    switch (command.state) {
      case MachineCommand::State::running:
        return {.ended = false, .state = "running"};
      case MachineCommand::State::finished:
        return {.ended = true, .state = "finished"};
      case MachineCommand::State::timed_out:
        return {.ended = true, .state = "timed out"};
      case MachineCommand::State::interrupted:
        break;
    }
    return {.ended = true, .state = "interrupted"};
  }

  model::Assessment collect(const ScanTarget& target, const std::string& scan_id,
                            const KeepRaw& keep_raw, std::stop_token stop) override {
    check_running(stop);
    MachineCommand command = commands_.read(target, scan_id);
    std::vector<model::RawResult> raw;
    model::Assessment assessment =
        assess(config_, command, mark_of(target),
               [&](const std::string& file, const char* media_type, std::string_view bytes) {
                 raw.push_back(keep_raw(config_.name + "/" + file, media_type, bytes));
               });
    assessment.native_id = model::safe_text(scan_id, 200);
    assessment.assessed_at = to_rfc3339(clock_.now());
    assessment.raw = std::move(raw);
    return assessment;
  }

  void clean_up(const ScanTarget& target, const std::string& scan_id,
                std::stop_token stop) override {
    check_running(stop);
    commands_.cancel(target, scan_id);
  }

 private:
  OpenscapConfig config_;
  MachineCommands commands_;
  Clock& clock_;
};

}  // namespace
}  // namespace openscap

std::unique_ptr<OutsideScanner> make_openscap_scanner(OpenscapConfig config,
                                                      MachineCommands commands, Clock& clock) {
  openscap::check_config(config);
  return std::make_unique<openscap::OpenscapScanner>(std::move(config), std::move(commands), clock);
}

}  // namespace hallmark::scan
