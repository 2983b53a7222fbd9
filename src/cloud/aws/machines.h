#pragma once
/// Machines are EC2 instances that nothing can reach: no inbound rule, commands through Systems
/// Manager.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// The functions of cloud/cloud.h with the same names; see there.
void check_launch(const Session& session, const Place& place, const MachineSpec& spec,
                  std::stop_token stop);
std::string launch_machine(const Session& session, const Place& place, const MachineSpec& spec,
                           const std::string& token, std::stop_token stop);
std::optional<Machine> find_machine(const Session& session, const Place& place,
                                    const std::string& machine_id);
std::vector<Machine> list_machines(const Session& session, const Place& place,
                                   const MachineFilter& filter);
void stop_machine(const Session& session, const Place& place, const std::string& machine_id);
void remove_machine(const Session& session, const Place& place, const std::string& machine_id);

/// What a machine is told at its first boot: to switch itself off at the deadline, after each later
/// boot too, and to install the agent of Systems Manager if the image has none. Not secret.
std::string user_data(Platform platform, const std::string& region,
                      std::optional<TimePoint> deadline);

}  // namespace hallmark::cloud::on_aws
