#pragma once
/// The parameters through which golden images are found, written so that two writers never lose an
/// entry and repeating a write changes nothing.

#include <string>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::pipeline {

/// The ids in /GoldenAMI/latest at `place`, empty if there is none. Spaces, empty entries and
/// doubled ids, which others may have written, are not seen.
std::vector<std::string> read_latest(cloud::Cloud& cloud, const cloud::Place& place);
/// Whether a value that somebody else wrote is overwritten.
enum class Edited { kept, overwritten };

/// Adds the id if it is not there, and indexes it: its id_parameter holds the image key. Warns
/// while the list is about to become a parameter that AWS charges for. Throws `usage` with the way
/// out if it would no longer fit into a parameter, `conflict` if the index says otherwise.
void add_to_latest(cloud::Cloud& cloud, const cloud::Place& place, const std::string& image_id,
                   const std::string& image_key, Edited edited = Edited::kept);
/// Removes exactly this id with its index, and the list itself when nothing is left. Fine if it is
/// not there.
void remove_from_latest(cloud::Cloud& cloud, const cloud::Place& place, const std::string& image_id,
                        const std::string& image_key);

/// Creates the parameter with this value. Fine if it has it; throws `conflict` if it has another,
/// unless that is to be overwritten: a published version never changes under its consumers.
void publish_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                       const std::string& value,
                       cloud::ParameterKind kind = cloud::ParameterKind::image_id,
                       Edited edited = Edited::kept);
/// Removes the parameter if it still has this value. Fine if it is gone or has become another's.
void withdraw_parameter(cloud::Cloud& cloud, const cloud::Place& place, const std::string& name,
                        const std::string& value);

}  // namespace hallmark::pipeline
