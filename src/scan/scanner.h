#pragma once
/// A scanner outside of Hallmark: a service that looks at a machine and tells later what it saw.
///
/// None of them says "clean" by an empty list alone, so an assessment carries how complete the look
/// was. All calls go from Hallmark, none from the machine, which never sees a credential.
///
/// For every call: it blocks, is safe from several threads and throws Error: `usage` (a
/// configuration the service refuses), `denied` (credentials, scope), `not_found`, `throttled` and
/// `unavailable` (try later), `timeout`, `corrupt` (an answer that is none), `cancelled`.

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/assessment.h"

namespace hallmark::scan {

/// A machine that was started from the image to be looked at, or the image alone: then machine_id
/// is empty.
struct ScanTarget {
  /// One for each scan of each run, and the same on every attempt: a launch whose answer was lost
  /// is found again by it.
  std::string title;
  std::string account_id;
  std::string region;
  std::string image_id;
  std::string machine_id;
  std::string ip;  ///< where the scanner reaches it; empty if it has none that others reach
  TimePoint launched_at{};
  std::map<std::string, std::string> tags;  ///< the machine's; for services that find it by these
  /// The image's packages as CycloneDX, read when it is called. May be empty.
  std::function<Json()> sbom;
};

struct ScanProgress {
  bool ended = false;  ///< it will not change by itself any more
  std::string state;   ///< the service's word, for people
};

/// Keeps an answer of the service with the evidence, as it came.
using KeepRaw = std::function<model::RawResult(
    const std::string& name, const std::string& media_type, std::string_view bytes)>;

class OutsideScanner {
 public:
  virtual ~OutsideScanner() = default;
  /// As golden.yaml calls it; also Assessment::scanner.
  virtual std::string name() const = 0;
  /// Waiting shorter than this between looks only burns the service's limits.
  virtual Duration poll_interval() const = 0;
  /// Whether it looks at a running machine; else the target may have none, only the image.
  virtual bool needs_machine() const { return true; }
  /// Whether its scan alters the machine: others must have looked before.
  virtual bool alters_machine() const { return false; }
  /// Credentials, and every name in the configuration that the service must know. Called before
  /// anything is spent.
  virtual void check(std::stop_token stop) = 0;
  /// Starts a scan, or finds the one with the target's title. Returns what the service calls it.
  virtual std::string launch(const ScanTarget& target, std::stop_token stop) = 0;
  virtual ScanProgress look(const ScanTarget& target, const std::string& scan_id,
                            std::stop_token stop) = 0;
  /// What it saw. Also of a scan that has not ended: then the assessment is not `complete`, and its
  /// reasons say why.
  virtual model::Assessment collect(const ScanTarget& target, const std::string& scan_id,
                                    const KeepRaw& keep_raw, std::stop_token stop) = 0;
  /// Stops the scan if it still runs and removes all that it left on the service: the scan itself,
  /// uploaded keys, tags, reports. With an empty id whatever has the target's title. Repeating is
  /// success.
  virtual void clean_up(const ScanTarget& target, const std::string& scan_id,
                        std::stop_token stop) = 0;
};

}  // namespace hallmark::scan
