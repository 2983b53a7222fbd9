#pragma once
/// Loading and checking golden.yaml.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/pipeline.h"
#include "model/yaml_document.h"

namespace hallmark::model {

/// What a check found. There is a pipeline exactly if there is no problem.
struct PipelineCheck {
  std::optional<Pipeline> pipeline;
  std::vector<Problem> problems;   ///< in the order of the file, at most 20
  int left_out = 0;                ///< problems found beyond those
  std::vector<std::string> files;  ///< others that it names, as it names them
};

/// Which other files a pipeline file may name: a server must not read its own to whoever asks.
enum class OtherFiles { anywhere, below };

/// Whether the path leads to a file in the directory it starts at, or below it.
bool leads_below(const std::string& path);

/// Checks everything that can be known without a cloud: YAML, schema, names, and that script files
/// are there. Never throws for what the file says; throws if the file itself cannot be read.
PipelineCheck check_pipeline(const Path& file, const Variables& variables,
                             OtherFiles others = OtherFiles::anywhere);
/// The same for text that is not, or not yet, in a file; scripts are looked for in `directory`.
PipelineCheck check_pipeline_text(std::string_view text, const Path& directory,
                                  const Variables& variables,
                                  OtherFiles others = OtherFiles::anywhere);

/// Throws `usage` with all problems, one a line, if there is any.
Pipeline load_pipeline(const Path& file, const Variables& variables,
                       OtherFiles others = OtherFiles::anywhere);

/// "golden.yaml:3:10: targets[0].regions: message; hint".
std::string to_string(const Problem& problem, const Path& file);

/// The JSON Schema of golden.yaml, for editors.
std::string_view pipeline_schema();

/// Targets from the text form, `{"111122223333":"us-east-1,us-west-2"}`. Throws `usage`.
std::vector<Target> targets_from_metadata(std::string_view metadata);

}  // namespace hallmark::model
