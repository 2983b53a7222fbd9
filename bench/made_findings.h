#pragma once
/// An image with a hundred thousand findings, as two scanners tell of it, made and not recorded:
/// the same numbers give the same bytes.

#include <string>
#include <vector>

#include "model/assessment.h"
#include "model/policy.h"

namespace hallmark::bench {

/// Every finding is of one vulnerability in one package; the vulnerabilities of an image are
/// numbered. `version` moves the numbers on, so that some are fixed and others new.
struct MadeImage {
  std::size_t findings = 100'000;
  std::size_t version = 0;
  bool texts = true;  ///< descriptions, solutions and what the scanner saw
};

/// "tenable" with three fifths of the findings and "qualys" with the rest; three quarters of
/// qualys' are tenable's too. Texts are as long as scanners write them.
std::vector<model::Assessment> assessments(const MadeImage& image);

model::Inventory inventory();

/// Judges every severity, limits some, and has a thousand waivers with patterns; some end soon.
model::Gate gate();

/// What Qualys answers to `fetch`, and what Tenable exports, with so many findings.
std::string qualys_results(std::size_t findings);
std::string nessus_file(std::size_t findings);

/// A file of EPSS scores for so many CVEs, among them the image's; not compressed.
std::string epss_file(std::size_t rows);

inline constexpr const char* kImageKey = "web/debian-12/1.4.0";
inline constexpr const char* kTargetIp = "10.0.0.9";

}  // namespace hallmark::bench
