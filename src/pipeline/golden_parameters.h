#pragma once
/// The parameters through which golden images are found, written so that two writers never lose an
/// entry and repeating a write changes nothing.

#include <string>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::pipeline {

/// The ids in /GoldenAMI/latest at `place`, empty if there is none.
std::vector<std::string> read_latest(cloud::Cloud& cloud, const cloud::Place& place);
/// Adds the id if it is not there. Throws `conflict` with the way out if the list would no longer
/// fit into a parameter.
void add_to_latest(cloud::Cloud& cloud, const cloud::Place& place, const std::string& image_id);
/// Removes exactly this id, and the parameter itself when nothing is left. Fine if it is not there.
void remove_from_latest(cloud::Cloud& cloud, const cloud::Place& place,
                        const std::string& image_id);

/// Creates the parameter with this value. Fine if it has it; throws `conflict` if it has another: a
/// published version never changes under its consumers.
void publish_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                       const std::string& value);
/// Removes the parameter if it still has this value. Fine if it is gone or has become another's.
void withdraw_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                        const std::string& value);

}  // namespace hallmark::pipeline
