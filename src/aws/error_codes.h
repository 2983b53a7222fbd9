#pragma once
/// What the error codes of AWS services mean to us: one table for retries, exit codes and callers.

#include <string_view>

#include "base/error.h"

namespace hallmark::aws {

/// `status` decides where the code says nothing.
///  - throttled: asked too fast; never a hard quota, which waiting does not lift
///  - not_found, conflict, denied (also credentials that are wrong or have expired)
///  - unavailable: the service failed, or there is no capacity just now
///  - usage: the request is not what the service takes
///  - failed: anything else
ErrorKind kind_of(std::string_view service, std::string_view code, int status);

/// Asked too fast, or (LimitExceededException of some services) a quota is used up.
bool is_throttling(std::string_view code);
/// A dry run would have succeeded; the service says so with an error.
bool is_dry_run_success(std::string_view code);

}  // namespace hallmark::aws
