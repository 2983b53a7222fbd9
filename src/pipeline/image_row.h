#pragma once
/// A row of golden_images as a struct. Private to the files that read the table.

#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// All but `pipeline`.
GoldenImage image_from(const db::Row& row);
/// The columns that takes.
inline constexpr const char* kImageColumns =
    "run_id, image_key, product, os, version, state, state_reason, account_id, region, image_id,"
    " source_image_id, requested_by, evidence_digest, created_at, updated_at, state_since,"
    " kept_until";

}  // namespace hallmark::pipeline
