#pragma once
/// Amazon Inspector as an outside scanner. It looks at every EC2 instance of an account where it is
/// enabled, by itself: there is no call that starts a scan, only the wait until a machine was seen.
/// A CIS benchmark, where one is asked for, is started.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/clock.h"
#include "scan/scanner.h"

namespace hallmark::scan {

/// How calls are made in an account. Everything in it outlives the scanner.
struct InspectorAccess {
  std::shared_ptr<aws::Caller> caller;
  /// Whose credentials act in an account; null for the caller's own. Empty: always the caller's.
  std::function<std::shared_ptr<aws::CredentialProvider>(const std::string& account_id)>
      credentials_of;
};

struct InspectorPlace {
  std::string account_id;
  std::string region;
};

struct InspectorLimits {
  Duration poll_interval = std::chrono::seconds(60);
  /// A machine is "unmanaged" until its agent has registered and its first inventory was read,
  /// which Systems Manager does about every 30 minutes. Only after this long is such a state final.
  Duration settle_limit = std::chrono::minutes(45);
  /// Findings are listed a while after the scan that found them: a scan counts as ended when it is
  /// this old.
  Duration publish_delay = std::chrono::minutes(2);
  /// A CIS configuration is in the list only a while after its creation: nothing is concluded from
  /// its absence before this has passed.
  Duration listed_after = std::chrono::seconds(10);
};

struct InspectorConfig {
  /// Where machines will be scanned: check() asks there. Empty: only launch() asks.
  std::vector<InspectorPlace> places;
  /// False: nobody asks whether Inspector is enabled, as for a role that must not
  /// (inspector2:BatchGetAccountStatus).
  bool must_be_enabled = true;
  /// "LEVEL_1" or "LEVEL_2": the CIS benchmark runs too; empty: not.
  std::string cis_level;
  /// The tag that no other machine has with the same value; CIS finds the machine by it.
  std::string cis_tag = "hallmark:token";
  InspectorLimits limits;
};

/// Throws `usage` for a configuration that cannot work. `clock` outlives the scanner.
std::unique_ptr<OutsideScanner> make_inspector_scanner(InspectorConfig config,
                                                       InspectorAccess access, Clock& clock);

/// Scans the image itself on demand, from its snapshots: ScanTarget::image_id. Inspector publishes
/// what such a scan finds as events and lists it where machine images are scanned all the time; a
/// scan without listed findings is inconclusive. `home` is where check() asks. `clock` outlives it.
std::unique_ptr<OutsideScanner> make_inspector_image_scanner(InspectorPlace home,
                                                             InspectorAccess access,
                                                             Duration poll_interval, Clock& clock);

}  // namespace hallmark::scan
