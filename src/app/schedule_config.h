#pragma once
/// The section `schedules` of config.yaml.

#include <vector>

#include "base/files.h"
#include "model/yaml_document.h"
#include "pipeline/schedules.h"

namespace hallmark::app {

/// `document` follows the schema, and has such a section. Paths are from the directory of `file`.
/// Adds a problem for everything that is wrong, at its place: expressions that AWS would not take
/// or that are never due, settings of one kind of work that are given to another.
std::vector<pipeline::Schedule> read_schedules(const model::YamlDocument& document,
                                               const Path& file,
                                               std::vector<model::Problem>& problems);

}  // namespace hallmark::app
