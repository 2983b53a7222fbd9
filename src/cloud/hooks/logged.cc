#include "cloud/hooks/logged.h"

#include "base/counters.h"
#include "base/error.h"
#include "base/log.h"

namespace hallmark::cloud {

void Logged::around(const CallInfo& info, const std::function<void()>& call) {
  TimePoint began = clock_.now();
  auto log = [&](std::string_view outcome, std::string_view kind) {
    count("hallmark_cloud_calls_total",
          fmt::format("operation=\"{}\",outcome=\"{}\"", info.operation, kind));
    log_debug("cloud: {} in {}{}{}: {} ({})", info.operation, to_string(info.place),
              info.subject_id.empty() ? "" : " of ", info.subject_id, outcome,
              format_duration(clock_.now() - began));
  };
  try {
    call();
  } catch (const Error& error) {
    log(fmt::format("{}: {}", traits(error.kind()).name, error.message()),
        traits(error.kind()).name);
    throw;
  }
  log("ok", "ok");
}

}  // namespace hallmark::cloud
