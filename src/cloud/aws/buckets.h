#pragma once
/// Objects in S3 buckets.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// Removes all versions of an object, and what says that it was deleted. Fine if there is none, or
/// no such bucket.
void remove_object(const Session& session, const Place& place, const std::string& bucket,
                   const std::string& key);

bool has_object(const Session& session, const Place& place, const std::string& bucket,
                const std::string& key);

}  // namespace hallmark::cloud::on_aws
