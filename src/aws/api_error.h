#pragma once
/// What an AWS service says when it refuses.

#include <string>

#include "base/error.h"

namespace hallmark::aws {

/// An Error that still knows the service's own code, for callers to whom "no such image" and "no
/// such snapshot" are two things.
class ApiError : public Error {
 public:
  ApiError(ErrorKind kind, std::string message, std::string code, int status,
           std::string request_id)
      : Error(kind, std::move(message)),
        code_(std::move(code)),
        status_(status),
        request_id_(std::move(request_id)) {}

  const std::string& code() const { return code_; }  ///< "InvalidAMIID.NotFound"
  int status() const { return status_; }             ///< HTTP
  const std::string& request_id() const { return request_id_; }

 private:
  std::string code_;
  int status_;
  std::string request_id_;
};

}  // namespace hallmark::aws
