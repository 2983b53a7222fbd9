#pragma once
/// From an input to an HTTP request and from an HTTP answer to a value, as the service's model and
/// its protocol say. Nothing here knows endpoints, credentials or the network.

#include <functional>
#include <string>

#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// Makes a value for members that the model wants filled with a fresh UUID.
using TokenSource = std::function<std::string()>;

/// A random UUID (version 4).
std::string random_uuid();

/// The request without scheme, host and signature. `input` has been validated (aws/validate.h).
/// Throws `usage` for what only shows while writing: an empty label in the path.
Request make_request(const Model& model, const Operation& operation, const Value& input,
                     const TokenSource& token);

/// What the service answered. Throws ApiError if it refused, `corrupt` if the answer is not what
/// the protocol says: cut off, HTML, nested beyond reason.
Value read_answer(const Model& model, const Operation& operation, const Response& response);

}  // namespace hallmark::aws
