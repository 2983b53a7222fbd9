#pragma once
/// Everything a run makes in the cloud is written into the ledger before it is made and released
/// when it is gone or has become a product. One function removes what an entry stands for;
/// clean-ups after a run and the reaper both use it.

#include <functional>
#include <string>
#include <vector>

#include "pipeline/context.h"
#include "workflow/ledger.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// What a ledger entry stands for.
inline constexpr const char* kMachineKind = "machine";
inline constexpr const char* kImageKind = "image";
inline constexpr const char* kParameterKind = "parameter";  ///< where: name, value
inline constexpr const char* kLatestKind = "latest";        ///< where: image_id, image_key
inline constexpr const char* kShareKind = "share";          ///< where: image_id, with
inline constexpr const char* kKeyGrantKind = "key-grant";   ///< where: key_id, image_id, with
inline constexpr const char* kArchiveKind = "archive";      ///< where: bucket, image_id
inline constexpr const char* kTemplateKind = "template";    ///< where: name, image_key
inline constexpr const char* kScanKind = "scan";            ///< where: see outside_scan.h

/// Inside a step: plans the entry, calls `create(token, owner tags)`, notes the id it returns.
/// `token`: of this step, or of an earlier one that may have made the thing already.
std::string make_owned(
    Context& context, const workflow::Run& run, const std::string& token, const std::string& kind,
    const cloud::Place& place, TimePoint deadline,
    const std::function<std::string(const std::string& token, const cloud::Tags& tags)>& create);

/// The same for things without an id of their own, described by `details` (see the kinds above).
void make_owned_detail(Context& context, const workflow::Run& run, workflow::Step& step,
                       const std::string& kind, const cloud::Place& place, const Json& details,
                       const std::function<void()>& create);

/// Removes what the entry stands for and releases it. Throws `unavailable` while the cloud may
/// still show a thing whose creation was never confirmed.
void remove_owned(Context& context, const workflow::LedgerEntry& entry);

/// Removes an image of ours, lifting its protection. Throws `unavailable` while its fast launch is
/// being ended.
void remove_own_image(Context& context, const cloud::Place& place, const std::string& image_id);

/// Removes everything the run still owns in the cloud, going on past failures and throwing the
/// first at the end. Scans have clean-ups of their own: an outside service that is down must not
/// fail a run whose image was approved; the reaper tries them again.
void remove_all_owned(Context& context, const std::string& run_id);

/// The run's things in the cloud have become a product: they stay.
void release_all_owned(Context& context, const std::string& run_id);

}  // namespace hallmark::pipeline
