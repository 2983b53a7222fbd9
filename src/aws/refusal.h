#pragma once
/// A service's "no", with all it says.

#include <nlohmann/json.hpp>
#include <string>

#include "aws/api_error.h"
#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

struct Refusal {
  std::string code;  ///< "InvalidAMIID.NotFound"; the HTTP status if the answer does not say
  std::string message;
  std::string request_id;
  int status = 0;
  /// Members of the exception as the model has them; empty if it does not know the code.
  Value details = Value::object();
};

/// Whether `response` says no, which S3 may do with status 200.
bool is_refusal(const Model& model, const Operation& operation, const Response& response);

/// Never throws for what the service wrote: what cannot be read becomes part of the message.
Refusal read_refusal(const Model& model, const Operation& operation, const Response& response);

ApiError to_error(const Refusal& refusal, std::string_view service, std::string_view operation);

}  // namespace hallmark::aws
