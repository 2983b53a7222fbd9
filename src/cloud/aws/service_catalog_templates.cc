#include "base/error.h"
#include "cloud/aws/service_catalog_parts.h"

namespace hallmark::cloud::on_aws {

namespace {

/// Of the object that holds a template: the token of the call that put it.
constexpr const char* kTokenMetadata = "hallmark-call-token";
constexpr std::chrono::seconds kUrlLife{60};  // its signature is cut off; any life will do

std::string bucket_of(const Session& session, const Place& place) {
  const std::string& bucket = session.region(place).bucket;
  if (!bucket.empty()) return bucket;
  throw Error(ErrorKind::usage, "region {} has no bucket to keep templates in", place.region)
      .hint("`hallmark aws setup` makes one; its name belongs under cloud.regions in config.yaml");
}

}  // namespace

KeptTemplate put_template(const Session& session, const Place& place, const ProductKey& key,
                          const VersionSpec& spec, const std::string& token, std::stop_token stop) {
  const Place where = session.bucket_place(place);
  const Value object = {{"Bucket", bucket_of(session, place)},
                        {"Key", template_key(key, spec.name)}};
  if (!is_template_of(session, place, key, spec.name, token)) {
    Value input = object;
    input["Body"] = spec.template_text;
    input["ContentType"] = "text/plain; charset=utf-8";
    input["Metadata"] = {{kTokenMetadata, client_token(token)}};
    session.call(where, "s3", "PutObject", input, stop);
  }
  const std::string url = session.presigned_url(where, "s3", "GetObject", object, kUrlLife);
  const Value head = session.call(where, "s3", "HeadObject", object, stop);
  // A bucket without versions has none to tell; its objects are as old as their last writing.
  std::string writing = text(head, "VersionId");
  if (writing.empty()) writing = head.value("LastModified", Value()).dump();
  return {.url = url.substr(0, url.find('?')), .writing = writing};
}

bool is_template_of(const Session& session, const Place& place, const ProductKey& key,
                    const std::string& version, const std::string& token) {
  try {
    Value head =
        session.call(session.bucket_place(place), "s3", "HeadObject",
                     {{"Bucket", bucket_of(session, place)}, {"Key", template_key(key, version)}});
    return text(head.value("Metadata", Value::object()), kTokenMetadata) == client_token(token);
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return false;
  }
}

void remove_template(const Session& session, const Place& place, const ProductKey& key,
                     const std::string& version) {
  const Place where = session.bucket_place(place);
  const std::string bucket = bucket_of(session, place);
  const std::string name = template_key(key, version);
  std::vector<std::string> versions;
  Value input = {{"Bucket", bucket}, {"Prefix", name}};
  while (true) {
    Value page = session.call(where, "s3", "ListObjectVersions", input);
    for (const char* member : {"Versions", "DeleteMarkers"}) {
      for (const Value& one : page.value(member, Value::array())) {
        // Version 1's name is where version 10's begins.
        if (text(one, "Key") == name) versions.push_back(text(one, "VersionId"));
      }
    }
    if (!page.value("IsTruncated", false)) break;
    input["KeyMarker"] = text(page, "NextKeyMarker");
    input["VersionIdMarker"] = text(page, "NextVersionIdMarker");
  }
  for (const std::string& id : versions) {
    Value one = {{"Bucket", bucket}, {"Key", name}};
    if (!id.empty()) one["VersionId"] = id;
    session.call(where, "s3", "DeleteObject", one);
  }
}

}  // namespace hallmark::cloud::on_aws
