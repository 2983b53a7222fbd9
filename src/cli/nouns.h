#pragma once
/// The commands of each noun; app/commands.cc puts them into the one list.

#include <vector>

#include "cli/command.h"

namespace hallmark::cli {

std::vector<Command> source_commands();
std::vector<Command> pipeline_commands();
std::vector<Command> image_build_commands();
std::vector<Command> image_decision_commands();
std::vector<Command> image_look_commands();  ///< with image_evidence_commands
std::vector<Command> image_evidence_commands();
std::vector<Command> image_life_commands();
std::vector<Command> image_ages_commands();
std::vector<Command> image_assess_commands();
std::vector<Command> image_tree_commands();
std::vector<Command> catalog_commands();
std::vector<Command> channel_commands();
std::vector<Command> image_retire_commands();
std::vector<Command> image_archive_commands();
std::vector<Command> notice_commands();
std::vector<Command> machine_commands();
std::vector<Command> compliance_commands();
std::vector<Command> parameter_commands();
std::vector<Command> run_look_commands();
std::vector<Command> run_drive_commands();
std::vector<Command> schedule_commands();
std::vector<Command> schedule_next_commands();
std::vector<Command> trigger_commands();
std::vector<Command> user_commands();
std::vector<Command> account_commands();
std::vector<Command> audit_commands();
std::vector<Command> reaper_commands();
std::vector<Command> advisory_commands();
std::vector<Command> scan_commands();
std::vector<Command> disk_commands();
std::vector<Command> disk_file_commands();
std::vector<Command> disk_inventory_commands();
std::vector<Command> db_commands();
std::vector<Command> doctor_commands();
std::vector<Command> aws_commands();
std::vector<Command> aws_setup_commands();
std::vector<Command> aws_preflight_commands();

}  // namespace hallmark::cli
