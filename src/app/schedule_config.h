#pragma once
/// The sections `schedules` and `triggers` of config.yaml.

#include <vector>

#include "base/files.h"
#include "model/yaml_document.h"
#include "pipeline/schedules.h"
#include "pipeline/triggers.h"

namespace hallmark::app {

/// `document` follows the schema, and has such a section. Paths are from the directory of `file`.
/// Adds a problem for everything that is wrong, at its place: expressions that AWS would not take
/// or that are never due, settings of one kind of work that are given to another.
std::vector<pipeline::Schedule> read_schedules(const model::YamlDocument& document,
                                               const Path& file,
                                               std::vector<model::Problem>& problems);

/// The same of triggers: settings of one kind of event that are given to another too.
std::vector<pipeline::Trigger> read_triggers(const model::YamlDocument& document, const Path& file,
                                             std::vector<model::Problem>& problems);

}  // namespace hallmark::app
