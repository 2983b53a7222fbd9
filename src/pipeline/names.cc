#include "pipeline/names.h"

namespace hallmark::pipeline {

std::string version_parameter(const std::string& product, const std::string& os,
                              const std::string& version) {
  return kParameterRoot + os + "/" + product + "/" + version;
}

std::string channel_parameter(const std::string& product, const std::string& os,
                              const std::string& name) {
  return kParameterRoot + os + "/" + product + "/channel/" + name;
}

std::string id_parameter(const std::string& image_id) {
  return std::string(kParameterRoot) + "ids/" + image_id;
}

cloud::Tags image_tags(const model::Pipeline& pipeline, const char* type) {
  cloud::Tags tags = pipeline.tags;
  tags["ProductName"] = pipeline.product;
  tags["ProductOSAndVersion"] = pipeline.os;
  tags["version"] = pipeline.version;
  tags[kTypeTag] = type;
  tags[kImageKeyTag] = model::image_key(pipeline);
  return tags;
}

cloud::Tags owner_tags(const std::string& run_id, const std::string& token, TimePoint deadline) {
  return {{kRunTag, run_id}, {kTokenTag, token}, {kDeadlineTag, to_rfc3339(deadline)}};
}

}  // namespace hallmark::pipeline
