/// Inspector's scan of an image on demand: it reads the image's snapshots, without a machine.

#include <fmt/format.h>

#include <algorithm>

#include "aws/api_error.h"
#include "base/error.h"
#include "base/ids.h"
#include "scan/inspector/reading.h"

namespace hallmark::scan {
namespace inspector {
namespace {

using model::Completeness;

constexpr const char* kResourceType = "AMI";

/// What GetOnDemandScanStatus says.
struct ImageScan {
  std::string status;  ///< "IN_PROGRESS", "SUCCESSFUL", "FAILED"
  std::string reason;
  std::optional<TimePoint> started_at;
};

/// A sentence, and how bad it is.
void judge(const ImageScan& scan, model::Assessment& assessment) {
  const std::string reason = model::safe_text(scan.reason, kName);
  if (scan.status == "SUCCESSFUL") return;
  if (scan.status == "IN_PROGRESS") {
    return lower(assessment, Completeness::inconclusive, "the scan has not ended");
  }
  // What Inspector cannot read on this image, another scanner may.
  const bool cannot = reason == "UNSUPPORTED_OS" || reason == "STORAGE_LIMIT_EXCEEDED" ||
                      reason == "EXTRACTION_COLLECTION_TIME_LIMIT_EXCEEDED";
  lower(assessment, cannot ? Completeness::inconclusive : Completeness::failed,
        fmt::format("Inspector could not scan the image: {}",
                    reason.empty() ? model::safe_text(scan.status, kName) : reason));
}

class ImageScanner final : public OutsideScanner {
 public:
  ImageScanner(InspectorPlace home, InspectorAccess access, Duration poll_interval, Clock& clock)
      : home_(std::move(home)),
        access_(std::move(access)),
        poll_interval_(poll_interval),
        clock_(clock) {}

  std::string name() const override { return "inspector-image"; }
  bool needs_machine() const override { return false; }
  Duration poll_interval() const override { return poll_interval_; }

  void check(std::stop_token stop) override {
    // Inspector need not be enabled; whether these credentials may ask it anything shows here.
    Api(access_, home_)
        .call("BatchGetAccountStatus", {{"accountIds", Value::array({home_.account_id})}}, stop);
  }

  std::string launch(const ScanTarget& target, std::stop_token stop) override {
    if (!target.image_id.starts_with("ami-")) {
      throw Error(ErrorKind::usage, "Inspector scans AMIs; {} is none",
                  target.image_id.empty() ? "an image without id"
                                          : model::safe_text(target.image_id, kName));
    }
    const Api api = api_of(target);
    try {
      // The same token is the same scan, also if the answer was lost.
      Value answer = api.call("StartOnDemandScan",
                              {{"resourceId", target.image_id},
                               {"resourceType", kResourceType},
                               {"clientToken", sha256_hex(target.title).substr(0, kToken)}},
                              stop);
      std::string id = text_of(answer, "scanId");
      if (id.empty()) throw Error(ErrorKind::corrupt, "Inspector does not name the scan it began");
      return id;
    } catch (const aws::ApiError& error) {
      // Somebody's scan of the image runs already; it sees the same snapshots.
      if (error.kind() != ErrorKind::conflict) throw;
      if (std::string running = find_running(api, target, stop); !running.empty()) return running;
      throw;
    }
  }

  ScanProgress look(const ScanTarget& target, const std::string& scan_id,
                    std::stop_token stop) override {
    const ImageScan scan = read(api_of(target), target, scan_id, stop, nullptr);
    std::string state = model::safe_text(scan.status, kName);
    if (!scan.reason.empty()) state += ", " + model::safe_text(scan.reason, kName);
    const bool ended = scan.status == "SUCCESSFUL" || scan.status == "FAILED";
    return {.ended = ended, .state = std::move(state)};
  }

