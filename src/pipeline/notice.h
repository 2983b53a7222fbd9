#pragma once
/// What somebody is to be told, and how far it reaches.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "db/page.h"
#include "pipeline/context.h"
#include "pipeline/gate.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// The gate holds something against the image that it did not before.
inline constexpr const char* kFindingsNotice = "new-findings";

struct Notice {
  std::string notice_id;
  std::string kind;
  std::string subject;  ///< image key
  std::string created_at;
  /// kFindingsNotice: image_id, gate_passed, findings, reach; with reassessment.rebuild_on_finding
  /// and a fix also rebuild (rebuild.h).
  Json body;
};

/// By a finding's id and its package: the worst that was said of it.
using Judged = std::map<std::pair<std::string, std::string>, model::Judgement>;

/// The findings that fail `now` or need a review, and of which nothing as bad was said `before` or
/// `told` yet.
std::vector<FindingVerdict> newly_held(const GateVerdict& now, const GateVerdict& before,
                                       const Judged& told);
/// Of all notices of this image but one.
Judged told_before(db::Database& database, const std::string& image_key,
                   const std::string& except_id);

/// Who runs the image: {"machines", "accounts", "places": [{"account_id", "region", "machines",
/// "others"}], "children": [image keys], "channels": [..], "unknown": [..]}. Places where nothing
/// does are left out; "others" are launch templates and Auto Scaling groups.
Json reach_of(const Context& context, const GoldenImage& image);

/// The audit log is told. Repeating with the same id is fine.
void record_notice(const Context& context, const Notice& notice);
struct NoticePage {
  std::vector<Notice> notices;  ///< newest first
  std::string next;             ///< see db::Listed
};
/// Those since then (RFC 3339). `products`: patterns, any of them; empty: all.
NoticePage list_notices(db::Database& database, const std::string& since,
                        const std::vector<std::string>& products = {}, const db::Page& page = {});

void to_json(Json& json, const Notice& value);

}  // namespace hallmark::pipeline
