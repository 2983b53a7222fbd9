#pragma once
/// Figures for Prometheus.

#include <string>

#include "pipeline/context.h"
#include "server/hub.h"

namespace hallmark::server {

/// In its text format. Throws what the database throws.
std::string metrics_text(const pipeline::Context& context, const Hub& hub, TimePoint now);

}  // namespace hallmark::server
