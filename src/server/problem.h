#pragma once
/// Errors as answers: application/problem+json (RFC 9457), from the one table of errors.

#include "base/error.h"
#include "base/json.h"
#include "server/message.h"

namespace hallmark::server {

/// Nobody can tell who asks: status 401 instead of 403.
class NotKnown : public Error {
 public:
  using Error::Error;
};

/// {"type", "title", "status", "detail", "kind", "notes", "hint"}, without registered secrets.
Json problem_json(const Error& error);
Response problem_response(const Error& error);

/// An answer with this JSON.
Response json_response(const Json& json, int status = 200);

}  // namespace hallmark::server
