#pragma once
/// The records behind archive.h. Writers may be repeated.

#include "pipeline/archive.h"

namespace hallmark::pipeline {

/// The audit log is told.
void record_archive(const Context& context, const GoldenImage& image, const Archive& archive);
void forget_archive(db::Database& database, const std::string& run_id, const Archive& archive);

}  // namespace hallmark::pipeline
