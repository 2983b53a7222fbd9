#pragma once
/// Machines as workflows use them: launch and wait, run a script to its end, stop, remove.

#include <map>
#include <string>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// A machine in the workflow's hands. `label` ("builder", "test") prefixes the keys of its steps.
struct Guest {
  std::string label;
  cloud::Place place;
  std::string machine_id;
  cloud::Platform platform = cloud::Platform::linux;
};

/// Launches a machine owned by the run and waits until commands can be started in it. Throws
/// `failed` with the cloud's reason if it does not come up, `timeout` if that takes longer than
/// `boot_limit`. `platform` is the image's.
Guest launch_guest(Context& context, workflow::Run& run, const std::string& label,
                   const cloud::Place& place, const cloud::MachineSpec& spec,
                   cloud::Platform platform, Duration boot_limit);

/// Runs the script to its end; its output goes to the log of step "<label>/<name>". Throws `failed`
/// with the end of the output if it exits non-zero or was interrupted, `timeout` at its limit.
/// `secrets` names what is asked of Context::secret; values never reach journal or logs.
void run_in_guest(Context& context, workflow::Run& run, const Guest& guest, const std::string& name,
                  const model::Script& script,
                  const std::map<std::string, std::string>& environment,
                  const std::vector<std::string>& secrets);

/// Asks for a clean shutdown and waits for it.
void stop_guest(Context& context, workflow::Run& run, const Guest& guest);

/// Removes it and releases its ledger entry.
void remove_guest(Context& context, workflow::Run& run, const Guest& guest);

}  // namespace hallmark::pipeline
