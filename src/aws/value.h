#pragma once
/// Inputs and answers of AWS calls: JSON as the service models describe it, and exact numbers of
/// bytes where a model says blob.

#include <nlohmann/json_fwd.hpp>

namespace hallmark::aws {

/// A structure is an object with the model's member names, a list an array, a map an object. Order
/// is kept, because query strings show it. Converts from and to Json by itself.
///  - blob: binary (raw bytes) in answers; in inputs also a string, whose UTF-8 bytes are meant
///  - timestamp: seconds since 1970 as a number in answers; in inputs also ISO 8601 text
using Value = nlohmann::ordered_json;

}  // namespace hallmark::aws
