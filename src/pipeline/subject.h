#pragma once
/// What is kept of an image, in the form that documents for others are made from.

#include "evidence/subject.h"
#include "pipeline/evidence.h"

namespace hallmark::pipeline {

/// The same record gives the same subject: its time is that of the last assessment or decision.
/// Throws as read_evidence does, and `corrupt` if the evidence of the version before was altered.
evidence::Subject make_subject(const Context& context, const GoldenImage& image);

/// Of evidence that was read already, or is being written.
evidence::Subject make_subject(const Context& context, const GoldenImage& image,
                               const KeptEvidence& kept);

}  // namespace hallmark::pipeline