  model::Assessment collect(const ScanTarget& target, const std::string& scan_id,
                            const KeepRaw& keep_raw, std::stop_token stop) override {
    const Api api = api_of(target);
    model::Assessment assessment{.scanner = name(),
                                 .native_id = model::safe_text(scan_id, kName),
                                 .completeness = Completeness::complete};
    KeepRaw keep = [&](const std::string& file, const std::string& media_type,
                       std::string_view bytes) {
      assessment.raw.push_back(keep_raw(file, media_type, bytes));
      return assessment.raw.back();
    };
    RawPages raw(keep, "inspector/image-scan");
    ImageScan scan;
    raw.keep([&] { scan = read(api, target, scan_id, stop, &raw); });
    assessment.native_state = model::safe_text(scan.status, kName);
    judge(scan, assessment);

    FoundOnMachine found(target.image_id);
    read_findings(api, found, keep, assessment, stop);
    // Inspector User Guide, "Machine image on-demand scan": findings are published as events. Their
    // absence from the list says nothing, and those of an earlier scan say nothing of this one.
    const bool of_this_scan =
        found.last_seen() && scan.started_at && *found.last_seen() >= *scan.started_at;
    if (scan.status == "SUCCESSFUL" && !of_this_scan) {
      lower(assessment, Completeness::inconclusive,
            "Inspector lists no findings of this scan, which it may have published as events only");
    }
    if (scan.started_at) {
      assessment.started_at = to_rfc3339(*scan.started_at);
      assessment.advisories.push_back(
          {.name = "Amazon Inspector", .fetched_at = assessment.started_at});
    }
    assessment.distribution.pretty_name = found.platform();
    assessment.findings = std::move(found).findings();
    sort(assessment.findings);
    assessment.assessed_at = to_rfc3339(clock_.now());
    return assessment;
  }

  /// There is no call that stops or removes one; what is known of an image goes with the image.
  void clean_up(const ScanTarget&, const std::string&, std::stop_token) override {}

 private:
  /// As long as client tokens of AWS may be everywhere.
  static constexpr std::size_t kToken = 36;

  Api api_of(const ScanTarget& target) const {
    return Api(access_, {target.account_id, target.region});
  }

  static std::string find_running(const Api& api, const ScanTarget& target, std::stop_token stop) {
    std::string running;
    api.each_page(
        "ListOnDemandScans", {{"resourceId", target.image_id}, {"resourceType", kResourceType}},
        [&](const Value& page) {
          for (const Value& scan : list_of(page, "items")) {
            if (text_of(scan, "scanStatus") == "IN_PROGRESS") running = text_of(scan, "scanId");
          }
        },
        stop);
    return running;
  }

  static ImageScan read(const Api& api, const ScanTarget& target, const std::string& scan_id,
                        std::stop_token stop, RawPages* raw) {
    Value answer = api.call(
        "GetOnDemandScanStatus",
        {{"resourceId", target.image_id}, {"resourceType", kResourceType}, {"scanId", scan_id}},
        stop);
    if (raw) raw->add(answer);
    const std::string about = text_of(answer, "resourceId");
    if (!about.empty() && about != target.image_id) {
      throw Error(ErrorKind::corrupt, "Inspector answers about {} instead of {}",
                  model::safe_text(about, kName), target.image_id);
    }
    return {.status = text_of(answer, "scanStatus"),
            .reason = text_of(answer, "scanStatusReason"),
            .started_at = time_of(answer, "startedAt")};
  }

  InspectorPlace home_;
  InspectorAccess access_;
  Duration poll_interval_;
  Clock& clock_;
};

}  // namespace
}  // namespace inspector

std::unique_ptr<OutsideScanner> make_inspector_image_scanner(InspectorPlace home,
                                                             InspectorAccess access,
                                                             Duration poll_interval, Clock& clock) {
  return std::make_unique<inspector::ImageScanner>(std::move(home), std::move(access),
                                                   poll_interval, clock);
}

}  // namespace hallmark::scan
