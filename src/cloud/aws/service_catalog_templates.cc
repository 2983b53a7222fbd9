#include "base/error.h"
#include "cloud/aws/buckets.h"
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
  remove_object(session, session.bucket_place(place), bucket_of(session, place),
                template_key(key, version));
}

}  // namespace hallmark::cloud::on_aws
