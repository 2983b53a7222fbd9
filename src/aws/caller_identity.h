#pragma once
/// Proving who one is by AWS: a signed GetCallerIdentity that somebody else may send, and that
/// stands for one statement only.
///
/// AWS Security Token Service API Reference, "GetCallerIdentity": needs no permission and tells
/// account and ARN. Headers that are signed cannot be changed by whoever sends the request.

#include <string>

#include "aws/http_client.h"
#include "aws/value.h"

namespace hallmark::aws {

/// Asks who the client's credentials are: their ARN.
std::string caller_arn(HttpClient& client, std::stop_token stop);

/// A request that tells the client's identity and names `statement_digest` in a signed header:
/// {"kind": "aws", "method", "url", "headers", "body"}. Good for 15 minutes. It is a secret for
/// that long.
Value identity_proof(HttpClient& client, const std::string& statement_digest, Clock& clock,
                     std::stop_token stop);

struct ProvedCaller {
  std::string arn;
  std::string request_id;  ///< STS's, which CloudTrail has too; empty if it gave none
  std::string host;
};

/// Sends such a request and returns whose it is. Only to STS: to hosts sts.<region>.amazonaws.com
/// and their like in other partitions, or to the host of `own_endpoint` if that is not empty.
/// Throws `denied` if the request is anything but GetCallerIdentity, does not name the digest in a
/// signed header, or is refused by AWS; `unavailable`.
ProvedCaller proved_caller(const Value& proof, const std::string& statement_digest,
                           const std::string& own_endpoint, ModelLibrary& models,
                           const HttpExchange& exchange, std::stop_token stop);

}  // namespace hallmark::aws
