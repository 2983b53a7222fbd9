#pragma once
/// Inputs and answers as people and other programs write and read them: JSON without bytes.

#include <nlohmann/json.hpp>

#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// Blobs become text if they are UTF-8, else {"base64": ".."}.
Value printable(const Value& value);

/// The other way, where `shape` says blob: {"base64": ".."} becomes bytes. Throws `usage` for
/// base64 that is none, naming the path.
Value from_printable(const Shape& shape, Value value);

bool is_utf8(std::string_view bytes);

}  // namespace hallmark::aws
