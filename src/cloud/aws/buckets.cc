#include "cloud/aws/buckets.h"

namespace hallmark::cloud::on_aws {

namespace {

std::vector<std::string> versions_of(const Session& session, const Place& place,
                                     const std::string& bucket, const std::string& key) {
  std::vector<std::string> versions;
  Value input = {{"Bucket", bucket}, {"Prefix", key}};
  while (true) {
    Value page = session.call(place, "s3", "ListObjectVersions", input);
    for (const char* member : {"Versions", "DeleteMarkers"}) {
      for (const Value& one : page.value(member, Value::array())) {
        // Version 1's name is where version 10's begins.
        if (text(one, "Key") == key) versions.push_back(text(one, "VersionId"));
      }
    }
    if (!page.value("IsTruncated", false)) return versions;
    input["KeyMarker"] = text(page, "NextKeyMarker");
    input["VersionIdMarker"] = text(page, "NextVersionIdMarker");
  }
}

}  // namespace

void remove_object(const Session& session, const Place& place, const std::string& bucket,
                   const std::string& key) {
  try {
    for (const std::string& id : versions_of(session, place, bucket, key)) {
      Value one = {{"Bucket", bucket}, {"Key", key}};
      if (!id.empty()) one["VersionId"] = id;
      session.call(place, "s3", "DeleteObject", one);
    }
  } catch (const ApiError& e) {
    if (e.code() != "NoSuchBucket") throw;
  }
}

bool has_object(const Session& session, const Place& place, const std::string& bucket,
                const std::string& key) {
  try {
    session.call(place, "s3", "HeadObject", {{"Bucket", bucket}, {"Key", key}});
    return true;
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return false;
  }
}

}  // namespace hallmark::cloud::on_aws
