#include "aws/error_codes.h"

#include <algorithm>
#include <iterator>

namespace hallmark::aws {

namespace {

template <typename Words>
bool is_one_of(std::string_view code, const Words& words) {
  return std::find(std::begin(words), std::end(words), code) != std::end(words);
}

template <typename Words>
bool has_one_of(std::string_view code, const Words& words) {
  return std::any_of(std::begin(words), std::end(words), [&](std::string_view word) {
    return code.find(word) != std::string_view::npos;
  });
}

// The SDKs' own list of throttling codes.
constexpr std::string_view kThrottled[] = {"Throttling",
                                           "ThrottlingException",
                                           "ThrottledException",
                                           "RequestThrottledException",
                                           "TooManyRequestsException",
                                           "TooManyRequests",
                                           "ProvisionedThroughputExceededException",
                                           "TransactionInProgressException",
                                           "RequestLimitExceeded",
                                           "BandwidthLimitExceeded",
                                           "LimitExceededException",
                                           "RequestThrottled",
                                           "SlowDown",
                                           "PriorRequestNotComplete",
                                           "EC2ThrottledException"};
// There LimitExceededException is a quota that no waiting lifts.
constexpr std::string_view kHardLimits[] = {"kms", "servicecatalog", "config", "organizations"};

constexpr std::string_view kDenied[] = {"UnauthorizedOperation",
                                        "AuthFailure",
                                        "AuthorizationError",
                                        "AuthorizationErrorException",
                                        "NotAuthorized",
                                        "NotAuthorizedException",
                                        "Forbidden",
                                        "ForbiddenException",
                                        "InvalidAccessKeyId",
                                        "InvalidClientTokenId",
                                        "UnrecognizedClientException",
                                        "SignatureDoesNotMatch",
                                        "InvalidSignatureException",
                                        "IncompleteSignature",
                                        "MissingAuthenticationToken",
                                        "MissingAuthenticationTokenException",
                                        "RequestTimeTooSkewed",
                                        "RequestInTheFuture",
                                        "OptInRequired",
                                        "PendingVerification",
                                        "InvalidIdentityToken",
                                        "IDPRejectedClaim"};
constexpr std::string_view kDeniedWords[] = {"AccessDenied", "Expired", "Unauthorized"};

constexpr std::string_view kNotFoundWords[] = {"NotFound", "NoSuch", "DoesNotExist", "NonExist",
                                               "UnknownStack"};
constexpr std::string_view kNotFound[] = {"InvalidAMIID.Unavailable", "InvalidInstanceId",
                                          "InvalidDocument", "NotFoundException"};

constexpr std::string_view kConflictWords[] = {"AlreadyExist",
                                               "AlreadyOwned",
                                               "Duplicate",
                                               "IdempotentParameterMismatch",
                                               "IdempotencyException",
                                               "Conflict",
                                               "InUse",
                                               "IncorrectState",
                                               "IncorrectInstanceState",
                                               "ConcurrentModification",
                                               "OperationInProgress",
                                               "InvalidState",
                                               "PreconditionFailed"};

constexpr std::string_view kUnavailableWords[] = {"InsufficientInstanceCapacity",
                                                  "InsufficientHostCapacity",
                                                  "InsufficientCapacity",
                                                  "InsufficientReservedInstance",
                                                  "ServiceUnavailable",
                                                  "InternalError",
                                                  "InternalFailure",
                                                  "InternalServer",
                                                  "InternalService",
                                                  "ServiceException",
                                                  "RequestTimeout",
                                                  "SpotMaxPriceTooLow",
                                                  "MaxSpotInstanceCountExceeded",
                                                  "IDPCommunicationError"};
constexpr std::string_view kUnavailable[] = {"Unavailable", "Unsupported"};

constexpr std::string_view kUsageStarts[] = {
    "Invalid",          "Missing",          "Malformed",     "ValidationError", "Validation",
    "UnknownParameter", "UnknownOperation", "Serialization", "BadRequest",      "Unsupported"};

bool is_usage(std::string_view code) {
  return std::any_of(std::begin(kUsageStarts), std::end(kUsageStarts),
                     [&](std::string_view start) { return code.starts_with(start); });
}

ErrorKind kind_of_status(int status) {
  if (status == 401 || status == 403 || status == 407) return ErrorKind::denied;
  if (status == 404 || status == 410) return ErrorKind::not_found;
  if (status == 409 || status == 412) return ErrorKind::conflict;
  if (status == 429) return ErrorKind::throttled;
  if (status >= 500) return ErrorKind::unavailable;
  return ErrorKind::failed;
}

}  // namespace

ErrorKind kind_of(std::string_view service, std::string_view code, int status) {
  if (is_dry_run_success(code)) return ErrorKind::failed;
  if (is_throttling(code)) {
    bool quota = code == "LimitExceededException" && is_one_of(service, kHardLimits);
    return quota ? ErrorKind::failed : ErrorKind::throttled;
  }
  if (is_one_of(code, kDenied) || has_one_of(code, kDeniedWords)) return ErrorKind::denied;
  if (is_one_of(code, kNotFound) || has_one_of(code, kNotFoundWords)) return ErrorKind::not_found;
  if (has_one_of(code, kConflictWords)) return ErrorKind::conflict;
  // An instance type that a zone does not have is "Unsupported": another zone may.
  if (is_one_of(code, kUnavailable) || has_one_of(code, kUnavailableWords)) {
    return ErrorKind::unavailable;
  }
  if (is_usage(code)) return ErrorKind::usage;
  return kind_of_status(status);
}

bool is_throttling(std::string_view code) { return is_one_of(code, kThrottled); }

bool is_dry_run_success(std::string_view code) { return code == "DryRunOperation"; }

}  // namespace hallmark::aws
