#pragma once
/// Scanners outside of Hallmark in a workflow: asked before anything is spent, then set on a
/// machine that was started from the candidate, all at the same time, but last those that alter it.

#include <vector>

#include "model/assessment.h"
#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/guest.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// A step that throws what OutsideScanner::check throws, and `usage` for a scanner that config.yaml
/// does not have.
void check_scanners(Context& context, workflow::Run& run,
                    const std::vector<model::ScannerUse>& scanners);

/// Returns once every scan has ended or passed its deadline, and all that it left on its service is
/// removed. A scan that cannot be started or has no results is an assessment that failed and says
/// why: the gate decides, not the network. Assessments wait for read_scans. A guest without a
/// machine id will do if no scanner needs a machine.
/// `part` tells the machines of one run apart, in keys and in files; a run with one leaves it out.
void scan_guest(Context& context, workflow::Run& run, const Guest& guest,
                const std::string& image_id, const model::Pipeline& pipeline,
                const std::string& part = "");

/// What scan_guest kept, in the pipeline's order. Throws `not_found`, `corrupt`.
std::vector<model::Assessment> read_scans(const Context& context, const std::string& run_id,
                                          const std::vector<model::ScannerUse>& scanners,
                                          const std::string& part = "");

/// Removes what a scan left on its service. `where` is its ledger entry's: the scanner's name and
/// the target. `scan_id` is empty if it is
/// not known. Throws what OutsideScanner::clean_up throws, and `usage` if config.yaml does not
/// have the scanner any more.
void remove_scan(Context& context, const Json& where, const std::string& scan_id);

}  // namespace hallmark::pipeline
