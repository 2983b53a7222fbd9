#pragma once
/// What `scan match` and `disk scan` share: how findings are shown, written for tools, and held.

#include <string>
#include <vector>

#include "cli/command.h"
#include "evidence/documents.h"
#include "model/assessment.h"

namespace hallmark::cli {

/// --format, --fail-on and --vex.
std::vector<OptionSpec> finding_options();
/// What --fail-on exits with.
std::pair<ErrorKind, std::string> held_exit();

/// What the scanner says, and what is known of exploitation where config.yaml names a source of it.
model::Assessment assess(App& app, const model::Inventory& inventory);

/// Of what is no image of ours: `name` stands for all that evidence says of one.
evidence::Subject subject_of(const std::string& name, const model::Inventory& inventory,
                             const model::Assessment& assessment);

/// Applies the documents that --vex names. `products`: the names of what was assessed. Throws what
/// reading them throws.
void apply_vex_options(model::Assessment& assessment, const model::Inventory& inventory,
                       const std::vector<std::string>& products, const Arguments& arguments);

/// Puts into `record` what --format and --fail-on ask for: "format", "document", "held".
Outcome with_findings(Json record, const evidence::Subject& subject, const Arguments& arguments);

/// Whether the record had a document, which then is printed instead of all else.
bool render_document(const Json& record, App& app);
/// Vulnerabilities and updates, the worst first.
void render_vulnerabilities(const model::Assessment& assessment, App& app);
/// What should not be in a golden image, the worst first.
void render_hardening(const std::vector<model::Finding>& findings, App& app);
void render_gaps(const std::vector<model::CoverageGap>& gaps, App& app);

}  // namespace hallmark::cli
