#pragma once
/// Whether a document follows a JSON Schema, and if not, why, in words for people.

#include <string>
#include <vector>

#include "base/json.h"
#include "model/yaml_document.h"

namespace hallmark::model {

struct SchemaProblem {
  Address address;
  bool about_key = false;  ///< the member's key is wrong, not its value
  std::string message;
  std::string hint;
};

/// Whether the document is valid is decided by valijson; the words come from the schema itself, of
/// which the draft-07 keywords that golden.schema.json uses are understood.
std::vector<SchemaProblem> check_schema(const Json& schema, const Json& document);

/// What is wrong in our own words alone; for comparing with valijson's verdict.
std::vector<SchemaProblem> explain_schema(const Json& schema, const Json& document);

}  // namespace hallmark::model
